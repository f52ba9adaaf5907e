using System.Globalization;
using System.Text.Json;

namespace Telemetry.Wire.Profiles;

/// <summary>Reads the signals of one profile, one after another, and remembers which ids and keys are taken.</summary>
internal sealed class SignalReader(FaultList faults)
{
    private const int MaxPeriodMs = 86_400_000; // a day: the longest time a device may be silent by plan

    private static readonly string[] s_keys = ["id", "key", "unit", "kind", "resolution", "min", "max", "privacy", "periodMs", "minIntervalMs", "maxIntervalMs", "deadband"];
    private static readonly string[] s_required = ["id", "key", "unit", "kind", "min", "max", "privacy"];

    private readonly Dictionary<int, int> _lineOfId = [];
    private readonly Dictionary<string, int> _lineOfKey = new(StringComparer.Ordinal);

    /// <summary>Reads the signal that begins at the reader's token.</summary>
    /// <returns>Null when it has a fault.</returns>
    public SignalDefinition? Read(ref Utf8JsonReader reader, string path)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            faults.Add(ref reader, path, "an object with id, key, unit, kind, resolution, min, max, privacy and periodMs");
            reader.Skip();
            return null;
        }

        int before = faults.Count;
        long start = reader.TokenStartIndex;
        Fields fields = new();
        PropertySet seen = new(s_keys, path, faults);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName) ReadField(ref reader, seen, path, fields);
        seen.ReportMissing(start, s_required);
        if (fields.Kind is { } kind && kind != SignalKind.Real && !seen.Has("resolution")) seen.ReportMissing(start, ["resolution"]);

        CheckTogether(fields, path, start);
        return faults.Count > before ? null : fields.ToSignal();
    }

    private void ReadField(ref Utf8JsonReader reader, PropertySet seen, string path, Fields fields)
    {
        string? key = seen.Next(ref reader);
        string at = $"{path}.{key}";
        switch (key)
        {
            case "id":
                long idAt = reader.TokenStartIndex;
                fields.Id = ProfileValues.Integer(ref reader, faults, at, 1, WireLimits.MaxSignalId);
                if (fields.Id is { } id) CheckUnique(_lineOfId, id, idAt, at, id.ToString(CultureInfo.InvariantCulture), "an id");
                break;
            case "key":
                long keyAt = reader.TokenStartIndex;
                fields.Key = ProfileValues.Text(
                    ref reader, faults, at, 48, ProfileValues.IsSignalKey, "1-48 of a-z, 0-9 and '_', beginning with a letter, e.g. \"heart_rate\"");
                if (fields.Key is { } text) CheckUnique(_lineOfKey, text, keyAt, at, $"\"{text}\"", "a key");
                break;
            case "unit":
                fields.UnitAt = reader.TokenStartIndex;
                fields.Unit = ProfileValues.Unit(ref reader, faults, at);
                break;
            case "kind": fields.Kind = ProfileValues.Name<SignalKind>(ref reader, faults, at); break;
            case "privacy": fields.Privacy = ProfileValues.Name<PrivacyClass>(ref reader, faults, at); break;
            case "resolution": fields.Resolution = ReadResolution(ref reader, at); break;
            case "min": fields.MinAt = reader.TokenStartIndex; fields.Min = ProfileValues.Number(ref reader, faults, at); break;
            case "max": fields.MaxAt = reader.TokenStartIndex; fields.Max = ProfileValues.Number(ref reader, faults, at); break;
            case "periodMs": fields.PeriodMs = ProfileValues.Integer(ref reader, faults, at, 0, MaxPeriodMs) ?? 0; break;
            case "minIntervalMs": fields.MinIntervalMs = ProfileValues.Integer(ref reader, faults, at, 0, MaxPeriodMs) ?? 0; break;
            case "maxIntervalMs": fields.MaxIntervalMs = ProfileValues.Integer(ref reader, faults, at, 0, MaxPeriodMs) ?? 0; break;
            case "deadband": fields.Deadband = ReadDeadband(ref reader, at); break;
            default: reader.Skip(); break;
        }
    }

    private double ReadResolution(ref Utf8JsonReader reader, string at)
    {
        long start = reader.TokenStartIndex;
        double? value = ProfileValues.Number(ref reader, faults, at);
        if (value is not <= 0) return value ?? double.NaN;
        faults.AddAt(start, at, Format(value.Value), "a number greater than 0", "It is the step between two values, in the unit: 1, 0.1, 0.5.");
        return double.NaN;
    }

    private double? ReadDeadband(ref Utf8JsonReader reader, string at)
    {
        long start = reader.TokenStartIndex;
        double? value = ProfileValues.Number(ref reader, faults, at);
        if (value < 0) faults.AddAt(start, at, Format(value.Value), "0 or more", "0 keeps every change; leave the key out to keep every value.");
        return value;
    }

    private void CheckUnique<T>(Dictionary<T, int> taken, T value, long offset, string at, string found, string what)
        where T : notnull
    {
        if (taken.TryAdd(value, faults.LineOf(offset))) return;
        faults.AddAt(
            offset, at, found, $"{what} that no other signal has", $"The signal on line {taken[value]} has it already; give this one its own.");
    }

    // What can only be judged when a signal's fields are known together.
    private void CheckTogether(Fields fields, string path, long start)
    {
        if (fields is { Min: { } min, Max: { } max })
        {
            if (min > max) faults.AddAt(fields.MinAt, $"{path}.min", Format(min), $"at most max, {Format(max)}", "Swap min and max.");
            CheckScaled(fields, fields.Min.Value, fields.MinAt, $"{path}.min");
            CheckScaled(fields, fields.Max.Value, fields.MaxAt, $"{path}.max");
            if (fields.Kind == SignalKind.Counter && min < 0)
            {
                faults.AddAt(fields.MinAt, $"{path}.min", Format(min), "0 or more for a counter", "A counter carries what was counted since the sample before.");
            }
        }

        if (fields is { Key: { } key, Unit: { } unit, Kind: { } kind } && StandardSignals.All.TryGetValue(key, out (string Unit, SignalKind Kind) standard)
            && (standard.Unit != unit || standard.Kind != kind))
        {
            faults.Note(
                fields.UnitAt < 0 ? start : fields.UnitAt, path, $"the standard key \"{key}\" as a {ProfileHash.Name(kind)} in \"{unit}\"",
                $"a {ProfileHash.Name(standard.Kind)} in \"{standard.Unit}\"", "Scenarios read it so; choose another key if you mean something else.");
        }
    }

    private void CheckScaled(Fields fields, double value, long offset, string at)
    {
        if (fields.Kind == SignalKind.Real || double.IsNaN(fields.Resolution)) return;
        double scaled = value / fields.Resolution;
        if (Math.Abs(scaled) < 9.2233720368547758e18) return; // 2^63
        faults.AddAt(
            offset, at, Format(value), $"a value whose scaled integer, value / resolution, fits 64 bits ({Format(value)} / {Format(fields.Resolution)} does not)",
            "Choose a coarser resolution, or kind \"real\".");
    }

    private static string Format(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private sealed class Fields
    {
        public int? Id;
        public string? Key;
        public string? Unit;
        public SignalKind? Kind;
        public PrivacyClass? Privacy;
        public double Resolution = 1; // what a real, which has none, carries in the hash
        public double? Min;
        public double? Max;
        public int PeriodMs;
        public int MinIntervalMs;
        public int MaxIntervalMs;
        public double? Deadband;
        public long UnitAt = -1;
        public long MinAt;
        public long MaxAt;

        public SignalDefinition? ToSignal() => this is { Id: { } id, Key: { } key, Unit: { } unit, Kind: { } kind, Min: { } min, Max: { } max, Privacy: { } privacy }
            ? new SignalDefinition(id, key, unit, kind, Resolution, min, max, privacy, PeriodMs) { Policy = new SignalPolicy(MinIntervalMs, MaxIntervalMs, Deadband) }
            : null;
    }
}
