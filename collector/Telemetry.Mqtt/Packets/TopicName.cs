using System.Text;

namespace Telemetry.Mqtt.Packets;

/// <summary>Topic Names and Topic Filters, MQTT 5.0 and 3.1.1 section 4.7; bytes are compared as received, never normalized ([MQTT-4.7.3-4] of both).</summary>
internal static class TopicName
{
    private static ReadOnlySpan<byte> SharePrefix => "$share/"u8;

    /// <summary>At least one character and no wildcard (MQTT 5.0 [MQTT-3.3.2-2], [MQTT-4.7.3-1]).</summary>
    public static bool IsValid(ReadOnlySpan<byte> topic) => !topic.IsEmpty && !topic.ContainsAny((byte)'+', (byte)'#');

    /// <summary>Wildcards stand alone in their level, '#' in the last one; a shared filter has a share name and a filter
    /// (MQTT 5.0 [MQTT-4.7.1-1], [MQTT-4.7.1-2], [MQTT-4.8.2-1], [MQTT-4.8.2-2]).</summary>
    public static bool IsValidFilter(ReadOnlySpan<byte> filter)
    {
        if (filter.StartsWith(SharePrefix))
        {
            if (!TrySplitShared(filter, out ReadOnlySpan<byte> name, out filter)) return false;
            if (name.IsEmpty || name.ContainsAny((byte)'+', (byte)'#')) return false;
        }

        if (filter.IsEmpty) return false;
        for (int i = 0; i < filter.Length; i++)
        {
            if (filter[i] is not ((byte)'+' or (byte)'#')) continue;
            bool beginsLevel = i == 0 || filter[i - 1] == '/';
            bool endsLevel = i == filter.Length - 1 || (filter[i] == '+' && filter[i + 1] == '/');
            if (!beginsLevel || !endsLevel) return false;
        }

        return true;
    }

    public static bool IsShared(ReadOnlySpan<byte> filter) => filter.StartsWith(SharePrefix);

    /// <summary>Splits <c>$share/{name}/{filter}</c>.</summary>
    public static bool TrySplitShared(ReadOnlySpan<byte> shared, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> filter)
    {
        name = filter = default;
        if (!shared.StartsWith(SharePrefix)) return false;
        shared = shared[SharePrefix.Length..];
        int slash = shared.IndexOf((byte)'/');
        if (slash < 0) return false;
        name = shared[..slash];
        filter = shared[(slash + 1)..];
        return true;
    }

    /// <summary>Whether a valid, non-shared filter matches a valid topic name.</summary>
    public static bool Matches(ReadOnlySpan<byte> filter, ReadOnlySpan<byte> topic)
    {
        // Filters that begin with a wildcard do not match names that begin with '$' ([MQTT-4.7.2-1] of both).
        if (topic[0] == '$' && (filter[0] is (byte)'+' or (byte)'#')) return false;

        while (true)
        {
            int filterEnd = LevelEnd(filter), topicEnd = LevelEnd(topic);
            ReadOnlySpan<byte> level = filter[..filterEnd];
            if (level.SequenceEqual("#"u8)) return true;
            if (!level.SequenceEqual("+"u8) && !level.SequenceEqual(topic[..topicEnd])) return false;

            bool filterDone = filterEnd == filter.Length, topicDone = topicEnd == topic.Length;
            if (filterDone || topicDone)
            {
                // "a/#" also matches its parent "a" (section 4.7.1.2).
                return (filterDone && topicDone) || (topicDone && filter[filterEnd..].SequenceEqual("/#"u8));
            }

            filter = filter[(filterEnd + 1)..];
            topic = topic[(topicEnd + 1)..];
        }
    }

    /// <summary>Splits <c>t1/{brand}/{device}/{leaf}</c>.</summary>
    /// <returns>False when the topic has another shape; brand and device are only split off, not looked up.</returns>
    public static bool TrySplitDevice(ReadOnlySpan<byte> topic, out string username, out ReadOnlySpan<byte> leaf)
    {
        username = "";
        leaf = default;
        if (!topic.StartsWith("t1/"u8)) return false;
        topic = topic[3..];
        int last = topic.LastIndexOf((byte)'/');
        if (last < 0 || topic[..last].Count((byte)'/') != 1) return false;

        leaf = topic[(last + 1)..];
        username = Encoding.UTF8.GetString(topic[..last]);
        return true;
    }

    private static int LevelEnd(ReadOnlySpan<byte> rest)
    {
        int slash = rest.IndexOf((byte)'/');
        return slash < 0 ? rest.Length : slash;
    }
}
