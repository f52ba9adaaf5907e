using System.Globalization;
using System.Text.Json;

namespace Telemetry.Wire.Profiles;

/// <summary>Reads one value of a profile and says what is wrong with it. Each leaves the reader at the value's last token.</summary>
internal static class ProfileValues
{
    private const int MaxUnitCharacters = 32;

    // What authors write where UCUM has another word.
    private static readonly Dictionary<string, string> s_ucum = new(StringComparer.OrdinalIgnoreCase)
    {
        ["bpm"] = "/min", ["beats/min"] = "/min", ["spm"] = "/min", ["steps/min"] = "/min", ["rpm"] = "/min",
        ["°C"] = "Cel", ["C"] = "Cel", ["degC"] = "Cel", ["celsius"] = "Cel", ["°F"] = "[degF]", ["F"] = "[degF]",
        ["ppm"] = "[ppm]", ["lux"] = "lx", ["count"] = "1", ["counts"] = "1", ["steps"] = "1", ["none"] = "1", ["percent"] = "%",
        ["mps"] = "m/s", ["meter"] = "m", ["metre"] = "m", ["meters"] = "m", ["watt"] = "W", ["watts"] = "W", ["sec"] = "s", ["hz"] = "Hz", ["db"] = "dB",
    };

    public static bool IsModelId(string text) => !text.AsSpan().ContainsAnyExcept("abcdefghijklmnopqrstuvwxyz0123456789-_");

    public static bool IsSignalKey(string text) => text[0] is >= 'a' and <= 'z' && !text.AsSpan().ContainsAnyExcept("abcdefghijklmnopqrstuvwxyz0123456789_");

    public static string? Text(ref Utf8JsonReader reader, FaultList faults, string key, int maxCharacters, Predicate<string> isValid, string expected)
    {
        if (reader.TokenType == JsonTokenType.String && StringOf(ref reader) is { Length: > 0 } text && text.Length <= maxCharacters && isValid(text)) return text;
        faults.Add(ref reader, key, expected);
        reader.Skip();
        return null;
    }

    public static string? Unit(ref Utf8JsonReader reader, FaultList faults, string key)
    {
        string? text = reader.TokenType == JsonTokenType.String ? StringOf(ref reader) : null;
        string advice = text is not null && s_ucum.TryGetValue(text, out string? ucum) && ucum != text ? $"Write \"{ucum}\"." : "";
        // The canonical text of the hash separates fields by '|', so a unit has none; UCUM needs none.
        bool isPlain = text is { Length: > 0 and <= MaxUnitCharacters } && text.All(character => character is > ' ' and < '\x7f' and not '|');
        if (isPlain && advice.Length == 0) return text;
        faults.Add(ref reader, key, "a UCUM unit of 1-32 characters, e.g. \"/min\", \"Cel\", \"1\"", advice);
        reader.Skip();
        return null;
    }

    public static int? Integer(ref Utf8JsonReader reader, FaultList faults, string key, int min, int max)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int value) && value >= min && value <= max) return value;
        faults.Add(ref reader, key, string.Create(CultureInfo.InvariantCulture, $"an integer in {min}..{max}"));
        reader.Skip();
        return null;
    }

    public static double? Number(ref Utf8JsonReader reader, FaultList faults, string key)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out double value) && double.IsFinite(value)) return value;
        faults.Add(ref reader, key, "a number that a 64-bit real can hold");
        reader.Skip();
        return null;
    }

    public static T? Name<T>(ref Utf8JsonReader reader, FaultList faults, string key)
        where T : struct, Enum
    {
        string? text = reader.TokenType == JsonTokenType.String ? StringOf(ref reader) : null;
        string[] names = [.. Enum.GetNames<T>().Select(name => name.ToLowerInvariant())];
        if (text is not null && names.Contains(text, StringComparer.Ordinal)) return Enum.Parse<T>(text, ignoreCase: true);
        string advice = text is not null && Suggestion.For(text, names) is { } near ? $"Did you mean \"{near}\"?" : "";
        faults.Add(ref reader, key, "one of " + string.Join(", ", names.Select(name => $"\"{name}\"")), advice);
        reader.Skip();
        return null;
    }

    /// <summary>The string at the reader, or null when its bytes are no UTF-8 or escape half a surrogate pair.</summary>
    public static string? StringOf(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
