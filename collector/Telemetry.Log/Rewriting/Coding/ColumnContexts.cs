using System.Numerics;

namespace Telemetry.Log.Rewriting.Coding;

// Symbols of a difference:
//   0-10  0, 1, -1, 2, -2 ... 5, -5
//   11    back: the value is the one before the last jump
//   12    nearly back: up to 62 from it; sign (1 bit, 1 = below), distance - 1 as a length and its bits
//   13,14 far up, far down: magnitude - 6 as a length and its bits
// Symbols of a length: how many bits the number has, 0-14; 15: 6 bits follow that add to it. Then its bits without the top one.
// Symbols of a run: its length as above, 0-14; 15: 16,384 rows and another run.

/// <summary>The symbols of columns, and the contexts they are coded in.</summary>
internal static class ColumnContexts
{
    /// <summary>Magnitudes to this one have symbols of their own, up to symbol <see cref="LastSmall"/>.</summary>
    public const int MostSmall = 5;

    public const int LastSmall = 2 * MostSmall;
    public const int Back = 11;
    public const int NearlyBack = 12;
    public const int FarUp = 13;
    public const int FarDown = 14;

    /// <summary>A difference of this magnitude makes the value before it one to come back to.</summary>
    public const int JumpMagnitude = 16;

    /// <summary>The farthest from the value before the jump that counts as nearly back.</summary>
    public const int MostNearly = 62;

    /// <summary>Stands for <see cref="FullRun"/> rows.</summary>
    public const int FullRunSymbol = 15;

    public const int FullRun = 1 << (FullRunSymbol - 1);

    /// <summary>A length of so many bits or more is written in two parts.</summary>
    public const int LongLength = 15;

    /// <summary>The mean of magnitudes at first.</summary>
    public const uint FirstMean = 16;

    /// <summary>Groups of changes after which the next is foretold alike; 0 is "none yet".</summary>
    public const int Groups = 11;

    /// <summary>After so many equal rows the next run is coded by its length.</summary>
    public const int RowsBeforeRun = 2;

    public const int Levels = 8;

    public const int Difference = 0; // by the last change's group, whether it was the row before, and the level
    public const int AfterRun = Difference + (2 * Groups * Levels); // by the last change's group and the length of the run
    public const int RunLength = AfterRun + (Groups * RunLengths); // by the level
    public const int NearlyLength = RunLength + Levels;
    public const int FarLength = NearlyLength + 1; // up and down, by the level
    public const int Residual = FarLength + (2 * Levels); // by the guess's fraction
    public const int LeadingBytes = Residual + LevelCode.Fractions; // by those of the row before
    public const int TrailingBytes = LeadingBytes + 9; // by the leading ones
    public const int HalfByte = TrailingBytes + 8; // by its place
    public const int Count = HalfByte + 16;

    private const int RunLengths = 5;

    /// <summary>Group of a change by its symbol; symbol 0 is none.</summary>
    public static ReadOnlySpan<byte> GroupOf => [0, 1, 2, 3, 4, 5, 6, 5, 6, 7, 8, 9, 10, 7, 8, 0];

    // min(7, bits of the mean)
    private static ReadOnlySpan<byte> LevelByZeros => [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 6, 5, 4, 3, 2, 1, 0];

    /// <summary>How lively a column is, 0 to 7, by its mean of magnitudes.</summary>
    public static int LevelOf(uint mean) => LevelByZeros[BitOperations.LeadingZeroCount(mean)];

    /// <summary>The running mean of magnitudes, in 1/32, after a small one: halfway to it.</summary>
    public static uint AfterSmall(uint mean, int magnitude) => (mean + (32 * (uint)magnitude)) / 2;

    /// <summary>The running mean after another one, which counts for little more than four times the mean.</summary>
    public static uint AfterOther(uint mean, ulong magnitude) => (mean + Math.Min((uint)Math.Min(magnitude, 1 << 22) * 32, (4 * mean) + 128)) / 2;

    /// <summary>The context of the next difference.</summary>
    /// <param name="change">Group of the last change.</param>
    /// <param name="same">Equal rows since.</param>
    /// <param name="level">Of the column.</param>
    public static int Next(int change, int same, int level) => Difference + (((same == 0 ? 0 : Groups) + change) * Levels) + level;

    /// <summary>The context of the difference that ends a run.</summary>
    public static int BehindRun(int change, int run) => AfterRun + (change * RunLengths) + Math.Min(RunLengths - 1, 32 - BitOperations.LeadingZeroCount((uint)run));

    public static ulong Magnitude(long value) => value < 0 ? 0 - (ulong)value : (ulong)value;
}
