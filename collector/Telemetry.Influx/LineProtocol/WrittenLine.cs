using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Telemetry.Influx.LineProtocol;

/// <summary>Tags and timestamp of a line this room wrote, read back: whose it is, and of when.</summary>
/// <param name="Tags"><c>key=value</c>, escaped as written.</param>
/// <param name="Timestamp">In the unit it was written in.</param>
internal sealed record WrittenLine(IReadOnlyList<string> Tags, long Timestamp)
{
    /// <summary>Reads a line; a string field may hold anything, so the tags end at the first bare space and the timestamp begins behind the last.</summary>
    /// <returns>False when it is none of ours.</returns>
    public static bool TryRead(string line, [NotNullWhen(true)] out WrittenLine? written)
    {
        written = null;
        if (!long.TryParse(line.AsSpan(line.LastIndexOf(' ') + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long timestamp)) return false;
        List<string> tags = [];
        int start = -1; // of a tag; -1 inside the measurement
        for (int i = 1; i < line.Length; i++)
        {
            if (line[i] is not (',' or ' ') || line[i - 1] == '\\') continue;
            if (start >= 0) tags.Add(line[start..i]);
            start = i + 1;
            if (line[i] != ' ') continue;
            written = new WrittenLine(tags, timestamp);
            return true;
        }

        return false;
    }

    /// <summary>Whether it has every one of these tags.</summary>
    public bool Has(IEnumerable<(string Key, string Value)> tags) => tags.All(tag => Tags.Contains(Escaped(tag.Key, tag.Value)));

    private static string Escaped(string key, string value)
    {
        StringBuilder tag = new();
        LineWriter.AppendKey(tag, key);
        tag.Append('=');
        LineWriter.AppendKey(tag, value);
        return tag.ToString();
    }
}
