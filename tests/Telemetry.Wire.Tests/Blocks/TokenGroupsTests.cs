using Telemetry.Wire.Blocks;

namespace Telemetry.Wire.Tests.Blocks;

/// <summary>The table of token groups against proto/WIRE.md read one token at a time, for every mean and every pattern of bits.</summary>
public sealed class TokenGroupsTests
{
    private const uint CodedMeans = 512;
    private const int Patterns = 1 << TokenGroups.LookupBits;

    [Fact]
    public void Small_EveryMeanPatternAndSign_IsWhatItsTokensSay()
    {
        int pairs = 0;
        for (uint mean = 0; mean < CodedMeans; mean++)
        {
            for (uint bits = 0; bits < Patterns; bits++)
            {
                TokenGroup group = TokenGroups.Entries[TokenGroups.IndexOf(mean) + (int)bits];
                if (group.Kind != GroupKind.Small) continue;
                pairs += group.Last == group.First ? 0 : 1;
                for (int sign = -1; sign <= 0; sign++) AssertEqual(group, mean, sign, bits);
            }
        }

        Assert.True(pairs > 0, "No entry holds two tokens.");
    }

    [Theory]
    [InlineData(512)]
    [InlineData(1023)]
    [InlineData(1024)]
    [InlineData(TokenGroups.MeanLimit - 1)]
    public void Entries_MeanOfRiceCoding_ListNothing(uint mean)
    {
        for (int bits = 0; bits < Patterns; bits++) Assert.Equal(GroupKind.Unlisted, TokenGroups.Entries[TokenGroups.IndexOf(mean) + bits].Kind);
    }

    private static void AssertEqual(in TokenGroup group, uint mean, int sign, uint bits)
    {
        Reader one = new() { Mean = mean, Sign = sign };
        one.Take(bits, out int firstRun);
        string where = $"mean {mean}, bits {bits:x}, sign {sign}";
        int kept = sign & group.SignMask;
        Assert.True(group.First == firstRun && group.FirstBits == one.Bits && Signed(group.FirstStep, kept) == one.Value, where);
        if (group.Last != group.First)
        {
            one.Take(bits >> one.Bits, out int secondRun);
            Assert.True(group.Last == firstRun + 1 + secondRun, where);
        }

        Assert.True(group.Bits == one.Bits && group.Bits <= TokenGroups.LookupBits, where);
        Assert.True(Signed(group.LastStep, kept) == one.Value && (kept ^ group.Turn) == one.Sign, where);
        Assert.True((mean + group.Gain) >> group.MeanShift == one.Mean, where);
    }

    private static int Signed(int step, int sign) => (step ^ sign) - sign;

    // One token at a time, as the page says it.
    private struct Reader
    {
        public uint Mean;
        public int Sign;
        public int Value;
        public int Bits;

        public void Take(uint bits, out int run)
        {
            int activityClass = CodeTables.ClassOf(Mean), taken = 0;
            run = 0;
            if (activityClass < CodeTables.RunClasses)
            {
                int runCode = CodeTables.Run(activityClass, bits);
                run = CodeTables.RunOf(runCode >> 4, bits >> (runCode & 15), out int runBits);
                taken = (runCode & 15) + runBits;
            }

            int code = CodeTables.Difference(activityClass, activityClass < CodeTables.RunClasses && run == 0, bits >> taken);
            int symbol = code >> 4, magnitude = 0;
            taken += code & 15;
            if (symbol < CodeTables.SwapSymbol)
            {
                magnitude = (symbol >> 1) + 1;
                Sign ^= (symbol & 1) != 0 ? -1 : 0;
            }
            else if (symbol != CodeTables.ZeroSymbol)
            {
                Sign = (bits >> taken & 1) != 0 ? -1 : 0;
                magnitude = CodeTables.RangeOf(symbol, bits >> (taken + 1), out int extraBits);
                taken += 1 + extraBits;
            }

            Value += Signed(magnitude, Sign);
            Mean >>= run;
            Mean = (Mean + (uint)Math.Min(32 * magnitude, (4 * (int)Mean) + 128)) / 2;
            Bits += taken;
        }
    }
}
