using System.Numerics;

namespace Telemetry.Wire.Blocks;

/// <summary>The table of <see cref="TokenGroup"/>: by the leading zeros of the mean, which name its class, and the next <see cref="LookupBits"/> bits.</summary>
internal static class TokenGroups
{
    /// <summary>Bits a group is looked up by.</summary>
    public const int LookupBits = 10;

    /// <summary>From this mean on no entry exists. Those of 512 and more are all <see cref="GroupKind.Unlisted"/>, so that a mean that grows out of the classes ends the loop by itself.</summary>
    public const uint MeanLimit = 2048;

    /// <summary>Index of the entry for a mean below <see cref="MeanLimit"/> and no bits.</summary>
    public static int IndexOf(uint mean) => (BitOperations.LeadingZeroCount(mean) << LookupBits) - LeastIndex;

    /// <summary>The longest run of a <see cref="GroupKind.Small"/> group: rows are stored eight at a time.</summary>
    public const int MaxSmallRun = 7;

    private const int LeastIndex = LeastZeros << LookupBits;
    private const int LeastZeros = 21;   // of a mean of 1024..2047
    private const int CodedZeros = 23;   // of a mean of 256..511, class 6
    private const int MostZeros = 32;    // of a mean of 0
    private const int JumpMagnitude = 16;

    /// <summary>All entries.</summary>
    public static readonly TokenGroup[] Entries = Build();

    private static TokenGroup[] Build()
    {
        TokenGroup[] entries = new TokenGroup[(MostZeros - LeastZeros + 1) << LookupBits];
        for (int zeros = LeastZeros; zeros <= MostZeros; zeros++)
        {
            uint least = zeros == MostZeros ? 0 : 1u << (31 - zeros);
            uint most = zeros == MostZeros ? 0 : (least << 1) - 1;
            Span<TokenGroup> row = entries.AsSpan((zeros - LeastZeros) << LookupBits, 1 << LookupBits);
            for (int bits = 0; bits < row.Length; bits++)
                row[bits] = zeros < CodedZeros ? new TokenGroup { Kind = GroupKind.Unlisted } : GroupOf(least, most, (uint)bits);
        }

        return entries;
    }

    private static TokenGroup GroupOf(uint leastMean, uint mostMean, uint bits)
    {
        Token first = Read(leastMean, bits, LookupBits);
        TokenGroup group = new()
        {
            Kind = first.Kind,
            Bits = (byte)(first.Bits + first.TailBits),
            FirstBits = (byte)first.Bits,
            First = (byte)first.Run,
            Last = (byte)first.Run,
            Gain = (uint)first.Magnitude,
            SignMask = (sbyte)(first.IsAbsolute ? 0 : -1),
            Turn = Mask(first.Turns),
            ExtraMask = (byte)first.ExtraMask,
        };
        if (first.Kind != GroupKind.Small) return group;

        group = group with
        {
            Gain = GainOf(first),
            MeanShift = (byte)(first.Run + 1),
            FirstStep = (sbyte)first.Signed(first.Turns),
            LastStep = (sbyte)first.Signed(first.Turns),
        };
        uint leastNext = (leastMean + group.Gain) >> group.MeanShift;
        if (CodeTables.ClassOf(leastNext) != CodeTables.ClassOf((mostMean + group.Gain) >> group.MeanShift)) return group;
        Token second = Read(leastNext, bits >> first.Bits, LookupBits - first.Bits);
        if (second.Kind != GroupKind.Small || (second.IsAbsolute && !first.IsAbsolute)) return group;

        // (((mean + Gain) >> s) + g) >> t = (mean + Gain + (g << s)) >> (s + t)
        bool turns = second.IsAbsolute ? second.Turns : first.Turns ^ second.Turns;
        return group with
        {
            Gain = group.Gain + (GainOf(second) << group.MeanShift),
            MeanShift = (byte)(group.MeanShift + second.Run + 1),
            Bits = (byte)(first.Bits + second.Bits),
            Last = (byte)(first.Run + 1 + second.Run),
            LastStep = (sbyte)(group.LastStep + second.Signed(turns)),
            Turn = Mask(turns),
        };
    }

    // ((mean >> run) + 32 * magnitude) >> 1 = (mean + GainOf) >> (run + 1)
    private static uint GainOf(in Token token) => (uint)(32 * token.Magnitude) << token.Run;

    private static sbyte Mask(bool flag) => (sbyte)(flag ? -1 : 0);

    // The token at the front of the bits, if it lies in `room` of them. Every mean of the class is at least leastMean.
    private static Token Read(uint leastMean, uint bits, int room)
    {
        Token unlisted = new() { Kind = GroupKind.Unlisted };
        int activityClass = CodeTables.ClassOf(leastMean);
        int taken = 0, run = 0;
        if (activityClass < CodeTables.RunClasses)
        {
            int code = CodeTables.Run(activityClass, bits);
            taken = code & 15;
            if (code >> 4 == CodeTables.FullRunSymbol) return taken > room ? unlisted : new Token { Kind = GroupKind.FullRun, Bits = taken };
            run = CodeTables.RunOf(code >> 4, bits >> taken, out int runBits);
            taken += runBits;
        }

        int difference = CodeTables.Difference(activityClass, activityClass < CodeTables.RunClasses && run == 0, bits >> taken);
        taken += difference & 15;
        int symbol = difference >> 4;
        if (taken > room || symbol == CodeTables.FarSymbol) return unlisted;
        Token token = new() { Run = run, Bits = taken };
        switch (symbol)
        {
            case < CodeTables.SwapSymbol:
                return token with { Kind = run > MaxSmallRun ? GroupKind.LongRun : GroupKind.Small, Magnitude = (symbol >> 1) + 1, Turns = (symbol & 1) != 0 };
            case CodeTables.ZeroSymbol:
                return token with { Kind = GroupKind.Small };
            case CodeTables.SwapSymbol:
                return token with { Kind = GroupKind.Swap };
            case CodeTables.NearSwapSymbol:
                return token with { Kind = GroupKind.NearSwap };
        }

        int magnitude = CodeTables.RangeOf(symbol, bits >> taken >> 1, out int extraBits);
        bool isSmall = taken + 1 + extraBits <= room && run <= MaxSmallRun && magnitude < JumpMagnitude && 32 * magnitude <= (4 * (leastMean >> run)) + 128;
        if (isSmall)
        {
            bool isFalling = (bits >> taken & 1) != 0;
            return token with { Kind = GroupKind.Small, Bits = taken + 1 + extraBits, Magnitude = magnitude, IsAbsolute = true, Turns = isFalling };
        }

        return token with
        {
            Kind = GroupKind.Range,
            Magnitude = CodeTables.RangeOf(symbol, 0, out _),
            TailBits = 1 + extraBits,
            ExtraMask = (1 << extraBits) - 1,
        };
    }

    // One token; Turns is against the last sign, or against rising when IsAbsolute.
    private readonly record struct Token(
        GroupKind Kind, int Run, int Bits, int TailBits, int ExtraMask, int Magnitude, bool IsAbsolute, bool Turns)
    {
        public int Signed(bool isFalling) => isFalling ? -Magnitude : Magnitude;
    }
}
