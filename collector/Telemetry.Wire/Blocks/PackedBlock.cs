using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Telemetry.Wire.Ingest;

namespace Telemetry.Wire.Blocks;

/// <summary>Reads the packed encoding (proto/WIRE.md, "Block").</summary>
/// <remarks>
/// <code>
/// u8 flags      bits 0-2 version 1, or 3 with columns about a level; 3 irregular, 4 quality, 5 steps in s, 6 start in s, 7 descriptors
/// varint rows, u8 columns, varint start, varint period
/// irregular:    varint length, timeline stream
/// quality:      u8 first mask | 8 if it changes; then varint length, quality stream
/// columns:      without descriptors varint first signal id; each: [varint descriptor], varint length (not of the last), stream
/// </code>
/// </remarks>
internal static class PackedBlock
{
    private const int Version = 1;
    private const int LevelVersion = 3; // 2 was never given
    private const int VersionMask = 7;
    private const int IrregularFlag = 0x08;
    private const int QualityFlag = 0x10;
    private const int StepsInSecondsFlag = 0x20;
    private const int StartInSecondsFlag = 0x40;
    private const int DescriptorsFlag = 0x80;
    private const int QualityChangesFlag = 0x08;
    private const int MaxQuality = 7;
    private const int MsPerSecond = 1000;
    private const int RampRows = 4; // of a vector

    private const int NarrowKind = 0;
    private const int WideKind = 1;
    private const int RealKind = 2;
    private const int LevelKind = 3;

    /// <summary>Decodes a packed block.</summary>
    /// <returns>None, or the reason.</returns>
    public static RefusalReason Fill(BlockDecoder target, ReadOnlySpan<byte> block)
    {
        RefusalReason reason = ReadShape(block, out Shape shape);
        if (reason != RefusalReason.None) return reason;
        BlockCursor rest = new(target.Padded(block)[shape.Bytes..], block.Length - shape.Bytes);
        target.Begin(shape.Rows);
        return TryReadTimes(target, ref rest, shape) &&
            ((shape.Flags & QualityFlag) == 0 || TryReadQuality(target, ref rest)) &&
            TryReadColumns(target, ref rest, shape)
            ? RefusalReason.None
            : RefusalReason.Malformed;
    }

    /// <summary>Decodes the times of a packed block.</summary>
    /// <returns>None, or the reason.</returns>
    public static RefusalReason FillTimes(BlockDecoder target, ReadOnlySpan<byte> block, out int columns)
    {
        RefusalReason reason = ReadShape(block, out Shape shape);
        columns = shape.Columns;
        if (reason != RefusalReason.None) return reason;
        BlockCursor rest = new(target.Padded(block)[shape.Bytes..], block.Length - shape.Bytes);
        target.Begin(shape.Rows);
        return TryReadTimes(target, ref rest, shape) ? RefusalReason.None : RefusalReason.Malformed;
    }

    /// <summary>Reads the header up to the period, with every limit.</summary>
    public static RefusalReason ReadShape(ReadOnlySpan<byte> block, out Shape shape)
    {
        shape = default;
        BlockCursor front = new(block, block.Length);
        if (!front.TryReadByte(out int flags)) return RefusalReason.Malformed;
        if ((flags & VersionMask) is not (Version or LevelVersion)) return RefusalReason.UnsupportedVersion;
        if (!front.TryReadNumber(out ulong rows) || !front.TryReadByte(out int columns) ||
            !front.TryReadNumber(out ulong start) || !front.TryReadNumber(out ulong period) || rows == 0 || columns == 0)
            return RefusalReason.Malformed;
        ulong startUnitMs = (flags & StartInSecondsFlag) != 0 ? MsPerSecond : 1u;
        if (rows > WireLimits.MaxBlockRows || columns > WireLimits.MaxBlockColumns || start > WireLimits.MaxTimeMs / startUnitMs || period > int.MaxValue)
            return RefusalReason.LimitExceeded;
        shape = new Shape(flags, (int)rows, columns, (long)(start * startUnitMs), (int)period, front.Position);
        return RefusalReason.None;
    }

    /// <summary>What the front of a block says.</summary>
    internal readonly record struct Shape(int Flags, int Rows, int Columns, long StartMs, int Period, int Bytes);

    private static bool TryReadTimes(BlockDecoder target, ref BlockCursor rest, in Shape shape)
    {
        long unitMs = (shape.Flags & StepsInSecondsFlag) != 0 ? MsPerSecond : 1;
        Span<long> times = target.TimesBuffer;
        if (IsRegular(shape))
        {
            FillRegular(times, shape.Rows, shape.StartMs, shape.Period * unitMs);
            return true;
        }

        return shape.Rows >= 3 && rest.TryTakeStream(out ReadOnlySpan<byte> window, out int length) &&
            IntegerColumn.TryDecodeResiduals(times[2..], shape.Rows - 2, window, length) &&
            TryAddSteps(times, shape, unitMs);
    }

    // From row 2 on `times` holds the residuals of the steps; times take their place.
    private static bool TryAddSteps(Span<long> times, in Shape shape, long unitMs)
    {
        int lastStep = shape.Period, usualStep = shape.Period;
        int least = 0; // negative once a step was
        times[0] = shape.StartMs;
        long time = times[1] = shape.StartMs + (lastStep * unitMs);
        for (int row = 2; row < shape.Rows; row++)
        {
            // Most stretches keep the usual step: rows without a residual are a ramp.
            int steady = lastStep == usualStep ? ZeroRows(times, row, shape.Rows) : 0;
            if (steady > 0)
            {
                FillRegular(times[row..], steady, time + (lastStep * unitMs), lastStep * unitMs);
                row += steady - 1;
                time = times[row];
                continue;
            }

            int step = unchecked(usualStep + (int)times[row]);
            least |= step;
            usualStep = step == lastStep ? step : usualStep;
            lastStep = step;
            times[row] = time += step * unitMs;
        }

        return least >= 0;
    }

    // How many rows from this one on are 0, a multiple of RampRows.
    private static int ZeroRows(Span<long> residuals, int row, int rows)
    {
        int end = row;
        while (end + RampRows <= rows && Vector256.Create<long>(residuals.Slice(end, RampRows)) == Vector256<long>.Zero) end += RampRows;
        return end - row;
    }

    // Writes a multiple of four rows, at most three too many.
    private static void FillRegular(Span<long> times, int rows, long start, long period)
    {
        ref long to = ref MemoryMarshal.GetReference(times);
        Vector256<long> time = Vector256.Create(start, start + period, start + (2 * period), start + (3 * period));
        Vector256<long> four = Vector256.Create(4 * period);
        for (int row = 0; row < rows; row += 4)
        {
            time.StoreUnsafe(ref to, (nuint)row);
            time += four;
        }
    }

    private static bool TryReadQuality(BlockDecoder target, ref BlockCursor rest)
    {
        if (!rest.TryReadByte(out int first) || first > (MaxQuality | QualityChangesFlag)) return false;
        int quality = first & MaxQuality;
        Span<byte> rows = target.BeginQuality();
        if ((first & QualityChangesFlag) == 0)
        {
            rows.Fill((byte)quality);
            return true;
        }

        if (!rest.TryTakeStream(out ReadOnlySpan<byte> window, out int length)) return false;
        BitReader bits = new(window, length);
        int row = 0;
        rows[row++] = (byte)quality;
        while (row < rows.Length)
        {
            int run = bits.ReadExpGolomb(0);
            if ((uint)run > (uint)(rows.Length - row)) return false;
            rows.Slice(row, run).Fill((byte)quality);
            row += run;
            if (row == rows.Length) break;
            quality ^= (int)bits.Read(3);
            rows[row++] = (byte)quality;
        }

        return bits.IsAtEnd;
    }

    private static bool TryReadColumns(BlockDecoder target, ref BlockCursor rest, in Shape shape)
    {
        if (!TryBeginIds(ref rest, shape, out int signal)) return false;
        for (int column = 0; column < shape.Columns; column++)
        {
            if (!TryReadFrame(ref rest, shape, column, ref signal, out int kind, out ReadOnlySpan<byte> window, out int length)) return false;
            target.BeginColumn(signal, kind == RealKind);
            bool isGood = kind switch
            {
                NarrowKind => IntegerColumn.TryDecode<NarrowColumn>(target.LastColumnBuffer, shape.Rows, window, length),
                WideKind => IntegerColumn.TryDecode<WideColumn>(target.LastColumnBuffer, shape.Rows, window, length),
                RealKind => RealColumn.TryDecode(target.LastColumnBuffer[..shape.Rows], window, length),
                _ => LevelColumn.TryDecode(target.LastColumnBuffer[..shape.Rows], window, length),
            };
            if (!isGood) return false;
        }

        return true;
    }

    /// <summary>Steps over the parts of a block.</summary>
    public static bool TryReadParts(ReadOnlySpan<byte> block, in Shape shape, List<ColumnLayout> columns, out int timelineBytes, out int qualityBytes)
    {
        timelineBytes = 0;
        qualityBytes = 0;
        BlockCursor rest = new(block[shape.Bytes..], block.Length - shape.Bytes);
        if (!IsRegular(shape) && !rest.TryTakeStream(out _, out timelineBytes)) return false;
        if ((shape.Flags & QualityFlag) != 0)
        {
            if (!rest.TryReadByte(out int first)) return false;
            if ((first & QualityChangesFlag) != 0 && !rest.TryTakeStream(out _, out qualityBytes)) return false;
        }

        if (!TryBeginIds(ref rest, shape, out int signal)) return false;
        for (int column = 0; column < shape.Columns; column++)
        {
            if (!TryReadFrame(ref rest, shape, column, ref signal, out int kind, out _, out int length)) return false;
            columns.Add(new ColumnLayout(signal, kind, length));
        }

        return true;
    }

    /// <summary>True when all steps are equal.</summary>
    public static bool IsRegular(in Shape shape) => (shape.Flags & IrregularFlag) == 0;

    // Without descriptors the ids are first, first + 1, ...; with them each tells its distance to the one before.
    private static bool TryBeginIds(ref BlockCursor rest, in Shape shape, out int signalBefore)
    {
        signalBefore = 0;
        if ((shape.Flags & DescriptorsFlag) != 0) return true;
        if (!rest.TryReadNumber(out ulong first) || first is 0 or > WireLimits.MaxSignalId) return false;
        signalBefore = (int)first - 1;
        return true;
    }

    private static bool TryReadFrame(
        ref BlockCursor rest, in Shape shape, int column, ref int signal, out int kind, out ReadOnlySpan<byte> window, out int length)
    {
        kind = NarrowKind;
        window = default;
        length = 0;
        ulong descriptor = 0;
        if ((shape.Flags & DescriptorsFlag) != 0 && (!rest.TryReadNumber(out descriptor) || descriptor >> 2 >= WireLimits.MaxSignalId)) return false;
        signal += (int)(descriptor >> 2) + 1;
        kind = (int)(descriptor & 3);
        if (signal > WireLimits.MaxSignalId || (kind == LevelKind && (shape.Flags & VersionMask) != LevelVersion)) return false;
        if (column < shape.Columns - 1) return rest.TryTakeStream(out window, out length);
        rest.TakeRest(out window, out length);
        return true;
    }
}
