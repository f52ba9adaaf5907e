using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Telemetry.Wire.Ingest;

namespace Telemetry.Wire.Blocks;

/// <summary>Reads the packed encoding (proto/WIRE.md, "Block").</summary>
/// <remarks>
/// <code>
/// u8 flags      bits 0-2 version 1, 3 irregular, 4 quality, 5 steps in s, 6 start in s, 7 descriptors
/// varint rows, u8 columns, varint start, varint period
/// irregular:    varint length, timeline stream
/// quality:      u8 first mask | 8 if it changes; then varint length, quality stream
/// columns:      without descriptors varint first signal id; each: [varint descriptor], varint length (not of the last), stream
/// </code>
/// </remarks>
internal static class PackedBlock
{
    private const int Version = 1;
    private const int VersionMask = 7;
    private const int IrregularFlag = 0x08;
    private const int QualityFlag = 0x10;
    private const int StepsInSecondsFlag = 0x20;
    private const int StartInSecondsFlag = 0x40;
    private const int DescriptorsFlag = 0x80;
    private const int QualityChangesFlag = 0x08;
    private const int MaxQuality = 7;
    private const int MsPerSecond = 1000;
    private const int RampRows = 8;

    private const int NarrowKind = 0;
    private const int WideKind = 1;
    private const int RealKind = 2;

    public static RefusalReason Fill(BlockDecoder target, ReadOnlySpan<byte> block)
    {
        RefusalReason reason = ReadShape(block, out Shape shape);
        if (reason != RefusalReason.None) return reason;
        ReadOnlySpan<byte> rest = block[shape.Bytes..];
        target.Begin(shape.Rows);
        return TryReadTimes(target, ref rest, shape) &&
            ((shape.Flags & QualityFlag) == 0 || TryReadQuality(target, ref rest)) &&
            TryReadColumns(target, rest, shape)
            ? RefusalReason.None
            : RefusalReason.Malformed;
    }

    /// <summary>Reads the header up to the period, with every limit.</summary>
    public static RefusalReason ReadShape(ReadOnlySpan<byte> block, out Shape shape)
    {
        shape = default;
        if (block.IsEmpty) return RefusalReason.Malformed;
        int flags = block[0];
        if ((flags & VersionMask) != Version) return RefusalReason.UnsupportedVersion;
        ReadOnlySpan<byte> rest = block[1..];
        if (!TryReadNumber(ref rest, out ulong rows) || rest.IsEmpty) return RefusalReason.Malformed;
        int columns = rest[0];
        rest = rest[1..];
        if (!TryReadNumber(ref rest, out ulong start) || !TryReadNumber(ref rest, out ulong period)) return RefusalReason.Malformed;
        if (rows == 0 || columns == 0) return RefusalReason.Malformed;
        ulong startUnitMs = (flags & StartInSecondsFlag) != 0 ? MsPerSecond : 1u;
        if (rows > WireLimits.MaxBlockRows || columns > WireLimits.MaxBlockColumns || start > WireLimits.MaxTimeMs / startUnitMs || period > int.MaxValue)
            return RefusalReason.LimitExceeded;
        shape = new Shape(flags, (int)rows, columns, (long)(start * startUnitMs), (int)period, block.Length - rest.Length);
        return RefusalReason.None;
    }

    /// <summary>What the front of a block says.</summary>
    internal readonly record struct Shape(int Flags, int Rows, int Columns, long StartMs, int Period, int Bytes);

    private static bool TryReadTimes(BlockDecoder target, ref ReadOnlySpan<byte> rest, in Shape shape)
    {
        long unitMs = (shape.Flags & StepsInSecondsFlag) != 0 ? MsPerSecond : 1;
        if (IsRegular(shape))
        {
            FillRegular(target.TimesBuffer, shape.Rows, shape.StartMs, shape.Period * unitMs);
            return true;
        }

        if (shape.Rows < 3 || !TryTake(ref rest, out ReadOnlySpan<byte> window, out int length)) return false;
        Span<long> times = target.TimesBuffer;
        if (!IntegerColumn.TryDecodeResiduals(times[2..], shape.Rows - 2, window, length)) return false;
        int lastStep = shape.Period, usualStep = shape.Period;
        int least = 0; // negative once a step was
        times[0] = shape.StartMs;
        long time = times[1] = shape.StartMs + (lastStep * unitMs);
        for (int row = 2; row < shape.Rows; row++)
        {
            // Most stretches keep the usual step: no residual for eight rows is a ramp.
            if (lastStep == usualStep && row + RampRows <= shape.Rows && IsZero(ref times[row]))
            {
                FillRegular(times[row..], RampRows, time + (lastStep * unitMs), lastStep * unitMs);
                time = times[row + RampRows - 1];
                row += RampRows - 1;
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

    private static bool IsZero(ref long residuals) =>
        (Vector256.LoadUnsafe(ref residuals) | Vector256.LoadUnsafe(ref residuals, 4)) == Vector256<long>.Zero;

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

    private static bool TryReadQuality(BlockDecoder target, ref ReadOnlySpan<byte> rest)
    {
        if (rest.IsEmpty || rest[0] > (MaxQuality | QualityChangesFlag)) return false;
        int quality = rest[0] & MaxQuality;
        bool changes = (rest[0] & QualityChangesFlag) != 0;
        rest = rest[1..];
        Span<byte> rows = target.BeginQuality();
        if (!changes)
        {
            rows.Fill((byte)quality);
            return true;
        }

        if (!TryTake(ref rest, out ReadOnlySpan<byte> window, out int length)) return false;
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

    private static bool TryReadColumns(BlockDecoder target, ReadOnlySpan<byte> rest, in Shape shape)
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
                _ => false,
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
        ReadOnlySpan<byte> rest = block[shape.Bytes..];
        if (!IsRegular(shape) && !TryTake(ref rest, out _, out timelineBytes)) return false;
        if ((shape.Flags & QualityFlag) != 0)
        {
            if (rest.IsEmpty) return false;
            bool changes = (rest[0] & QualityChangesFlag) != 0;
            rest = rest[1..];
            if (changes && !TryTake(ref rest, out _, out qualityBytes)) return false;
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
    private static bool TryBeginIds(scoped ref ReadOnlySpan<byte> rest, in Shape shape, out int signalBefore)
    {
        signalBefore = 0;
        if ((shape.Flags & DescriptorsFlag) != 0) return true;
        if (!TryReadNumber(ref rest, out ulong first) || first is 0 or > WireLimits.MaxSignalId) return false;
        signalBefore = (int)first - 1;
        return true;
    }

    private static bool TryReadFrame(
        scoped ref ReadOnlySpan<byte> rest, in Shape shape, int column, ref int signal, out int kind, out ReadOnlySpan<byte> window, out int length)
    {
        kind = NarrowKind;
        window = rest;
        length = rest.Length;
        ulong descriptor = 0;
        if ((shape.Flags & DescriptorsFlag) != 0 && (!TryReadNumber(ref rest, out descriptor) || descriptor >> 2 >= WireLimits.MaxSignalId)) return false;
        signal += (int)(descriptor >> 2) + 1;
        kind = (int)(descriptor & 3);
        if (signal > WireLimits.MaxSignalId) return false;
        window = rest;
        length = rest.Length;
        return column == shape.Columns - 1 || TryTake(ref rest, out window, out length);
    }

    // The window reaches to the end of the block, so that a decoder may load whole words; the stream is its first length bytes.
    private static bool TryTake(scoped ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> window, out int length)
    {
        window = default;
        length = 0;
        if (!TryReadNumber(ref rest, out ulong bytes) || bytes > (ulong)rest.Length) return false;
        window = rest;
        length = (int)bytes;
        rest = rest[length..];
        return true;
    }

    private static bool TryReadNumber(scoped ref ReadOnlySpan<byte> rest, out ulong value)
    {
        int taken = VarintReader.Read(rest, out value);
        rest = rest[taken..];
        return taken > 0;
    }
}
