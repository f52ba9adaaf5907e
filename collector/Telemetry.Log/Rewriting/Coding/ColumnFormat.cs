namespace Telemetry.Log.Rewriting.Coding;

// A column, in plain bits unless it says "symbols", which stand in the entropy coder's part; the tables of a column of symbols stand in the plain bits:
//   integers  2 bits mode; 7 bits length, then the first value, zigzag; nothing at all without rows
//     constant  nothing more
//     steps     the change of each row behind the first: symbols, then what belongs to them
//     changes   22 bits rows that differ from the one before; of each how many equal rows stand before it: its length in bits as a symbol, then the bits below
//               the top one; then the changes as in steps
//     level     3 bits shift, 4 bits low bits; the residual of each row behind the first: symbols, then what belongs to them, each with its low bits behind
//   reals     64 bits first value; of each row behind it the leading zero bytes of its XOR with the row before: symbols; of each that is not 0 the trailing ones:
//             symbols; then for each byte, the highest first, the upper halves of it where it is between, and the lower halves: symbols

/// <summary>How a column of integers is coded.</summary>
internal enum ColumnMode
{
    /// <summary>All rows equal.</summary>
    Constant,

    /// <summary>Each row against the one before.</summary>
    Steps,

    /// <summary>Changes, and how far apart they are.</summary>
    Changes,

    /// <summary>Each row against a running level.</summary>
    Level,
}

/// <summary>Widths of the plain numbers of a column.</summary>
internal static class ColumnFormat
{
    public const int ModeBits = 2;

    /// <summary>Of the number of bits of a first value.</summary>
    public const int LengthBits = 7;

    /// <summary>Of the number of changes.</summary>
    public const int CountBits = 22;

    public const int ShiftBits = 3;
    public const int LowBits = 4;

    public static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    public static long UnZigZag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);
}
