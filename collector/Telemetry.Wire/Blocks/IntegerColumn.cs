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
    /// <summary>Entries a caller must leave writable behind the rows: runs are stored eight at a time.</summary>
    public const int Slack = 72;

    private const int FirstMean = 16;
    private const int MaxCodedMagnitude = 1 << 22;
    private const int MaxRun = 64;
    private const int MaxQuotient = 10;
    private const int JumpMagnitude = 16;
    private const int FirstValueBits = 7;

    private const int LeastBound = 128;

    // 10 of codes, a sign, 6 extra bits
    private const int MaxTokenBits = 17;

    // Bits of the mean, less three, is the class; from this one on differences are Rice coded.
    private const int ScaledClass = CodeTables.Classes;
    private const int ClassBase = 29;

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

    [SkipLocalsInit]
    private static bool TryDecodeRest<TStream>(Span<long> rows, int count, long value, ReadOnlySpan<byte> window, int length, int position)
        where TStream : struct, IIntegerStream
    {
        if (rows.Length < count + Slack - 1) throw new ArgumentException("The buffer of a column has no slack.", nameof(rows));
        ref long to = ref MemoryMarshal.GetReference(rows);
        ref byte from = ref MemoryMarshal.GetReference(window);
        ref ulong tokens = ref MemoryMarshal.GetArrayDataReference(CodeTables.Tokens);
        long other = 0;
        long sign = 0; // 0 rising, -1 falling
        uint mean = FirstMean;
        int row = 0;

        // The next bits, least significant first; at least `available` of them are valid. `index` is the first byte not counted in it.
        int index = position >> 3;
        ulong bits = BitReader.Load(ref from, index, window.Length) >> (position & 7);
        int available = 56 - (position & 7);
        index += 7;
        while (row < count)
        {
            if (available < MaxTokenBits)
            {
                bits |= BitReader.Load(ref from, index, window.Length) << available;
                index += (63 - available) >> 3;
                available |= 56;
            }

            int activityClass = ClassBase - BitOperations.LeadingZeroCount(mean | 7);
            LongToken rare;
            if (activityClass < ScaledClass)
            {
                ulong token = Unsafe.Add(ref tokens, (activityClass << CodeTables.TokenBits) | (int)(bits & ((1 << CodeTables.TokenBits) - 1)));
                if ((token & CodeTables.Special) == 0)
                {
                    int run = (byte)(token >> CodeTables.RunShift);
                    if (run >= count - row) return false;
                    Fill(ref Unsafe.Add(ref to, row), TStream.IsTimeline ? 0 : value, run);
                    row += run;

                    // Sign and extra bits of a range; both are masked away for the other symbols.
                    ulong tail = bits >> (byte)(token >> CodeTables.ExtraAtShift);
                    uint magnitude = (byte)(token >> CodeTables.MagnitudeShift) + (uint)(tail >> 1 & (byte)(token >> CodeTables.ExtraMaskShift));
                    sign &= -(long)((token >> CodeTables.RelativeShift) & 1);
                    sign ^= -(long)(((token >> CodeTables.FallingShift) & 1) | ((token >> CodeTables.AbsoluteShift) & tail & 1));
                    bool isSwap = (token & CodeTables.Swap) != 0;
                    long level = TStream.IsTimeline ? 0 : value;
                    long difference = isSwap ? Between<TStream>(level, other) : (magnitude ^ sign) - sign;
                    sign = isSwap ? difference >> 63 : sign;
                    bits >>= (byte)token;
                    available -= (byte)token;
                    mean = (uint)((ulong)mean >> run);
                    mean = (mean + Math.Min(magnitude << 5, Bound(mean))) >> 1;
                    value = Step<TStream>(value, difference);
                    other = isSwap | magnitude >= JumpMagnitude ? (TStream.IsTimeline ? value : level) : other;
                    Unsafe.Add(ref to, row++) = value;
                    continue;
                }

                if ((token & CodeTables.FullRun) != 0)
                {
                    bits >>= (byte)token;
                    available -= (byte)token;
                    int run = Math.Min(MaxRun, count - row);
                    Fill(ref Unsafe.Add(ref to, row), TStream.IsTimeline ? 0 : value, run);
                    row += run;
                    mean = 0;
                    continue;
                }

                BitReader reader = new(window, length) { Position = (index << 3) - available };
                if (!TryReadToken<TStream>(reader, activityClass, value, other, sign, out rare)) return false;
            }
            else
            {
                BitReader reader = new(window, length) { Position = (index << 3) - available };
                if (!TryReadScaled<TStream>(reader, activityClass, out rare)) return false;
            }

            if (rare.Run >= count - row) return false;
            Fill(ref Unsafe.Add(ref to, row), TStream.IsTimeline ? 0 : value, rare.Run);
            row += rare.Run;
            if (rare.IsJump) other = TStream.IsTimeline ? rare.Difference : value;
            if (rare.Difference != 0 || rare.IsJump) sign = rare.Difference >> 63;
            value = Step<TStream>(value, rare.Difference);
            Unsafe.Add(ref to, row++) = value;
            mean = (uint)((ulong)mean >> rare.Run);
            mean = (mean + Math.Min(rare.Seen, Bound(mean))) >> 1;
            index = rare.Position >> 3;
            bits = BitReader.Load(ref from, index, window.Length) >> (rare.Position & 7);
            available = 56 - (rare.Position & 7);
            index += 7;
        }

        return new BitReader(window, length) { Position = (index << 3) - available }.IsAtEnd;
    }

    // One far difference raises the mean at most fivefold, or to two units: a spike is soon forgotten, a noisy signal soon learnt.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Bound(uint mean) => (mean << 2) + LeastBound;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Step<TStream>(long value, long difference)
        where TStream : struct, IIntegerStream =>
        TStream.IsTimeline ? difference : TStream.IsNarrow ? (int)(value + difference) : value + difference;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Between<TStream>(long from, long to)
        where TStream : struct, IIntegerStream => TStream.IsNarrow ? (int)(to - from) : to - from;

    // Stores eight at a time, past the run's end: the next rows overwrite it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fill(ref long to, long value, int count)
    {
        Vector256<long> four = Vector256.Create(value);
        four.StoreUnsafe(ref to);
        four.StoreUnsafe(ref to, 4);
        for (int i = 8; i < count; i += 8)
        {
            four.StoreUnsafe(ref to, (nuint)i);
            four.StoreUnsafe(ref to, (nuint)i + 4);
        }
    }

    private readonly record struct LongToken(int Position, int Run, long Difference, uint Seen, bool IsJump);

    // The tokens that do not fit the table: long codes, swaps, far differences. Kept out of the loop so that its registers stay its own.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryReadToken<TStream>(BitReader bits, int activityClass, long value, long other, long sign, out LongToken token)
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
        if (symbol is CodeTables.SwapSymbol or CodeTables.NearSwapSymbol) return TryReadSwap<TStream>(bits, run, symbol, value, other, out token);
        if (symbol == CodeTables.FarSymbol) return TryReadFar<TStream>(bits, run, out token);

        long difference = 0;
        if (symbol < CodeTables.SwapSymbol)
        {
            long magnitude = (symbol >> 1) + 1;
            difference = sign != 0 == ((symbol & 1) != 0) ? magnitude : -magnitude;
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
