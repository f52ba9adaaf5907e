using System.Runtime.InteropServices;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Ingest;

namespace Telemetry.Wire.Blocks;

/// <summary>Reads the plain encoding, telemetry.v1.PlainBlock, into the columns of a <see cref="BlockDecoder"/> (proto/WIRE.md, "Plain block").</summary>
internal static class PlainBlockDecoder
{
    private const int MaxQuality = 7;

    /// <summary>Decodes a plain block.</summary>
    /// <returns>None, Malformed or LimitExceeded.</returns>
    public static RefusalReason Fill(BlockDecoder target, ReadOnlySpan<byte> block)
    {
        ulong start = 0, period = 0, rows = 0;
        ReadOnlySpan<byte> steps = default;
        RefusalReason reason = RefusalReason.None;
        ProtoReader fields = new(block);
        while (reason == RefusalReason.None && fields.TryRead())
        {
            switch (fields.Field)
            {
                case 1: reason = BatchReader.Single(ref fields, ProtoReader.Varint, WireLimits.MaxTimeMs, out start); break;
                case 2: reason = BatchReader.Single(ref fields, ProtoReader.Varint, uint.MaxValue, out period); break;
                case 3: reason = Content(ref fields, out steps); break;
                case 4:
                    reason = BatchReader.Single(ref fields, ProtoReader.Varint, WireLimits.MaxBlockRows, out rows);
                    if (reason == RefusalReason.None && !TryBegin(target, (int)rows, (long)start, (long)period, steps)) reason = RefusalReason.Malformed;
                    break;
                case 5: reason = ReadColumn(target, ref fields); break;
                case 6: reason = ReadQuality(target, ref fields); break;
            }
        }

        if (reason != RefusalReason.None) return reason;
        return fields.IsMalformed || target.RowCount == 0 || target.ColumnCount == 0 ? RefusalReason.Malformed : RefusalReason.None;
    }

    private static RefusalReason Content(scoped ref ProtoReader fields, out ReadOnlySpan<byte> content)
    {
        content = fields.WireType == ProtoReader.Bytes ? fields.Content : default;
        return fields.WireType == ProtoReader.Bytes && !fields.IsRepetition ? RefusalReason.None : RefusalReason.Malformed;
    }

    private static bool TryBegin(BlockDecoder target, int rows, long start, long period, ReadOnlySpan<byte> steps)
    {
        if (rows == 0) return false;
        target.Begin(rows);
        Span<long> times = target.Times;
        long time = start;
        for (int row = 0; row < rows; row++)
        {
            times[row] = time;
            if (period != 0 || row == rows - 1)
            {
                time += period;
                continue;
            }

            int taken = VarintReader.Read(steps, out ulong step);
            if (taken == 0 || step > uint.MaxValue) return false;
            steps = steps[taken..];
            time += (long)step;
        }

        return steps.IsEmpty;
    }

    private static RefusalReason ReadColumn(BlockDecoder target, ref ProtoReader fields)
    {
        if (fields.WireType != ProtoReader.Bytes || target.RowCount == 0) return RefusalReason.Malformed;
        if (target.ColumnCount == WireLimits.MaxBlockColumns) return RefusalReason.LimitExceeded;
        ulong signal = 0;
        ReadOnlySpan<byte> deltas = default, reals = default;
        RefusalReason reason = RefusalReason.None;
        ProtoReader inner = new(fields.Content);
        while (reason == RefusalReason.None && inner.TryRead())
        {
            switch (inner.Field)
            {
                case 1: reason = BatchReader.Single(ref inner, ProtoReader.Varint, WireLimits.MaxSignalId, out signal); break;
                case 2: reason = Content(ref inner, out deltas); break;
                case 3: reason = Content(ref inner, out reals); break;
            }
        }

        if (reason != RefusalReason.None) return reason;
        bool isReal = !reals.IsEmpty;
        if (inner.IsMalformed || signal == 0 || deltas.IsEmpty != isReal) return RefusalReason.Malformed;
        if (target.ColumnCount > 0 && (int)signal <= target.SignalId(target.ColumnCount - 1)) return RefusalReason.Malformed;
        Span<long> values = target.BeginColumn((int)signal, isReal);
        return (isReal ? TryCopyReals(values, reals) : TryAddDeltas(values, deltas)) ? RefusalReason.None : RefusalReason.Malformed;
    }

    private static bool TryAddDeltas(Span<long> values, ReadOnlySpan<byte> deltas)
    {
        long value = 0;
        for (int row = 0; row < values.Length; row++)
        {
            int taken = VarintReader.Read(deltas, out ulong code);
            if (taken == 0) return false;
            deltas = deltas[taken..];
            value = unchecked(value + VarintReader.UnZigZag(code));
            values[row] = value;
        }

        return deltas.IsEmpty;
    }

    // Doubles are little endian on the wire, as they are here.
    private static bool TryCopyReals(Span<long> values, ReadOnlySpan<byte> reals) =>
        reals.Length == values.Length * sizeof(double) && reals.TryCopyTo(MemoryMarshal.AsBytes(values));

    private static RefusalReason ReadQuality(BlockDecoder target, ref ProtoReader fields)
    {
        RefusalReason reason = Content(ref fields, out ReadOnlySpan<byte> quality);
        if (reason != RefusalReason.None || quality.IsEmpty) return reason;
        if (quality.Length != target.RowCount || target.ColumnCount == 0) return RefusalReason.Malformed;
        foreach (byte row in quality)
        {
            if (row > MaxQuality) return RefusalReason.Malformed;
        }

        quality.CopyTo(target.BeginQuality());
        return RefusalReason.None;
    }
}
