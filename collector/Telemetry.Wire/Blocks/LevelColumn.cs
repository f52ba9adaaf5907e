using System.Numerics;
using System.Runtime.InteropServices;

namespace Telemetry.Wire.Blocks;

/// <summary>Reads and writes columns that are noise about a level (proto/WIRE.md, "Level column").</summary>
internal static class LevelColumn
{
    private const int LevelShift = 3;
    private const int FirstMean = 64;
    private const int MeanShift = 3;
    private const int MaxCodedMagnitude = 1 << 22;
    private const int MaxQuotient = 10;
    private const int MaxFarBits = 31;

    /// <summary>Decodes a column.</summary>
    /// <param name="rows">Gets one value a row; at least one.</param>
    /// <param name="window">From the stream's first byte to the end of the block and its padding.</param>
    /// <param name="length">Bytes of the stream.</param>
    public static bool TryDecode(Span<long> rows, ReadOnlySpan<byte> window, int length)
    {
        BitReader bits = new(window, length);
        if (!IntegerColumn.TryReadFirst<NarrowColumn>(ref bits, out long first)) return false;
        ref byte start = ref MemoryMarshal.GetReference(window);
        int position = bits.Position;
        int level = unchecked((int)first << LevelShift);
        int mean = FirstMean;
        rows[0] = first;
        for (int row = 1; row < rows.Length; row++)
        {
            // A quotient of at most ten zeros, its one and at most 23 bits are in what is loaded; behind the end it is zeros.
            ulong next = BitReader.Load(ref start, position >> 3, window.Length) >> (position & 7);
            int quotient = BitOperations.TrailingZeroCount(next);
            int average = mean >> MeanShift;
            int distance, magnitude;
            if (quotient < MaxQuotient)
            {
                int k = 32 - BitOperations.LeadingZeroCount((uint)average);
                int code = (quotient << k) | ((int)(next >> (quotient + 1)) & ((1 << k) - 1));
                position += quotient + 1 + k;
                magnitude = (code + 1) >> 1;
                int sign = (code & 1) - 1; // odd codes rise
                distance = (magnitude ^ sign) - sign;
            }
            else
            {
                bits.Position = position;
                if (quotient > MaxQuotient || !TryReadFar(ref bits, out distance, out magnitude)) return false;
                position = bits.Position;
            }

            rows[row] = unchecked((level >> LevelShift) + distance);
            level = unchecked(level + distance);
            mean += Math.Min(magnitude, MaxCodedMagnitude) - average;
        }

        bits.Position = position;
        return bits.IsAtEnd;
    }

    /// <summary>Codes a column.</summary>
    /// <param name="values">One a row, each of 32 bits.</param>
    /// <param name="output">At least <see cref="IntegerColumnWriter.MaxRowBytes"/> a row.</param>
    /// <returns>Bytes of the stream.</returns>
    public static int Write(ReadOnlySpan<long> values, Span<byte> output)
    {
        BitWriter bits = new(output);
        IntegerColumnWriter.PutFirst(ref bits, values[0]);
        int level = unchecked((int)values[0] << LevelShift);
        int mean = FirstMean;
        foreach (long value in values[1..])
        {
            int distance = unchecked((int)value - (level >> LevelShift));
            uint magnitude = (uint)Math.Abs((long)distance);
            int average = mean >> MeanShift;
            IntegerColumnWriter.PutRice(ref bits, 32 - BitOperations.LeadingZeroCount((uint)average), distance < 0, magnitude);
            level = unchecked(level + distance);
            mean += (int)Math.Min(magnitude, MaxCodedMagnitude) - average;
        }

        return bits.End();
    }

    // Ten zeros, a one, then sign, number of bits and magnitude. That of the least distance is 2^31: too long for an int, and as good as any over the limit.
    private static bool TryReadFar(ref BitReader bits, out int distance, out int magnitude)
    {
        bits.Position += MaxQuotient + 1;
        bool isFalling = bits.Read(1) != 0;
        int count = (int)bits.Read(6);
        long far = (1L << count) | (long)bits.Read(count & MaxFarBits);
        distance = unchecked((int)(isFalling ? -far : far));
        magnitude = (int)Math.Min(far, MaxCodedMagnitude);
        return count <= MaxFarBits;
    }
}
