using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

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
/// A column is a chain of tokens: a run of unchanged rows and the difference that ends it. One lookup yields a <see cref="TokenGroup"/>: a token,
/// or two of small differences, with what they do to the mean, to the sign and to the value as three additions.
/// </remarks>
internal static partial class IntegerColumn
{
    /// <summary>Entries a caller must leave writable behind the rows: runs are stored past their end, a full one eight rows too far.</summary>
    public const int Slack = 72;

    private const int FirstMean = 16;
    private const int MaxCodedMagnitude = 1 << 22;
    private const int MaxRun = 64;
    private const int MaxQuotient = 10;
    private const int MaxGolombZeros = 12;
    private const int JumpMagnitude = 16;
    private const int FirstValueBits = 7;

    private const int LeastBound = 128;

    /// <summary>Decodes the first value and the differences of a column.</summary>
    /// <param name="rows">Buffer of the column: rows plus <see cref="Slack"/>.</param>
    /// <param name="count">Rows to fill.</param>
    /// <param name="window">From the stream's first byte to the end of the block and its padding.</param>
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

    /// <summary>Reads the value of the first row.</summary>
    public static bool TryReadFirst<TStream>(ref BitReader bits, out long first)
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
        if (rows.Length < count + Slack || window.Length < length + BlockCursor.Padding)
            throw new ArgumentException("The buffer of a column has no slack, or its stream no padding.", nameof(rows));
        State state = new() { Position = position, Left = count, Value = value, Mean = FirstMean };
        while (state.Left > 0)
        {
            if (state.Mean < TokenGroups.MeanLimit)
                TakeGroups<TStream>(ref Unsafe.Add(ref MemoryMarshal.GetReference(rows), count - state.Left), window, length * 8, ref state);
            if (state.Left > 0 && !TryTakeSlowly<TStream>(rows[(count - state.Left)..], window, length, ref state)) return false;
        }

        return new BitReader(window, length) { Position = state.Position }.IsAtEnd;
    }

    // Takes the next token, whatever it is. A full run is not among them: the table lists its codes.
    private static bool TryTakeSlowly<TStream>(Span<long> rows, ReadOnlySpan<byte> window, int length, ref State state)
        where TStream : struct, IIntegerStream
    {
        BitReader reader = new(window, length) { Position = state.Position };
        if (reader.IsPastEnd) return false;
        int activityClass = CodeTables.ClassOf(state.Mean);
        LongToken token;
        if (!(activityClass < CodeTables.Classes ? TryReadToken<TStream>(reader, activityClass, state, out token) : TryReadScaled<TStream>(reader, activityClass, state.Sign, out token)))
            return false;
        if (token.Run >= state.Left) return false;
        rows[..token.Run].Fill(Repeated<TStream>(state.Value));
        if (token.IsJump) state.Other = TStream.IsTimeline ? token.Difference : state.Value;
        state.Sign = token.Sign;
        rows[token.Run] = state.Value = Step<TStream>(state.Value, token.Difference);
        state.Left -= token.Run + 1;
        state.Mean = Follow((uint)((ulong)state.Mean >> token.Run), (int)token.Seen);
        state.Position = token.Position;
        return true;
    }

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

    // Sign is that of the token as it was coded, or the one before where it has none: a far difference may wrap.
    private readonly record struct LongToken(int Position, int Run, long Difference, long Sign, uint Seen, bool IsJump);

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

        long sign = difference == 0 ? state.Sign : difference >> 63;
        token = new LongToken(bits.Position, run, difference, sign, (uint)Math.Abs(difference) << 5, Math.Abs(difference) >= JumpMagnitude);
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
        token = new LongToken(bits.Position, run, difference, difference >> 63, 0, IsJump: true);
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
        long sign = isFalling ? -1 : 0;
        token = new LongToken(bits.Position, run, Signed((long)magnitude, sign), sign, (uint)Math.Min(magnitude, MaxCodedMagnitude) << 5, magnitude >= JumpMagnitude);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryReadScaled<TStream>(BitReader bits, int activityClass, long signBefore, out LongToken token)
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
        long sign = code == 0 ? signBefore : (long)(code & 1) - 1;
        token = new LongToken(bits.Position, 0, Signed(magnitude, sign), sign, (uint)Math.Min(magnitude, MaxCodedMagnitude) << 5, magnitude >= JumpMagnitude);
        return true;
    }
}
