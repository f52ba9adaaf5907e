using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Telemetry.Log.Rewriting.Coding;

/// <summary>Turns symbols of changes into values.</summary>
internal static class ChangeReader
{
    private const int Eight = 8;

    // What a symbol does, without a branch: 0-15 magnitude, 16-20 plain bits that add to it, 31 (the sign of the number) down.
    private const int BitsAt = 16;
    private const uint MagnitudeMask = (1u << BitsAt) - 1;
    private const uint Down = 1u << 31;

    // What a small symbol adds, and MostSmall more, so that it is no less than 0.
    private static readonly Vector128<byte> s_small = Vector128.Create((byte)5, 6, 4, 7, 3, 8, 2, 9, 1, 10, 0, 0, 0, 0, 0, 0);

    private static readonly uint[] s_effects = [.. Enumerable.Range(0, 32).Select(EffectOf)];

    /// <summary>Follows changes from a value on.</summary>
    /// <param name="last">The value before the first change.</param>
    /// <param name="symbols">Of the changes.</param>
    /// <param name="values">Gets the value behind each change.</param>
    /// <param name="input">What belongs to the symbols.</param>
    /// <returns>False when the input ends before.</returns>
    public static bool TryFollow(long last, ReadOnlySpan<byte> symbols, Span<long> values, ref BitInput input)
    {
        BitInput bits = input;
        long other = 0;
        int row = 0;
        for (; row + Eight <= symbols.Length; row += Eight)
        {
            ulong eight = MemoryMarshal.Read<ulong>(symbols[row..]);
            Span<long> to = values.Slice(row, Eight);
            if (AreSmall(eight)) last = AddSmall(last, eight, to);
            else if (!TryAddEach(ref last, ref other, symbols.Slice(row, Eight), to, ref bits)) return false;
        }

        bool isGood = TryAddEach(ref last, ref other, symbols[row..], values[row..], ref bits);
        input = bits;
        return isGood;
    }

    /// <summary>Follows residuals against a running level.</summary>
    /// <param name="first">The value that the level begins at.</param>
    /// <param name="code">How the column is coded.</param>
    /// <param name="symbols">Of the residuals.</param>
    /// <param name="values">Gets the values.</param>
    /// <param name="input">What belongs to the symbols.</param>
    /// <returns>False when the input ends before, or a symbol has no meaning here.</returns>
    public static bool TryFollowLevel(long first, LevelCode code, ReadOnlySpan<byte> symbols, Span<long> values, ref BitInput input)
    {
        BitInput bits = input;
        RunningLevel level = new(first);
        for (int row = 0; row < symbols.Length; row++)
        {
            if (symbols[row] == Symbols.Back) return false;
            long upper = symbols[row] == Symbols.Farther ? TakeFarther(ref bits) : TakeChange(symbols[row], ref bits);
            long residual = code.LowBits == 0 ? level.Turned(upper) : (upper << code.LowBits) + (long)bits.Take(code.LowBits);
            long value = level.Guess + residual;
            values[row] = value;
            level.Follow(value, code.Shift);
            if (bits.IsPastEnd) return false;
        }

        input = bits;
        return true;
    }

    // Every byte at most LastSmall: none reaches its top bit when what lacks is added.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreSmall(ulong eight) => ((eight + (0x0101010101010101 * (127 - Symbols.LastSmall))) & 0x8080808080808080) == 0;

    // Changes of 0 to 10 instead of -5 to 5: times 0x01...01 each byte becomes the sum of those up to it, at most 80.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long AddSmall(long last, ulong eight, Span<long> values)
    {
        ref long to = ref MemoryMarshal.GetReference(values);
        ulong sums = Vector128.ShuffleNative(s_small, Vector128.CreateScalar(eight).AsByte()).AsUInt64().ToScalar() * 0x0101010101010101;
        Vector128<ushort> wide = Vector128.WidenLower(Vector128.CreateScalar(sums).AsByte());
        (Vector128<uint> lower, Vector128<uint> upper) = Vector128.Widen(wide);
        Vector128<long> from = Vector128.Create(last - Symbols.MostSmall, last - (2 * Symbols.MostSmall));
        Vector128<long> more = Vector128.Create(2L * Symbols.MostSmall);
        (Vector128.WidenLower(lower).AsInt64() + from).StoreUnsafe(ref to, 0);
        from -= more;
        (Vector128.WidenUpper(lower).AsInt64() + from).StoreUnsafe(ref to, 2);
        from -= more;
        (Vector128.WidenLower(upper).AsInt64() + from).StoreUnsafe(ref to, 4);
        from -= more;
        (Vector128.WidenUpper(upper).AsInt64() + from).StoreUnsafe(ref to, 6);
        return last + (long)(sums >> 56) - (Eight * Symbols.MostSmall);
    }

    private static bool TryAddEach(ref long lastValue, ref long otherValue, ReadOnlySpan<byte> symbols, Span<long> values, ref BitInput bits)
    {
        (long last, long other) = (lastValue, otherValue);
        for (int i = 0; i < symbols.Length; i++)
        {
            int symbol = symbols[i];
            long change = symbol == Symbols.Farther ? TakeFarther(ref bits) : TakeChange(symbol, ref bits);

            // No branch, for nobody can foretell it: masks of all ones where the symbol is "back", and where the change is a jump.
            long isBack = -(long)(symbol == Symbols.Back ? 1u : 0u);
            change ^= (change ^ (other - last)) & isBack;
            long isJump = -(long)((ulong)(change + Symbols.JumpMagnitude - 1) > (2 * Symbols.JumpMagnitude) - 2 ? 1u : 0u);
            other ^= (other ^ last) & isJump;
            last += change;
            values[i] = last;
        }

        (lastValue, otherValue) = (last, other);
        return !bits.IsPastEnd;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long TakeChange(int symbol, ref BitInput bits)
    {
        uint effect = Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(s_effects), (nint)(uint)symbol);
        int count = (int)(effect >> BitsAt) & 15;
        long magnitude = (effect & MagnitudeMask) + (long)bits.Take(count);
        long sign = (int)effect >> 31;
        return (magnitude ^ sign) - sign;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long TakeFarther(ref BitInput bits)
    {
        bool isDown = bits.Take(1) != 0;
        int length = (int)bits.Take(Symbols.FartherBits);
        long magnitude = (long)(((1UL << length) | bits.TakeLong(length)) + Symbols.MostSmall);
        return isDown ? -magnitude : magnitude;
    }

    private static uint EffectOf(int symbol)
    {
        if (symbol <= Symbols.LastSmall) return (uint)((symbol + 1) / 2) | (symbol % 2 == 0 ? Down : 0);
        if (symbol is < Symbols.FirstFar or >= Symbols.Farther) return 0;
        int bits = (symbol - Symbols.FirstFar) / 2;
        return (uint)(Symbols.MostSmall + (1 << bits)) | ((uint)bits << BitsAt) | (symbol % 2 != 0 ? Down : 0);
    }
}
