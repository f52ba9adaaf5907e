using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Wire.Tests.Vectors;

/// <summary>What this decoder reads from a vector, in the words of the manifest.</summary>
internal static class VectorContent
{
    /// <summary>Decodes by type: "batch", "block" or "plain".</summary>
    /// <returns>The reason's name, "None" when good; and then the content.</returns>
    public static (string Reason, JsonObject? Content) Read(string type, ReadOnlySpan<byte> bytes)
    {
        if (type == "batch") return ReadBatch(bytes);
        BlockDecoder block = new();
        RefusalReason reason = block.Decode(bytes, type == "plain");
        return (reason.ToString(), reason == RefusalReason.None ? Describe(block) : null);
    }

    private static (string Reason, JsonObject? Content) ReadBatch(ReadOnlySpan<byte> bytes)
    {
        BatchDecoder decoder = new();
        RefusalReason reason = decoder.Check(bytes, out BatchHeader header, out _);
        if (reason != RefusalReason.None) return (reason.ToString(), null);
        JsonArray losses = [];
        foreach (LossEntry loss in BatchReader.Losses(bytes)) losses.Add(new JsonArray(loss.SignalId, loss.Reason, loss.Count));
        JsonArray blocks = [];
        foreach (BlockDecoder block in decoder.Blocks(bytes)) blocks.Add(Describe(block));
        ClockReading clock = header.Clock;
        return ("None", new JsonObject
        {
            ["epoch"] = header.Epoch,
            ["seq"] = header.Seq,
            ["boot"] = header.Boot,
            ["profile"] = header.ProfileHash,
            ["clock"] = new JsonArray(clock.WallUnixMs, clock.UptimeMs, clock.ErrorMs, clock.Source),
            ["losses"] = losses,
            ["blocks"] = blocks,
        });
    }

    private static JsonObject Describe(BlockDecoder block)
    {
        JsonArray columns = [];
        for (int column = 0; column < block.ColumnCount; column++)
        {
            JsonArray values = [];
            if (block.IsReal(column)) foreach (long bits in MemoryMarshal.Cast<double, long>(block.Reals(column))) values.Add($"{bits:x16}");
            else foreach (long value in block.Integers(column)) values.Add(value);
            columns.Add(new JsonObject { ["signal"] = block.SignalId(column), [block.IsReal(column) ? "reals" : "integers"] = values });
        }

        return new JsonObject
        {
            ["timesMs"] = new JsonArray([.. block.TimesMs.ToArray().Select(time => (JsonNode)time)]),
            ["quality"] = new JsonArray([.. block.Quality.ToArray().Select(mask => (JsonNode)(int)mask)]),
            ["columns"] = columns,
        };
    }
}
