using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Telemetry.Wire.Blocks;

/// <summary>What differs between the three streams that integer coding serves; constant for the compiler.</summary>
internal interface IIntegerStream
{
    /// <summary>Differences wrap at 32 bits.</summary>
    static abstract bool IsNarrow { get; }

    /// <summary>Differences stand for themselves instead of adding up.</summary>
    static abstract bool IsTimeline { get; }
}

/// <summary>A column of 32-bit integers.</summary>
internal readonly struct NarrowColumn : IIntegerStream
{
    public static bool IsNarrow => true;

    public static bool IsTimeline => false;
}

/// <summary>A column of 64-bit integers.</summary>
internal readonly struct WideColumn : IIntegerStream
{
    public static bool IsNarrow => false;

    public static bool IsTimeline => false;
}

/// <summary>Residuals of the steps of an irregular timeline.</summary>
internal readonly struct TimelineStream : IIntegerStream
{
    public static bool IsNarrow => true;

    public static bool IsTimeline => true;
}

/// <summary>Decodes integer columns and timelines (proto/WIRE.md, "Integer column").</summary>
/// <remarks>
/// One table lookup yields a token: a run of unchanged rows and the difference that ends it. The chain from one lookup to the next is
/// mean -> class -> table, about 20 cycles, so what is stored per token hides behind it.
/// </remarks>
internal static class IntegerColumn
{
    /// <summary>Entries a caller must leave writable behind the rows: runs are stored past their end.</summary>
    public const int Slack = 72;

    private const int FirstMean = 16;
    private const int MaxCodedMagnitude = 1 << 22;
    private const int MaxRun = 64;
    private const int MaxQuotient = 10;
    private const int JumpMagnitude = 16;
    private const int FirstValueBits = 7;

    private const int LeastBound = 128;

    // Bits of the mean, less three, is the class; from this one on differences are Rice coded.
    private const int ScaledClass = CodeTables.Classes;
    private const int ClassBase = 29;
    private const int FirstScaledMean = 512;

    /// <summary>Decodes the first value and the differences of a column.</summary>
    /// <param name="rows">Buffer of the column: rows plus <see cref="Slack"/>.</param>
    /// <param name="count">Rows to fill.</param>
    /// <param name="window">From the stream's first byte to the end of the block.</param>
    /// <param name="length">Bytes of the stream.</param>
    public static bool TryDecode<TStream>(Span<long> rows, int count, ReadOnlySpan<byte> window, int length)
        where TStream : struct, IIntegerStream
    {
        BitReader bits = new(window, length);
        if (!TryReadFirst<TStream>(ref bits, out long first)) return false;
        rows[0] = first;
        return TryDecodeRest<TStream>(rows[1..], count - 1, first, window, length, bits.Position);
    }

    /// <summary>Decodes the residuals of a timeline; their stream has no first value.</summary>
    public static bool TryDecodeResiduals(Span<long> rows, int count, ReadOnlySpan<byte> window, int length) =>
        TryDecodeRest<TimelineStream>(rows, count, 0, window, length, 0);

    private static bool TryReadFirst<TStream>(ref BitReader bits, out long first)
        where TStream : struct, IIntegerStream
    {
        first = 0;
        int zeros = BitOperations.TrailingZeroCount(bits.Peek() | 1UL << 57);
        if (zeros > (TStream.IsNarrow ? 25 : 57)) return false;
        bits.Position += zeros + 1;
        ulong quotient = ((1UL << zeros) | bits.Read(zeros)) - 1;
        ulong code = (quotient << FirstValueBits) | bits.Read(FirstValueBits);
        first = VarintReader.UnZigZag(code);
        return !bits.IsPastEnd && (quotient >> 57) == 0 && (!TStream.IsNarrow || first == (int)first);
    }

    private static bool TryDecodeRest<TStream>(Span<long> rows, int count, long value, ReadOnlySpan<byte> window, int length, int position)
        where TStream : struct, IIntegerStream
    {
        if (rows.Length < count + Slack - 1) throw new ArgumentException("The buffer of a column has no slack.", nameof(rows));
        State state = new() { Position = position, Left = count, Value = value, Mean = FirstMean };
        while (true)
        {
            TakeListed<TStream>(ref Unsafe.Add(ref MemoryMarshal.GetReference(rows), count - state.Left), window, ref state);
            if (state.Left == 0) return new BitReader(window, length) { Position = state.Position }.IsAtEnd;
            BitReader reader = new(window, length) { Position = state.Position };
            int activityClass = ClassOf(state.Mean);
            LongToken token;
            if (!(activityClass < ScaledClass ? TryReadToken<TStream>(reader, activityClass, state, out token) : TryReadScaled<TStream>(reader, activityClass, out token)))
                return false;
            if (token.Run >= state.Left) return false;
            Span<long> to = rows.Slice(count - state.Left, token.Run + 1);
            to.Fill(TStream.IsTimeline ? 0 : state.Value);
            if (token.IsJump) state.Other = TStream.IsTimeline ? token.Difference : state.Value;
            if (token.Difference != 0 || token.IsJump) state.Sign = token.Difference >> 63;
            to[token.Run] = state.Value = Step<TStream>(state.Value, token.Difference);
            state.Left -= to.Length;
            state.Mean = Follow((uint)((ulong)state.Mean >> token.Run), (int)token.Seen);
            state.Position = token.Position;
        }
    }

    // Takes tokens while the table lists them. A method of its own, so that its state lives in registers: one stored and reloaded
    // on the chain from mean to mean costs five cycles a token. `to` has State.Left entries to fill and Slack behind them.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void TakeListed<TStream>(ref long to, ReadOnlySpan<byte> window, ref State state)
        where TStream : struct, IIntegerStream
    {
        ref byte from = ref MemoryMarshal.GetReference(window);
        ref ulong tokens = ref MemoryMarshal.GetArrayDataReference(CodeTables.Tokens);
        int position = state.Position;
        int left = state.Left;
        long value = state.Value;
        long other = state.Other;
        long sign = state.Sign;
        uint mean = state.Mean;
        while (left > 0 && mean < FirstScaledMean)
        {
            ulong bits = BitReader.Load(ref from, position >> 3, window.Length) >> (position & 7);
            ulong token = Unsafe.Add(ref tokens, (ClassOf(mean) << CodeTables.TokenBits) | (int)(bits & ((1 << CodeTables.TokenBits) - 1)));
            int run = (byte)(token >> CodeTables.RunShift);
            if ((token & CodeTables.Special) != 0)
            {
                if ((token & CodeTables.FullRun) == 0) break;
                FillMost(ref to, TStream.IsTimeline ? 0 : value);
                run = Math.Min(MaxRun, left);
                position += (byte)token;
                mean = 0;
                left -= run;
                to = ref Unsafe.Add(ref to, run);
                continue;
            }

            if (run >= left) break; // malformed: the slow path will say so
            Fill(ref to, TStream.IsTimeline ? 0 : value, run);

            // Masks, no branches: signs, swaps and jumps come as they please, and a wrong guess costs as much as a token.
            // Sign and extra bits of a range; both are masked away for the other symbols.
            ulong tail = bits >> (byte)(token >> CodeTables.ExtraAtShift);
            int magnitude = (byte)(token >> CodeTables.MagnitudeShift) + (int)(tail >> 1 & (byte)(token >> CodeTables.ExtraMaskShift));
            position += (byte)token;
            mean = Follow((uint)((ulong)mean >> run), magnitude << 5);
            sign &= -(long)((token >> CodeTables.RelativeShift) & 1);
            sign ^= -(long)(((token >> CodeTables.FallingShift) & 1) | ((token >> CodeTables.AbsoluteShift) & tail & 1));
            long swap = -(long)((token >> CodeTables.SwapShift) & 1);
            long level = TStream.IsTimeline ? 0 : value;
            long difference = (magnitude ^ sign) - sign + (Between<TStream>(level, other) & swap); // a swap's magnitude is 0
            sign |= (difference >> 63) & swap; // and its sign was masked away
            value = Step<TStream>(value, difference);
            other ^= (other ^ (TStream.IsTimeline ? value : level)) & (swap | ((JumpMagnitude - 1L - magnitude) >> 63));
            Unsafe.Add(ref to, run) = value;
            to = ref Unsafe.Add(ref to, run + 1);
            left -= run + 1;
        }

        state = new State { Position = position, Left = left, Value = value, Other = other, Sign = sign, Mean = mean };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int ClassOf(uint mean) => ClassBase - BitOperations.LeadingZeroCount(mean | 7);

    // (mean + min(seen, 4 mean + 128)) / 2 without a branch. One far difference raises the mean at most fivefold, or to two units: a spike is
    // soon forgotten, a noisy signal soon learnt.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Follow(uint mean, int seen)
    {
        int most = (int)(mean << 2) + LeastBound;
        int over = seen - most;
        return (mean + (uint)(most + (over & (over >> 31)))) >> 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Step<TStream>(long value, long difference)
        where TStream : struct, IIntegerStream =>
        TStream.IsTimeline ? difference : TStream.IsNarrow ? (int)(value + difference) : value + difference;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Between<TStream>(long from, long to)
        where TStream : struct, IIntegerStream => TStream.IsNarrow ? (int)(to - from) : to - from;

    // Stores sixteen at a time, past the run's end: the next rows overwrite it. Most runs are shorter, so the branch is foreseen.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fill(ref long to, long value, int count)
    {
        Vector256<long> four = Vector256.Create(value);
        for (int i = 0; ; i += 16)
        {
            four.StoreUnsafe(ref to, (nuint)i);
            four.StoreUnsafe(ref to, (nuint)i + 4);
            four.StoreUnsafe(ref to, (nuint)i + 8);
            four.StoreUnsafe(ref to, (nuint)i + 12);
            if (i + 16 >= count) return;
        }
    }

    // Always MaxRun entries; Slack covers what is too many.
    private static void FillMost(ref long to, long value)
    {
        Vector256<long> four = Vector256.Create(value);
        for (nuint i = 0; i < MaxRun; i += 16)
        {
            four.StoreUnsafe(ref to, i);
            four.StoreUnsafe(ref to, i + 4);
            four.StoreUnsafe(ref to, i + 8);
            four.StoreUnsafe(ref to, i + 12);
        }
    }

    // What a column's reader keeps; Sign is 0 rising or -1 falling, Left the rows that are still to come.
    private struct State
    {
        public long Value;
        public long Other;
        public long Sign;
        public uint Mean;
        public int Position;
        public int Left;
    }

    private readonly record struct LongToken(int Position, int Run, long Difference, uint Seen, bool IsJump);

    // The tokens that do not fit the table: long codes, swaps, far differences. Kept out of the loop so that its registers stay its own.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryReadToken<TStream>(BitReader bits, int activityClass, in State state, out LongToken token)
        where TStream : struct, IIntegerStream
    {
        token = default;
        int run = 0;
        if (activityClass < CodeTables.RunClasses)
        {
            int code = CodeTables.Run(activityClass, bits.Peek());
            bits.Position += code & 15;
            run = CodeTables.RunOf(code >> 4, bits.Peek(), out int extra); // never the full run: that one is in the table
            bits.Position += extra;
        }

        int differenceCode = CodeTables.Difference(activityClass, activityClass < CodeTables.RunClasses && run == 0, bits.Peek());
        bits.Position += differenceCode & 15;
        int symbol = differenceCode >> 4;
        if (symbol is CodeTables.SwapSymbol or CodeTables.NearSwapSymbol) return TryReadSwap<TStream>(bits, run, symbol, state.Value, state.Other, out token);
        if (symbol == CodeTables.FarSymbol) return TryReadFar<TStream>(bits, run, out token);

        long difference = 0;
        if (symbol < CodeTables.SwapSymbol)
        {
            long magnitude = (symbol >> 1) + 1;
            difference = state.Sign != 0 == ((symbol & 1) != 0) ? magnitude : -magnitude;
        }
        else if (symbol != CodeTables.ZeroSymbol)
        {
            bool isFalling = bits.Read(1) != 0;
            long magnitude = CodeTables.RangeOf(symbol, bits.Peek(), out int extra);
            bits.Position += extra;
            difference = isFalling ? -magnitude : magnitude;
        }

        token = new LongToken(bits.Position, run, difference, (uint)Math.Abs(difference) << 5, Math.Abs(difference) >= JumpMagnitude);
        return true;
    }

    private static bool TryReadSwap<TStream>(BitReader bits, int run, int symbol, long value, long other, out LongToken token)
        where TStream : struct, IIntegerStream
    {
        token = default;
        long near = 0;
        if (symbol == CodeTables.NearSwapSymbol)
        {
            bool isBelow = bits.Read(1) != 0;
            near = bits.ReadExpGolomb(2) + 1;
            if (near == 0) return false;
            if (isBelow) near = -near;
        }

        long target = TStream.IsNarrow ? (int)(other + near) : other + near;
        long difference = Between<TStream>(TStream.IsTimeline ? 0 : value, target);
        token = new LongToken(bits.Position, run, difference, 0, IsJump: true);
        return true;
    }

    private static bool TryReadFar<TStream>(BitReader bits, int run, out LongToken token)
        where TStream : struct, IIntegerStream
    {
        token = default;
        bool isFalling = bits.Read(1) != 0;
        int length = (int)bits.Read(6);
        if (TStream.IsNarrow && length > 31) return false;
        ulong magnitude = (1UL << length) | bits.ReadLong(length);
        long difference = isFalling ? -(long)magnitude : (long)magnitude;
        token = new LongToken(bits.Position, run, difference, (uint)Math.Min(magnitude, MaxCodedMagnitude) << 5, magnitude >= JumpMagnitude);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryReadScaled<TStream>(BitReader bits, int activityClass, out LongToken token)
        where TStream : struct, IIntegerStream
    {
        token = default;
        int k = activityClass - 3; // bits of the mean - 6
        int quotient = BitOperations.TrailingZeroCount(bits.Peek());
        if (quotient > MaxQuotient) return false;
        bits.Position += quotient + 1;
        if (quotient == MaxQuotient) return TryReadFar<TStream>(bits, 0, out token);
        uint code = ((uint)quotient << k) | (uint)bits.Read(k);
        long magnitude = (code + 1) >> 1;
        long difference = (code & 1) != 0 ? magnitude : -magnitude;
        token = new LongToken(bits.Position, 0, difference, (uint)Math.Min(magnitude, MaxCodedMagnitude) << 5, magnitude >= JumpMagnitude);
        return true;
    }
}
