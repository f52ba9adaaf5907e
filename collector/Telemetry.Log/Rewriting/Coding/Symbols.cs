using System.Numerics;

namespace Telemetry.Log.Rewriting.Coding;

// Symbols of a change against the row before:
//   0-10     0, 1, -1, 2, -2 ... 5, -5
//   11       back: the value is the one before the last jump
//   12 + 2k  up by 5 + 2^k + the next k bits, k = 0 to 8; 13 + 2k down
//   30       farther: 1 bit sign (1 = down), 6 bits k, k bits as above

/// <summary>The symbols of a change.</summary>
internal static class Symbols
{
    /// <summary>All that there are, of whatever meaning: 0 to 30.</summary>
    public const int Count = 31;

    /// <summary>Magnitudes to this one have symbols of their own, up to symbol <see cref="LastSmall"/>.</summary>
    public const int MostSmall = 5;

    public const int LastSmall = 2 * MostSmall;
    public const int Back = 11;
    public const int FirstFar = 12;
    public const int Farther = 30;
    public const int FartherBits = 6;
    public const int MostFarBits = 8;

    /// <summary>A change of this magnitude makes the value before it the one to come back to.</summary>
    public const int JumpMagnitude = 16;

    /// <summary>The symbol of a change.</summary>
    /// <param name="difference">Value minus value before; may wrap.</param>
    public static byte Of(long difference)
    {
        ulong magnitude = Magnitude(difference);
        if (magnitude <= MostSmall) return (byte)((2 * (int)magnitude) - (difference > 0 ? 1 : 0));
        int bits = BitOperations.Log2(magnitude - MostSmall);
        return (byte)(bits > MostFarBits ? Farther : FirstFar + (2 * bits) + (difference < 0 ? 1 : 0));
    }

    /// <summary>Writes the plain bits that follow a far symbol.</summary>
    public static void PutPlain(BitOutput output, byte symbol, long difference)
    {
        ulong above = Magnitude(difference) - MostSmall;
        int bits = BitOperations.Log2(above);
        if (symbol == Farther)
        {
            output.Put(difference < 0 ? 1u : 0, 1);
            output.Put((uint)bits, FartherBits);
        }

        output.Put(above, bits);
    }

    /// <summary>Its distance from 0.</summary>
    public static ulong Magnitude(long difference) => difference < 0 ? 0 - (ulong)difference : (ulong)difference;
}

/// <summary>In which of 32 contexts a symbol stands: a walk over contexts that each symbol moves on.</summary>
/// <param name="Next">The next context, by 32 times the present one plus symbol.</param>
/// <param name="First">The context of the first symbol.</param>
internal sealed record ContextWalk(byte[] Next, int First)
{
    public const int Contexts = 32;

    // Kinds of a change, each with four contexts: 0, 1, 2, 3 or more rows since.
    private const int Ages = 4;
    private const int OneUp = 0, OneDown = 1, SomeUp = 2, SomeDown = 3, FarUp = 4, FarDown = 5, BackDown = 6, BackUp = 7;

    /// <summary>Of changes: which kind the last one was and how many rows ago.</summary>
    public static ContextWalk OfChanges { get; } = new(Walk(AfterChange), Ages - 1);

    /// <summary>Of anything: the symbol before.</summary>
    public static ContextWalk OfNeighbours { get; } = new(Walk((_, symbol) => symbol), 0);

    private static int AfterChange(int context, int symbol)
    {
        (int kind, int age) = Math.DivRem(context, Ages);
        if (symbol == 0) return (kind * Ages) + Math.Min(age + 1, Ages - 1);
        bool isOdd = symbol % 2 != 0;
        int next = symbol switch
        {
            1 => OneUp,
            2 => OneDown,
            <= Symbols.LastSmall => isOdd ? SomeUp : SomeDown,
            Symbols.Back => kind is FarDown or BackDown ? BackUp : BackDown,
            _ => isOdd ? FarDown : FarUp,
        };
        return next * Ages;
    }

    private static byte[] Walk(Func<int, int, int> after)
    {
        byte[] next = new byte[Contexts * Contexts];
        for (int i = 0; i < next.Length; i++) next[i] = (byte)after(i / Contexts, i % Contexts);
        return next;
    }
}
