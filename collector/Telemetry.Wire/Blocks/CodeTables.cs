using System.Numerics;

namespace Telemetry.Wire.Blocks;

/// <summary>
/// The fixed prefix codes of integer columns and timelines (proto/WIRE.md, "Code tables"), one symbol at a time; <see cref="TokenGroups"/> joins them.
/// </summary>
internal static class CodeTables
{
    public const int RunClasses = 5;
    public const int Classes = 7;
    public const int FullRunSymbol = 12;
    public const int SwapSymbol = 8;
    public const int NearSwapSymbol = 9;
    public const int FirstRangeSymbol = 10;
    public const int FarSymbol = 20;
    public const int ZeroSymbol = 21;

    /// <summary>Longest code of a symbol, in bits.</summary>
    public const int MaxCodeBits = 8;

    private const int RunSymbols = 13;
    private const int DifferenceSymbols = 22;

    // One hexadecimal digit a symbol: the length of its code in bits; 0 = no such symbol.
    private static readonly string[] RunLengths = ["2344455555662", "1344555556774", "1334456677775", "1235667777776", "1245556677775"];

    // Per class: after a run of zeros, then directly after a difference. The two classes without runs have one code.
    private static readonly string[] DifferenceLengths =
    [
        "4467777713666766555770", "3546464633344567667770",
        "6567878831687864454680", "4545868841644668588880",
        "1255667766676777776770", "2145667677677777777880",
        "2234556655566677766670", "2324455577556677777880",
        "4455556645252777675770", "3444455576243667777880",
        "5555555676253567777882", "5555555676253567777882",
        "5555565565343456677772", "5555565565343456677772",
    ];

    // Indexed by the next 8 bits: symbol << 4 | length.
    private static readonly ushort[][] Runs = [.. RunLengths.Select(lengths => Build(lengths, RunSymbols))];
    private static readonly ushort[][] Differences = [.. DifferenceLengths.Select(lengths => Build(lengths, DifferenceSymbols))];

    /// <summary>Class of a mean: bits of the mean, less three, at least 0. From <see cref="Classes"/> on differences are Rice coded.</summary>
    public static int ClassOf(uint mean) => 29 - BitOperations.LeadingZeroCount(mean | 7);

    /// <summary>Symbol &lt;&lt; 4 | length of the run code at the front of <paramref name="bits"/>.</summary>
    public static int Run(int activityClass, ulong bits) => Runs[activityClass][(int)(bits & 0xFF)];

    /// <summary>Symbol &lt;&lt; 4 | length of the difference code at the front of <paramref name="bits"/>.</summary>
    public static int Difference(int activityClass, bool isAdjacent, ulong bits) => Differences[(activityClass << 1) + (isAdjacent ? 1 : 0)][(int)(bits & 0xFF)];

    // RFC 1951 section 3.2.2: codes of one length are consecutive numbers in the order of their symbols, shorter codes come first.
    // Streams carry a code's first bit in the lowest place, so the index holds it reversed.
    private static ushort[] Build(string lengths, int symbols)
    {
        ushort[] table = new ushort[1 << MaxCodeBits];
        int code = 0;
        for (int length = 1; length <= MaxCodeBits; length++, code <<= 1)
        {
            for (int symbol = 0; symbol < symbols; symbol++)
            {
                if (lengths[symbol] - '0' != length) continue;
                for (int rest = 0; rest < 1 << (MaxCodeBits - length); rest++)
                    table[Reversed(code, length) | (rest << length)] = (ushort)((symbol << 4) | length);
                code++;
            }
        }

        // A code that leaves bit patterns unused would let a decoder meet one.
        if (code != 1 << (MaxCodeBits + 1)) throw new InvalidOperationException("A code table of the contract is not complete.");
        return table;
    }

    private static int Reversed(int code, int length)
    {
        int reversed = 0;
        for (; length > 0; length--, code >>= 1) reversed = (reversed << 1) | (code & 1);
        return reversed;
    }

    /// <summary>Length of the run of zeros behind a run symbol 0..11, with its extra bits.</summary>
    public static int RunOf(int symbol, ulong bits, out int extra)
    {
        extra = symbol < 4 ? 0 : ((symbol - 4) >> 1) + 1;
        return symbol < 4 ? symbol : ((2 | (symbol & 1)) << extra) | (int)(bits & ((1u << extra) - 1));
    }

    /// <summary>Magnitude behind a range symbol 10..19, with its extra bits.</summary>
    public static int RangeOf(int symbol, ulong bits, out int extra)
    {
        extra = ((symbol - FirstRangeSymbol) >> 1) + 1;
        return (((2 | (symbol & 1)) << extra) | (int)(bits & ((1u << extra) - 1))) + 1;
    }
}
