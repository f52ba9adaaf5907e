using System.Numerics;
using System.Runtime.CompilerServices;

namespace Telemetry.Wire.Blocks;

/// <summary>Codes integer columns and timelines as WIRE.md's writer does: the same choices as the device's encoder, so the same bytes.</summary>
internal static class IntegerColumnWriter
{
    /// <summary>The most bytes a row takes: run 12 bits, code 8, sign and length 7, magnitude 63, and the first value 120.</summary>
    public const int MaxRowBytes = 16;

    private const int FirstMean = 16;
    private const int FirstNoisyMean = 128;
    private const int FirstScaledMean = 512;
    private const int MaxCodedMagnitude = 1 << 22;
    private const int MaxRun = 64;
    private const int MaxQuotient = 10;
    private const int JumpMagnitude = 16;
    private const int MaxNearSwap = 62;
    private const int FirstValueBits = 7;

    // Codes by class (difference: and what came before) and symbol: bits 0-15 the code, from 16 its length.
    private static readonly uint[] Runs = [.. Enumerable.Range(0, CodeTables.RunClasses).SelectMany(activityClass => Codes(bits => CodeTables.Run(activityClass, bits)))];
    private static readonly uint[] Differences =
        [.. Enumerable.Range(0, 2 * CodeTables.Classes).SelectMany(table => Codes(bits => CodeTables.Difference(table >> 1, (table & 1) != 0, bits)))];

    private const int SymbolSlots = 32;

    /// <summary>Codes a column: first value, then its differences.</summary>
    /// <returns>Bytes of the stream.</returns>
    public static int Write<TStream>(ReadOnlySpan<long> values, Span<byte> output)
        where TStream : struct, IIntegerStream
    {
        BitWriter bits = new(output);
        PutFirst(ref bits, values[0]);
        return WriteDifferences<TStream>(ref bits, values[1..], values[0]);
    }

    /// <summary>Codes the value of the first row.</summary>
    public static void PutFirst(ref BitWriter bits, long value) => bits.PutExpGolomb((ulong)((value << 1) ^ (value >> 63)), FirstValueBits);

    /// <summary>Codes the residuals of a timeline, which have no first value.</summary>
    /// <returns>Bytes of the stream.</returns>
    public static int WriteResiduals(ReadOnlySpan<long> residuals, Span<byte> output)
    {
        BitWriter bits = new(output);
        return WriteDifferences<TimelineStream>(ref bits, residuals, 0);
    }

    private static int WriteDifferences<TStream>(ref BitWriter bits, ReadOnlySpan<long> values, long last)
        where TStream : struct, IIntegerStream
    {
        State state = new() { Mean = FirstMean };
        long other = 0;
        foreach (long value in values)
        {
            if (value == last)
            {
                if (state.Mean < FirstNoisyMean && state.Run < MaxRun - 1) state.Run++;
                else PutZero(ref bits, ref state);
                continue;
            }

            long difference = Between<TStream>(last, value);
            ulong magnitude = (ulong)Math.Abs(difference);
            if (difference == long.MinValue) magnitude = 1UL << 63;
            if (magnitude < JumpMagnitude)
            {
                PutDifference(ref bits, ref state, difference < 0, magnitude, isSwap: false, 0);
            }
            else
            {
                long near = Between<TStream>(other, value);
                PutDifference(ref bits, ref state, difference < 0, magnitude, IsSwap(near, magnitude), near);
                other = TStream.IsTimeline ? value : last;
            }

            last = TStream.IsTimeline ? 0 : value;
        }

        if (state.Run > 0) PutCode(ref bits, Runs[(ClassOf(state.Mean) * SymbolSlots) + CodeTables.FullRunSymbol]);
        return bits.End();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Between<TStream>(long from, long to)
        where TStream : struct, IIntegerStream => TStream.IsNarrow ? (int)(to - from) : to - from;

    private static bool IsSwap(long near, ulong magnitude) =>
        near is >= -MaxNearSwap and <= MaxNearSwap && (ulong)(Math.Abs(near) << 2) < magnitude;

    private static int ClassOf(int mean) => Math.Max(0, 29 - BitOperations.LeadingZeroCount((uint)mean));

    private static void PutZero(ref BitWriter bits, ref State state)
    {
        if (state.Mean < FirstNoisyMean)
        {
            // The run is full.
            PutCode(ref bits, Runs[(ClassOf(state.Mean) * SymbolSlots) + CodeTables.FullRunSymbol]);
            state.Mean = 0;
            state.Run = 0;
            return;
        }

        if (state.Mean < FirstScaledMean) PutCode(ref bits, Differences[(ClassOf(state.Mean) * 2 * SymbolSlots) + CodeTables.ZeroSymbol]);
        else PutRice(ref bits, RiceBits(state.Mean), false, 0);
        state.Mean >>= 1;
    }

    private static void PutDifference(ref BitWriter bits, ref State state, bool isFalling, ulong magnitude, bool isSwap, long near)
    {
        int mean = state.Mean;
        int run = state.Run;
        if (mean >= FirstScaledMean)
        {
            PutRice(ref bits, RiceBits(mean), isFalling, magnitude);
            isSwap = false;
        }
        else
        {
            int activityClass = ClassOf(mean);
            bool hasRun = mean < FirstNoisyMean;
            if (hasRun) PutRun(ref bits, activityClass, run);
            int table = ((activityClass << 1) + (hasRun && run == 0 ? 1 : 0)) * SymbolSlots;
            if (isSwap) PutSwap(ref bits, table, near);
            else if (magnitude <= 4) PutCode(ref bits, Differences[table + (((int)magnitude - 1) << 1) + (isFalling != state.IsFalling ? 1 : 0)]);
            else PutLarge(ref bits, table, isFalling, magnitude);
        }

        state.IsFalling = isFalling;
        state.Run = 0;
        mean = run > 30 ? 0 : mean >> run;
        int seen = isSwap ? 0 : (int)Math.Min(magnitude, MaxCodedMagnitude) << 5;
        state.Mean = (mean + Math.Min(seen, (mean << 2) + 128)) >> 1;
    }

    private static void PutRun(ref BitWriter bits, int activityClass, int run)
    {
        int table = activityClass * SymbolSlots;
        if (run < 4)
        {
            PutCode(ref bits, Runs[table + run]);
            return;
        }

        int extra = BitOperations.Log2((uint)run) - 1;
        PutCode(ref bits, Runs[table + 4 + ((extra - 1) << 1) + ((run >> extra) & 1)]);
        bits.Put((uint)run & ((1u << extra) - 1), extra);
    }

    private static void PutLarge(ref BitWriter bits, int table, bool isFalling, ulong magnitude)
    {
        if (magnitude > 128)
        {
            PutCode(ref bits, Differences[table + CodeTables.FarSymbol]);
            PutFar(ref bits, isFalling, magnitude);
            return;
        }

        uint rest = (uint)magnitude - 1;
        int extra = BitOperations.Log2(rest) - 1;
        PutCode(ref bits, Differences[table + CodeTables.FirstRangeSymbol + ((extra - 1) << 1) + (int)((rest >> extra) & 1)]);
        bits.Put((isFalling ? 1u : 0) | ((rest & ((1u << extra) - 1)) << 1), 1 + extra);
    }

    private static void PutSwap(ref BitWriter bits, int table, long near)
    {
        PutCode(ref bits, Differences[table + (near == 0 ? CodeTables.SwapSymbol : CodeTables.NearSwapSymbol)]);
        if (near == 0) return;
        bits.Put(near < 0 ? 1u : 0, 1);
        bits.PutExpGolomb((ulong)Math.Abs(near) - 1, 2);
    }

    private static int RiceBits(int mean) => BitOperations.Log2((uint)mean) - 5; // bits of the mean - 6

    /// <summary>Codes a difference as its quotient by 2^<paramref name="k"/> and k bits, or as far behind the longest quotient.</summary>
    public static void PutRice(ref BitWriter bits, int k, bool isFalling, ulong magnitude)
    {
        ulong code = magnitude == 0 ? 0 : (magnitude << 1) - (isFalling ? 0u : 1u);
        if (magnitude > (uint)(MaxQuotient << k) >> 1 || code >> k >= MaxQuotient)
        {
            bits.Put(1u << MaxQuotient, MaxQuotient + 1);
            PutFar(ref bits, isFalling, magnitude);
            return;
        }

        int quotient = (int)(code >> k);
        bits.Put((1UL << quotient) | ((code & ((1UL << k) - 1)) << (quotient + 1)), quotient + 1 + k);
    }

    // Sign, six bits of length, then the magnitude without its leading one.
    private static void PutFar(ref BitWriter bits, bool isFalling, ulong magnitude)
    {
        int length = BitOperations.Log2(magnitude);
        bits.Put((isFalling ? 1u : 0) | (uint)(length << 1), 7);
        bits.PutLong(magnitude ^ (1UL << length), length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PutCode(ref BitWriter bits, uint code) => bits.Put(code & 0xFFFF, (int)(code >> 16));

    // The decoder's table holds a symbol at every continuation of its code; the first one met continues it with zeros.
    private static uint[] Codes(Func<ulong, int> symbolAndLength)
    {
        uint[] codes = new uint[SymbolSlots];
        for (int bits = (1 << CodeTables.MaxCodeBits) - 1; bits >= 0; bits--)
        {
            int found = symbolAndLength((ulong)bits);
            int length = found & 15;
            codes[found >> 4] = (uint)(length << 16) | ((uint)bits & ((1u << length) - 1));
        }

        return codes;
    }

    private struct State
    {
        public int Mean;
        public int Run;
        public bool IsFalling;
    }
}
