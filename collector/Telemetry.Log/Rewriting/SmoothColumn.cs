using System.Buffers.Binary;
using System.Numerics;

namespace Telemetry.Log.Rewriting;

// A smoothed column of a long run (FORMAT.md): for signals with noise in every reading, where the last value is a poor guess of the next.
//   u8      shift            the guess follows a value by 1 / 2^shift of its distance: 0 = it is the last value
//   8 bytes first value
//   bits    for every 128 rows after the first: k in 6 bits, then each row's residual, zigzag, Rice coded with k:
//           q zeros and a one, k bits; 24 zeros: 64 bits of the residual instead
// The guess is kept with 8 fraction bits: guess += (value * 256 - guess) >> shift; the residual is value - ((guess + 128) >> 8).

/// <summary>Codes a column against its running level instead of its last value.</summary>
internal static class SmoothColumn
{
    private const int MaxShift = 6;
    private const int FractionBits = 8;
    private const int RowsPerParameter = 128;
    private const int ParameterBits = 6;
    private const int MaxQuotient = 24;
    private const int MaxParameter = 48;
    private const long MostMagnitude = 1L << 50;

    /// <summary>The most bytes a column takes.</summary>
    public static int MaxBytes(int rows) => 32 + (rows * 12);

    /// <summary>Codes a column.</summary>
    /// <param name="values">One a row.</param>
    /// <param name="output">At least <see cref="MaxBytes"/>, all zero.</param>
    /// <returns>Bytes written; 0 when a value is too far from 0 for this code.</returns>
    public static int Write(ReadOnlySpan<long> values, Span<byte> output)
    {
        foreach (long value in values)
        {
            if (value is >= MostMagnitude or <= -MostMagnitude) return 0;
        }

        int shift = BestShift(values);
        output[0] = (byte)shift;
        BinaryPrimitives.WriteInt64LittleEndian(output[1..], values[0]);
        Span<ulong> codes = stackalloc ulong[RowsPerParameter];
        long at = 8 * (1 + sizeof(long));
        long guess = values[0] << FractionBits;
        for (int from = 1; from < values.Length; from += RowsPerParameter)
        {
            ReadOnlySpan<long> rows = values[from..Math.Min(values.Length, from + RowsPerParameter)];
            for (int i = 0; i < rows.Length; i++) codes[i] = ZigZag(rows[i] - Follow(ref guess, rows[i], shift));
            int k = BestParameter(codes[..rows.Length]);
            Put(output, ref at, (uint)k, ParameterBits);
            foreach (ulong code in codes[..rows.Length])
            {
                ulong quotient = code >> k;
                if (quotient >= MaxQuotient)
                {
                    at += MaxQuotient;
                    Put(output, ref at, (uint)code, 32);
                    Put(output, ref at, code >> 32, 32);
                    continue;
                }

                at += (int)quotient;
                Put(output, ref at, 1, 1);
                Put(output, ref at, code & ((1UL << k) - 1), k);
            }
        }

        return (int)((at + 7) / 8);
    }

    /// <summary>Reads a column.</summary>
    /// <returns>False when the stream does not follow the format.</returns>
    public static bool TryRead(ReadOnlySpan<byte> stream, Span<long> values)
    {
        if (stream.Length < 1 + sizeof(long) || stream[0] > MaxShift) return false;
        int shift = stream[0];
        values[0] = BinaryPrimitives.ReadInt64LittleEndian(stream[1..]);
        long guess = values[0] << FractionBits;
        long at = 8 * (1 + sizeof(long));
        long end = 8L * stream.Length;
        for (int row = 1, k = 0; row < values.Length; row++)
        {
            if ((row - 1) % RowsPerParameter == 0)
            {
                k = (int)(Peek(stream, at) & ((1 << ParameterBits) - 1));
                at += ParameterBits;
                if (k > MaxParameter) return false;
            }

            ulong bits = Peek(stream, at);
            int quotient = BitOperations.TrailingZeroCount(bits);
            ulong code;
            if (quotient >= MaxQuotient)
            {
                code = (uint)Peek(stream, at + MaxQuotient) | (Peek(stream, at + MaxQuotient + 32) << 32);
                at += MaxQuotient + 64;
            }
            else
            {
                at += quotient + 1;
                code = ((ulong)quotient << k) | (Peek(stream, at) & ((1UL << k) - 1));
                at += k;
            }

            long residual = (long)(code >> 1) ^ -(long)(code & 1);
            long value = values[row] = ((guess + (1 << (FractionBits - 1))) >> FractionBits) + residual;
            guess += ((value << FractionBits) - guess) >> shift;
            if (at > end) return false;
        }

        return true;
    }

    // The guess for a row, which then follows the row's value.
    private static long Follow(ref long guess, long value, int shift)
    {
        long guessed = (guess + (1 << (FractionBits - 1))) >> FractionBits;
        guess += ((value << FractionBits) - guess) >> shift;
        return guessed;
    }

    private static int BestShift(ReadOnlySpan<long> values)
    {
        (int best, double least) = (0, double.MaxValue);
        for (int shift = 0; shift <= MaxShift; shift++)
        {
            long guess = values[0] << FractionBits;
            double sum = 0;
            foreach (long value in values) sum += Math.Abs(value - Follow(ref guess, value, shift));
            if (sum < least) (best, least) = (shift, sum);
        }

        return best;
    }

    private static int BestParameter(ReadOnlySpan<ulong> codes)
    {
        UInt128 sum = 0;
        foreach (ulong code in codes) sum += code;
        int about = BitOperations.Log2((ulong)(sum / (uint)codes.Length) | 1);
        (int best, ulong least) = (0, ulong.MaxValue);
        for (int k = Math.Max(0, about - 2); k <= Math.Min(MaxParameter, about + 1); k++)
        {
            ulong bits = 0;
            foreach (ulong code in codes) bits += code >> k >= MaxQuotient ? MaxQuotient + 64UL : (code >> k) + 1 + (uint)k;
            if (bits < least) (best, least) = (k, bits);
        }

        return best;
    }

    private static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    private static void Put(Span<byte> output, ref long at, ulong bits, int count)
    {
        Span<byte> to = output[(int)(at >> 3)..];
        BinaryPrimitives.WriteUInt64LittleEndian(to, BinaryPrimitives.ReadUInt64LittleEndian(to) | (bits << (int)(at & 7)));
        at += count;
    }

    // 57 or more bits from a place on; zeros behind the end.
    private static ulong Peek(ReadOnlySpan<byte> stream, long at)
    {
        int index = (int)Math.Min(at >> 3, stream.Length);
        ReadOnlySpan<byte> rest = stream[index..];
        ulong word = 0;
        if (rest.Length >= sizeof(ulong)) word = BinaryPrimitives.ReadUInt64LittleEndian(rest);
        else for (int i = rest.Length - 1; i >= 0; i--) word = (word << 8) | rest[i];
        return word >> (int)(at & 7);
    }
}
