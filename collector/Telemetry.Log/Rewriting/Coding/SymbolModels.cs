using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Telemetry.Log.Rewriting.Coding;

/// <summary>
/// How often each of 16 symbols came, in each of many contexts, forgetting slowly: what the entropy coder codes by. Writer and reader teach theirs the same
/// symbols, and so agree without a table being stored.
/// </summary>
/// <remarks>One thread.</remarks>
internal sealed class SymbolModels
{
    /// <summary>Symbols of a context.</summary>
    public const int Symbols = 16;

    /// <summary>The shares of a context's symbols add up to 2^15.</summary>
    public const int ShareBits = 15;

    // A context: where each symbol's share starts, the end of the last one, how many symbols were seen; filled up to 64 bytes.
    private const int Stride = 32;
    private const int SeenAt = Symbols + 1;
    private const int Whole = 1 << ShareBits;

    // Row s: the starts when symbol s has all but 1 / 2^15 for each other one. Starts that differ by 1 or more still do after a step towards such a row, so
    // no symbol ever becomes impossible.
    private static readonly short[] s_certain = Certain();

    private readonly ushort[] _contexts;

    /// <param name="contexts">How many.</param>
    public SymbolModels(int contexts) => _contexts = new ushort[contexts * Stride];

    // A context moves by 2^-shift of the way to "always this symbol": fast while it knows little.
    private static ReadOnlySpan<byte> ShiftBySeen =>
        [1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 7];

    /// <summary>Context 0, from which <see cref="Context"/> counts.</summary>
    public ref ushort First => ref MemoryMarshal.GetArrayDataReference(_contexts);

    /// <summary>A context by its number, which nobody checks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref ushort Context(ref ushort first, int number) => ref Unsafe.Add(ref first, (nint)(uint)(number * Stride));

    /// <summary>Forgets everything: all symbols alike, in all contexts.</summary>
    public void Reset()
    {
        Span<ushort> first = _contexts.AsSpan(0, Stride);
        for (int i = 0; i <= Symbols; i++) first[i] = (ushort)(i * (Whole / Symbols));
        first[SeenAt] = 0;
        for (int filled = Stride; filled < _contexts.Length; filled *= 2)
            _contexts.AsSpan(0, Math.Min(filled, _contexts.Length - filled)).CopyTo(_contexts.AsSpan(filled));
    }

    /// <summary>Where a symbol's share starts; of <see cref="Symbols"/>: where the last one ends.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Start(ref ushort context, int symbol) => Unsafe.Add(ref context, (nint)(uint)symbol);

    /// <summary>The symbol in whose share a place below 2^15 lies.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Find(ref ushort context, uint place)
    {
        // One bit a lane; those that start behind the place are the highest ones.
        uint behind = Vector256.GreaterThan(Vector256.LoadUnsafe(ref context), Vector256.Create((ushort)place)).ExtractMostSignificantBits();
        return BitOperations.TrailingZeroCount(behind | (1u << Symbols)) - 1;
    }

    /// <summary>A context learns that a symbol came.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Learn(ref ushort context, int symbol)
    {
        ref ushort seen = ref Unsafe.Add(ref context, SeenAt);
        int shift = Unsafe.Add(ref MemoryMarshal.GetReference(ShiftBySeen), (nint)seen);
        if (seen < ShiftBySeen.Length - 1) seen++;
        Vector256<short> starts = Vector256.LoadUnsafe(ref context).AsInt16();
        Vector256<short> certain = Vector256.LoadUnsafe(ref MemoryMarshal.GetArrayDataReference(s_certain), (nuint)(uint)(symbol * Symbols));
        (starts + Vector256.ShiftRightArithmetic(certain - starts, shift)).AsUInt16().StoreUnsafe(ref context);
    }

    private static short[] Certain()
    {
        short[] rows = new short[Symbols * Symbols];
        for (int i = 0; i < rows.Length; i++)
        {
            (int symbol, int start) = Math.DivRem(i, Symbols);
            rows[i] = (short)(start <= symbol ? start : Whole - Symbols + start);
        }

        return rows;
    }
}
