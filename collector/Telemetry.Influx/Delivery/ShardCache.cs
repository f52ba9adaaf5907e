using System.Text.Json;

namespace Telemetry.Influx.Delivery;

/// <summary>What an InfluxDB 1 holds of a shard in memory and in its write-ahead log, and not yet in a data file.</summary>
/// <param name="Shard">Its number.</param>
/// <param name="Bytes">In memory; 0 = everything is in data files.</param>
/// <param name="Flushes">How often the memory became a data file since the process started.</param>
internal readonly record struct ShardCache(string Shard, long Bytes, long Flushes)
{
    /// <summary>True when what it held here is in data files by what the server said later.</summary>
    /// <remarks>Two flushes: the first may have been under way here, without what came last.</remarks>
    public bool IsFlushedIn(IReadOnlyList<ShardCache> later)
    {
        if (Bytes == 0) return true;
        foreach (ShardCache cache in later)
        {
            if (cache.Shard == Shard) return cache.Bytes == 0 || cache.Flushes >= Flushes + 2;
        }

        return true; // the shard was dropped
    }

    /// <summary>Reads what an InfluxDB 1 shows under <c>/debug/vars</c>.</summary>
    /// <param name="json">The page.</param>
    /// <param name="database">Ours; of the others nothing is told.</param>
    /// <param name="started">The instant of the process's start, as it writes it.</param>
    /// <param name="caches">Of our shards.</param>
    /// <returns>False when it is another page.</returns>
    public static bool TryRead(ReadOnlyMemory<byte> json, string database, out string started, out IReadOnlyList<ShardCache> caches)
    {
        Dictionary<string, (long Bytes, long Flushes)> shards = new(StringComparer.Ordinal);
        (started, caches) = ("", []);
        try
        {
            using JsonDocument page = JsonDocument.Parse(json);
            started = page.RootElement.GetProperty("system").GetProperty("started").GetString() ?? "";
            foreach (JsonProperty entry in page.RootElement.EnumerateObject())
            {
                bool isCache = entry.Name.StartsWith("tsm1_cache:", StringComparison.Ordinal), isEngine = entry.Name.StartsWith("tsm1_engine:", StringComparison.Ordinal);
                if (!isCache && !isEngine) continue;
                JsonElement tags = entry.Value.GetProperty("tags"), values = entry.Value.GetProperty("values");
                if (tags.GetProperty("database").GetString() != database) continue;
                string shard = tags.GetProperty("id").GetString() ?? "";
                (long bytes, long flushes) = shards.GetValueOrDefault(shard);
                if (isCache) bytes = values.GetProperty("memBytes").GetInt64();
                else flushes = values.GetProperty("cacheCompactions").GetInt64();
                shards[shard] = (bytes, flushes);
            }
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return false;
        }

        caches = [.. shards.Select(shard => new ShardCache(shard.Key, shard.Value.Bytes, shard.Value.Flushes))];
        return started.Length > 0;
    }
}
