using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Log;

/// <summary>Which records of one device to erase. Every condition given must hold; the defaults hold always.</summary>
/// <param name="DeviceKey">Whose.</param>
/// <param name="Epoch">Only this epoch; null = all. Dead letters without a readable header belong to every epoch.</param>
/// <param name="FirstSeq">Seqs from here on.</param>
/// <param name="LastSeq">Seqs up to this one, inclusive.</param>
/// <param name="FromUnixMs">Batches with a row at or behind this time.</param>
/// <param name="ToUnixMs">Batches with a row before this time.</param>
/// <remarks>A batch with one row in the time range goes as a whole: its bytes are sealed, and a person's data must not stay because it shares a batch.
/// Where a batch's own clock was not set, or a dead letter cannot be read, its rows may be of any time up to its receipt.</remarks>
public sealed record LogSelection(
    uint DeviceKey, uint? Epoch = null, ulong FirstSeq = 0, ulong LastSeq = ulong.MaxValue, long FromUnixMs = long.MinValue, long ToUnixMs = long.MaxValue)
{
    [ThreadStatic]
    private static BlockDecoder? t_decoder;

    /// <summary>Whether a batch or dead letter is meant.</summary>
    public bool Selects(LogRecord record)
    {
        if (record.DeviceKey != DeviceKey) return false;
        ReadOnlySpan<byte> batch = record.Payload.Span;
        if (BatchReader.ReadHeader(batch, out BatchHeader header, out _) != DecodeStatus.Done) return record.ReceivedUnixMs >= FromUnixMs;
        if ((Epoch is { } epoch && header.Epoch != epoch) || header.Seq < FirstSeq || header.Seq > LastSeq) return false;
        if (FromUnixMs == long.MinValue && ToUnixMs == long.MaxValue) return true;
        if (!header.Clock.IsSet) return record.ReceivedUnixMs >= FromUnixMs;

        bool hasRows = false;
        BlockDecoder decoder = t_decoder ??= new BlockDecoder();
        foreach (BlockSlice slice in BatchReader.Blocks(batch))
        {
            // An unreadable block may hold anything.
            if (decoder.Decode(batch.Slice(slice.Offset, slice.Length), slice.IsPlain) != RefusalReason.None) return true;
            hasRows = true;
            if (header.Clock.ToUnixMs(decoder.TimesMs[0]) < ToUnixMs && header.Clock.ToUnixMs(decoder.TimesMs[^1]) >= FromUnixMs) return true;
        }

        return !hasRows && header.Clock.WallUnixMs >= FromUnixMs && header.Clock.WallUnixMs < ToUnixMs;
    }
}
