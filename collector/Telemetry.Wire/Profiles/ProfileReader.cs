using System.Text.Json;

namespace Telemetry.Wire.Profiles;

/// <summary>Reads a model's profile and names every fault of it with its line (proto/WIRE.md, "Profile").</summary>
public static class ProfileReader
{
    private static readonly string[] s_rootKeys = ["model", "version", "signals"];

    /// <summary>Reads a profile.</summary>
    /// <param name="json">UTF-8 JSON, at most <see cref="WireLimits.MaxProfileBytes"/>; a byte order mark is skipped.</param>
    /// <returns>The profile, or all its faults; after a JSON syntax error the rest of the text is not judged.</returns>
    public static ProfileReadResult Read(ReadOnlySpan<byte> json)
    {
        if (json.StartsWith("\uFEFF"u8)) json = json[3..];
        FaultList faults = new(json);
        if (json.Length > WireLimits.MaxProfileBytes)
        {
            faults.AddAt(0, "", $"{json.Length} bytes", $"at most {WireLimits.MaxProfileBytes} bytes", "Split the model or shorten its keys.");
            return faults.Result(null);
        }

        Utf8JsonReader reader = new(json);
        ModelProfile? profile = null;
        try
        {
            profile = ReadRoot(ref reader, faults);
        }
        catch (JsonException fault)
        {
            faults.AddSyntax(fault);
        }

        return faults.Result(profile);
    }

    private static ModelProfile? ReadRoot(ref Utf8JsonReader reader, FaultList faults)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            faults.Add(ref reader, "", "an object with model, version and signals");
            return null;
        }

        string? model = null;
        int version = 0;
        List<SignalDefinition>? signals = null;
        PropertySet seen = new(s_rootKeys, "", faults);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string? key = seen.Next(ref reader);
            switch (key)
            {
                case "model": model = ProfileValues.Text(ref reader, faults, key, 64, ProfileValues.IsModelId, "1-64 of a-z, 0-9, '-' and '_'"); break;
                case "version": version = ProfileValues.Integer(ref reader, faults, key, 1, int.MaxValue) ?? 0; break;
                case "signals": signals = ReadSignals(ref reader, faults); break;
                default: reader.Skip(); break;
            }
        }

        seen.ReportMissing(reader.TokenStartIndex, s_rootKeys);
        reader.Read(); // The reader itself reports anything after the end as a syntax error.
        if (faults.Any || model is null || signals is null) return null;
        signals.Sort((left, right) => left.Id.CompareTo(right.Id));
        return new ModelProfile(model, version, ProfileHash.Compute(model, version, signals), signals);
    }

    private static List<SignalDefinition> ReadSignals(ref Utf8JsonReader reader, FaultList faults)
    {
        List<SignalDefinition> signals = [];
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            faults.Add(ref reader, "signals", "an array of 1 or more signals");
            reader.Skip();
            return signals;
        }

        long start = reader.TokenStartIndex;
        SignalReader items = new(faults);
        int count = 0;
        for (; reader.Read() && reader.TokenType != JsonTokenType.EndArray; count++)
        {
            if (count == WireLimits.MaxSignals)
            {
                faults.Add(ref reader, $"signals[{count}]", $"at most {WireLimits.MaxSignals} signals in one profile");
            }

            // Beyond the limit the text is only skipped, so that a long list costs one fault.
            if (count >= WireLimits.MaxSignals) reader.Skip();
            else if (items.Read(ref reader, $"signals[{count}]") is { } signal) signals.Add(signal);
        }

        if (count == 0) faults.AddAt(start, "signals", "an empty array", "1 or more signals");
        return signals;
    }
}
