using System.Text.Json;

namespace Telemetry.Wire.Profiles;

/// <summary>The properties of one object: knows which are allowed, faults unknown and repeated ones, and which are missing.</summary>
internal sealed class PropertySet(string[] known, string path, FaultList faults)
{
    private readonly Dictionary<string, int> _lineOf = new(StringComparer.Ordinal);

    /// <summary>Takes the property name at the reader and moves on to its value.</summary>
    /// <returns>The key, or null when its value is to be skipped.</returns>
    public string? Next(ref Utf8JsonReader reader)
    {
        string? key = ProfileValues.StringOf(ref reader);
        long offset = reader.TokenStartIndex;
        bool isKnown = key is not null && known.Contains(key, StringComparer.Ordinal);
        if (!isKnown)
        {
            string advice = key is not null && Suggestion.For(key, known) is { } near ? $"Did you mean \"{near}\"?" : "Remove it.";
            faults.Add(ref reader, path, "one of the keys " + string.Join(", ", known), advice);
        }
        else if (!_lineOf.TryAdd(key!, faults.LineOf(offset)))
        {
            faults.Add(ref reader, At(key!), "each key once", $"Line {_lineOf[key!]} has it already; remove one.");
            isKnown = false;
        }

        reader.Read();
        return isKnown ? key : null;
    }

    public bool Has(string key) => _lineOf.ContainsKey(key);

    public void ReportMissing(long offset, string[] required)
    {
        foreach (string key in required)
        {
            if (!Has(key)) faults.AddAt(offset, At(key), "nothing", "a value", $"Add \"{key}\".");
        }
    }

    private string At(string key) => path.Length == 0 ? key : $"{path}.{key}";
}

/// <summary>Guesses which of a few words was meant.</summary>
internal static class Suggestion
{
    /// <summary>The nearest candidate, ignoring case and separators, or null when none is near.</summary>
    public static string? For(string word, IEnumerable<string> candidates)
    {
        string plain = Plain(word);
        (string? best, int distance) = (null, Math.Max(2, plain.Length / 3) + 1);
        foreach (string candidate in candidates)
        {
            string other = Plain(candidate);
            // "period" for "periodMs": a whole beginning counts as one slip.
            int found = plain.Length >= 3 && (other.StartsWith(plain, StringComparison.Ordinal) || plain.StartsWith(other, StringComparison.Ordinal))
                ? 1 : Distance(plain, other);
            if (found < distance && found < Math.Max(plain.Length, other.Length)) (best, distance) = (candidate, found);
        }

        return best;
    }

    private static string Plain(string word) => (word.Length > 64 ? word[..64] : word).Replace("_", "", StringComparison.Ordinal).ToLowerInvariant();

    // Levenshtein: the least number of single-character insertions, deletions and replacements.
    private static int Distance(string left, string right)
    {
        int[] row = [.. Enumerable.Range(0, right.Length + 1)];
        for (int i = 1; i <= left.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int replaced = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, 1 + Math.Min(row[j], row[j - 1]));
            }
        }

        return row[right.Length];
    }
}
