using Telemetry.Wire.Ingest;

namespace Telemetry.Wire.Batches;

/// <summary>Reads sealed batches in place, without allocation (proto/WIRE.md, "Batch").</summary>
/// <remarks>
/// <code>
/// Batch = fields of one protobuf message in ascending order:
///   1 epoch    0D u32        5 clock   2A len { 08 wall 10 uptime 18 error 20 source }
///   2 seq      10 varint     6 losses  32 len { 08 signal 10 reason 18 count } ...
///   3 boot     18 varint     7 blocks  3A len bytes ...
///   4 profile  25 u32        8 plain   42 len { ... } ...
///   (9-14 unknown: stepped over)      15 crc32c 7D u32, the last 5 bytes
/// </code>
/// Thread-safe: no state.
/// </remarks>
public static class BatchReader
{
    private const int EpochField = 1;
    private const int SeqField = 2;
    private const int BootField = 3;
    private const int ProfileField = 4;
    private const int ClockField = 5;
    internal const int LossField = 6;
    internal const int BlockField = 7;
    internal const int PlainBlockField = 8;
    private const int ChecksumField = 15;

    // tag 1 + value 4
    private const int ChecksumBytes = 5;
    private const byte ChecksumTag = (ChecksumField << 3) | ProtoReader.Fixed32;

    /// <summary>Checks checksum, order and limits of a whole batch and reads its header. Blocks are counted, not decoded.</summary>
    /// <returns>Done; or Malformed with the reason a dead letter or refusal carries: TooLarge over <see cref="WireLimits.MaxBatchBytes"/>,
    /// ChecksumMismatch, LimitExceeded for a count or a value over its bound, Malformed for the rest.</returns>
    public static DecodeStatus ReadHeader(ReadOnlySpan<byte> batch, out BatchHeader header, out RefusalReason reason)
    {
        header = default;
        reason = CheckEnvelope(batch);
        if (reason != RefusalReason.None) return DecodeStatus.Malformed;

        ulong epoch = 0, seq = 0, boot = 0, profile = 0;
        int blocks = 0, losses = 0;
        ClockReading? clock = null;
        ProtoReader fields = new(batch[..^ChecksumBytes]);
        while (reason == RefusalReason.None && fields.TryRead())
        {
            reason = fields.Field switch
            {
                EpochField => Single(ref fields, ProtoReader.Fixed32, uint.MaxValue, out epoch),
                SeqField => Single(ref fields, ProtoReader.Varint, long.MaxValue, out seq),
                BootField => Single(ref fields, ProtoReader.Varint, uint.MaxValue, out boot),
                ProfileField => Single(ref fields, ProtoReader.Fixed32, uint.MaxValue, out profile),
                ClockField => ReadClock(ref fields, out clock),
                LossField => ++losses > WireLimits.MaxLosses ? RefusalReason.LimitExceeded : LossEnumerator.Check(ref fields),
                BlockField or PlainBlockField => CheckBlock(ref fields, ++blocks),
                > ChecksumField => RefusalReason.Malformed,
                ChecksumField => RefusalReason.Malformed, // a second one
                _ => RefusalReason.None,
            };
        }

        if (reason == RefusalReason.None && (fields.IsMalformed || epoch == 0 || seq == 0 || boot == 0 || profile == 0 || clock is null))
            reason = RefusalReason.Malformed;
        if (reason != RefusalReason.None) return DecodeStatus.Malformed;
        header = new BatchHeader((uint)epoch, seq, (uint)boot, (uint)profile, clock.GetValueOrDefault(), blocks, losses);
        return DecodeStatus.Done;
    }

    /// <summary>The blocks of a batch that <see cref="ReadHeader"/> found good.</summary>
    public static BlockEnumerator Blocks(ReadOnlySpan<byte> batch) => new(Body(batch));

    /// <summary>The loss ledger of a batch that <see cref="ReadHeader"/> found good.</summary>
    public static LossEnumerator Losses(ReadOnlySpan<byte> batch) => new(Body(batch));

    private static ReadOnlySpan<byte> Body(ReadOnlySpan<byte> batch) => batch.Length < ChecksumBytes ? default : batch[..^ChecksumBytes];

    private static RefusalReason CheckEnvelope(ReadOnlySpan<byte> batch)
    {
        if (batch.Length > WireLimits.MaxBatchBytes) return RefusalReason.TooLarge;
        if (batch.Length < ChecksumBytes || batch[^ChecksumBytes] != ChecksumTag) return RefusalReason.Malformed;
        uint expected = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(batch[^4..]);
        return Crc32C.Compute(batch[..^ChecksumBytes]) == expected ? RefusalReason.None : RefusalReason.ChecksumMismatch;
    }

    internal static RefusalReason Single(ref ProtoReader fields, int wireType, ulong max, out ulong value)
    {
        value = fields.Value;
        if (fields.WireType != wireType || fields.IsRepetition) return RefusalReason.Malformed;
        return value <= max ? RefusalReason.None : RefusalReason.LimitExceeded;
    }

    private static RefusalReason CheckBlock(ref ProtoReader fields, int count)
    {
        if (fields.WireType != ProtoReader.Bytes || fields.ContentLength == 0) return RefusalReason.Malformed;
        return count <= WireLimits.MaxBatchBlocks ? RefusalReason.None : RefusalReason.LimitExceeded;
    }

    private static RefusalReason ReadClock(ref ProtoReader fields, out ClockReading? clock)
    {
        clock = null;
        if (fields.WireType != ProtoReader.Bytes || fields.IsRepetition) return RefusalReason.Malformed;
        ulong wall = 0, uptime = 0, error = 0, source = 0;
        ProtoReader inner = new(fields.Content);
        RefusalReason reason = RefusalReason.None;
        while (reason == RefusalReason.None && inner.TryRead())
        {
            reason = inner.Field switch
            {
                1 => Single(ref inner, ProtoReader.Varint, WireLimits.MaxTimeMs, out wall),
                2 => Single(ref inner, ProtoReader.Varint, WireLimits.MaxTimeMs, out uptime),
                3 => Single(ref inner, ProtoReader.Varint, uint.MaxValue, out error),
                4 => Single(ref inner, ProtoReader.Varint, int.MaxValue, out source),
                _ => RefusalReason.None,
            };
        }

        if (inner.IsMalformed) return RefusalReason.Malformed;
        clock = new ClockReading((long)wall, (long)uptime, (uint)error, (int)source);
        return reason;
    }
}
