using System.Numerics;
using Telemetry.Wire.Ingest;

namespace Telemetry.Wire.Blocks;

/// <summary>Reads the packed encoding (proto/WIRE.md, "Block").</summary>
/// <remarks>
/// <code>
/// Block:  u8 flags (bits 0-2 version 1, 3 regular, 4 quality)   varint rows   varint columns   varint start ms
///         regular: varint period ms      else: varint length, time stream
///         quality: u8 first, varint length, quality stream
///         a column: varint (id - id before) &lt;&lt; 2 | kind, varint length, stream
/// </code>
/// </remarks>
internal static class PackedBlock
{
    private const int Version = 1;
    private const int RegularFlag = 0x08;
    private const int QualityFlag = 0x10;
    private const int EscapePrefix = 12;
    private const int MeanShift = 3;

    public static RefusalReason Fill(BlockDecoder target, ReadOnlySpan<byte> block)
    {
        if (block.IsEmpty) return RefusalReason.Malformed;
        int flags = block[0];
        if ((flags & 7) != Version || (flags & ~0x1F) != 0) return RefusalReason.UnsupportedVersion;
        ReadOnlySpan<byte> rest = block[1..];
        if (!TryReadNumber(ref rest, out ulong rows) || !TryReadNumber(ref rest, out ulong columns) || !TryReadNumber(ref rest, out ulong start))
            return RefusalReason.Malformed;
        if (rows == 0 || columns == 0) return RefusalReason.Malformed;
        if (rows > WireLimits.MaxBlockRows || columns > WireLimits.MaxBlockColumns || start > WireLimits.MaxTimeMs) return RefusalReason.LimitExceeded;

        target.Begin((int)rows);
        if (!TryReadTimes(target.Times, ref rest, (flags & RegularFlag) != 0, (long)start)) return RefusalReason.Malformed;
        if ((flags & QualityFlag) != 0 && !TryReadQuality(target, ref rest)) return RefusalReason.Malformed;
        int signal = 0;
        for (int column = 0; column < (int)columns; column++)
        {
            if (!TryReadNumber(ref rest, out ulong descriptor) || descriptor >> 2 is 0 or > WireLimits.MaxSignalId) return RefusalReason.Malformed;
            signal += (int)(descriptor >> 2);
            if (signal > WireLimits.MaxSignalId || !TryTake(ref rest, out ReadOnlySpan<byte> stream)) return RefusalReason.Malformed;
            int kind = (int)(descriptor & 3);
            Span<long> values = target.BeginColumn(signal, kind == 2);
            bool isGood = kind switch
            {
                0 => TryReadIntegers(values, stream),
                1 => TryReadWide(values, stream),
                2 => TryReadReals(values, stream),
                _ => false,
            };
            if (!isGood) return RefusalReason.Malformed;
        }

        return rest.IsEmpty ? RefusalReason.None : RefusalReason.Malformed;
    }

    private static bool TryReadTimes(Span<long> times, ref ReadOnlySpan<byte> rest, bool isRegular, long start)
    {
        times[0] = start;
        if (isRegular)
        {
            if (!TryReadNumber(ref rest, out ulong period) || period > int.MaxValue) return false;
            for (int row = 1; row < times.Length; row++) times[row] = start + (row * (long)period);
            return true;
        }

        if (!TryTake(ref rest, out ReadOnlySpan<byte> stream)) return false;
        times[0] = 0;
        if (!TryReadIntegers(times, stream, 0)) return false;
        long time = start;
        times[0] = start;
        for (int row = 1; row < times.Length; row++)
        {
            if (times[row] < 0) return false;
            times[row] = time += times[row];
        }

        return true;
    }

    private static bool TryReadQuality(BlockDecoder target, ref ReadOnlySpan<byte> rest)
    {
        if (rest.IsEmpty) return false;
        int quality = rest[0];
        rest = rest[1..];
        if (quality > 7 || !TryTake(ref rest, out ReadOnlySpan<byte> stream)) return false;
        Span<byte> rows = target.BeginQuality();
        BitReader bits = new(stream);
        int row = 0;
        rows[row++] = (byte)quality;
        while (row < rows.Length)
        {
            int run = bits.ReadGamma() - 1;
            if (run < 0 || run > rows.Length - row) return false;
            rows.Slice(row, run).Fill((byte)quality);
            row += run;
            if (row == rows.Length) break;
            quality ^= (int)bits.Read(3);
            rows[row++] = (byte)quality;
        }

        return bits.IsAtEnd;
    }

    private static bool TryReadIntegers(Span<long> values, ReadOnlySpan<byte> stream)
    {
        if (!TryReadNumber(ref stream, out ulong first)) return false;
        long value = VarintReader.UnZigZag(first);
        return value is >= int.MinValue and <= int.MaxValue && TryReadIntegers(values, stream, (int)value);
    }

    private static bool TryReadIntegers(Span<long> values, ReadOnlySpan<byte> stream, int value)
    {
        BitReader bits = new(stream);
        int mean = 0;
        int row = 0;
        values[row++] = value;
        while (row < values.Length)
        {
            int run = bits.ReadGamma() - 1;
            if (run < 0 || run > values.Length - row) return false;
            values.Slice(row, run).Fill(value);
            row += run;
            if (row == values.Length) break;
            uint rest = (uint)ReadRest(ref bits, mean, 2);
            if (bits.IsPastEnd || rest == uint.MaxValue) return false;
            mean = Learn(mean, rest);
            value = unchecked(value + (int)VarintReader.UnZigZag(rest + 1));
            values[row++] = value;
        }

        return bits.IsAtEnd;
    }

    private static bool TryReadWide(Span<long> values, ReadOnlySpan<byte> stream)
    {
        if (!TryReadNumber(ref stream, out ulong first)) return false;
        long value = VarintReader.UnZigZag(first);
        BitReader bits = new(stream);
        int mean = 0;
        int row = 0;
        values[row++] = value;
        while (row < values.Length)
        {
            int run = bits.ReadGamma() - 1;
            if (run < 0 || run > values.Length - row) return false;
            values.Slice(row, run).Fill(value);
            row += run;
            if (row == values.Length) break;
            ulong rest = ReadRest(ref bits, mean, 4);
            if (bits.IsPastEnd || rest == ulong.MaxValue) return false;
            mean = Learn(mean, rest);
            value = unchecked(value + VarintReader.UnZigZag(rest + 1));
            values[row++] = value;
        }

        return bits.IsAtEnd;
    }

    private static ulong ReadRest(ref BitReader bits, int mean, int escapeWords)
    {
        int k = (mean >> MeanShift) > 1 ? Math.Min(23, BitOperations.Log2((uint)mean >> MeanShift)) : 0;
        int quotient = BitOperations.TrailingZeroCount(bits.Peek());
        if (quotient > EscapePrefix) return ulong.MaxValue;
        bits.Skip(quotient + 1);
        if (quotient < EscapePrefix) return ((ulong)quotient << k) | bits.Read(k);
        ulong rest = 0;
        for (int word = 0; word < escapeWords; word++) rest |= (ulong)bits.Read(16) << (16 * word);
        return rest;
    }

    private static int Learn(int mean, ulong rest) => mean + (int)Math.Min(rest, 0x3FFFFF) - (mean >> MeanShift);

    private static bool TryReadReals(Span<long> values, ReadOnlySpan<byte> stream)
    {
        if (stream.Length < 8) return false;
        long value = System.Buffers.Binary.BinaryPrimitives.ReadInt64LittleEndian(stream);
        BitReader bits = new(stream[8..]);
        int row = 0;
        values[row++] = value;
        while (row < values.Length)
        {
            int run = bits.ReadGamma() - 1;
            if (run < 0 || run > values.Length - row) return false;
            values.Slice(row, run).Fill(value);
            row += run;
            if (row == values.Length) break;
            int leading = (int)bits.Read(6);
            int meaningful = (int)bits.Read(6) + 1;
            if (leading + meaningful > 64 || bits.IsPastEnd) return false;
            ulong change = bits.Read(Math.Min(32, meaningful));
            if (meaningful > 32) change |= (ulong)bits.Read(meaningful - 32) << 32;
            value ^= (long)(change << (64 - leading - meaningful));
            values[row++] = value;
        }

        return bits.IsAtEnd;
    }

    private static bool TryTake(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> stream)
    {
        stream = default;
        if (!TryReadNumber(ref rest, out ulong length) || length > (ulong)rest.Length) return false;
        stream = rest[..(int)length];
        rest = rest[(int)length..];
        return true;
    }

    private static bool TryReadNumber(ref ReadOnlySpan<byte> rest, out ulong value)
    {
        int taken = VarintReader.Read(rest, out value);
        rest = rest[taken..];
        return taken > 0;
    }
}
