using Telemetry.Ingest.Sequences;

namespace Telemetry.Ingest.Tests;

/// <summary>Mark, window and gaps against a plain set of every seq ever settled.</summary>
public sealed class SeqWindowTests
{
    [Theory]
    [InlineData(1, 3)]
    [InlineData(2, 40)]
    [InlineData(3, 200)]
    [InlineData(4, 1000)]
    public void Settle_AnyOrder_NeverTakesSeenForNewOrNewForSeen(int seed, int jump)
    {
        Random random = new(seed);
        SeqEntry entry = default;
        GapList? gaps = null;
        HashSet<ulong> settled = [];
        ulong highest = 0;
        int unsure = 0;
        for (int step = 0; step < 3_000; step++)
        {
            ulong seq = random.Next(3) == 0 ? highest + (ulong)random.Next(1, jump) : (ulong)random.NextInt64(1, (long)highest + 2);
            SeqVerdict verdict = SeqWindow.Look(entry, gaps, seq);
            if (verdict == SeqVerdict.Unsure) unsure++;
            else Assert.True(settled.Contains(seq) == (verdict == SeqVerdict.Seen), $"seed {seed} step {step} seq {seq}: {verdict}");
            if (!settled.Add(seq)) continue;
            SeqWindow.Settle(ref entry, ref gaps, seq);
            highest = Math.Max(highest, seq);
            Assert.InRange(gaps?.Ranges.Count ?? 0, 0, GapList.MaxRanges);
            Assert.NotEqual(SeqVerdict.New, SeqWindow.Look(entry, gaps, seq));
        }

        // Everything that never came lies in a listed gap, and only unsure gaps hold anything that came.
        List<SeqGap> missing = [];
        SeqWindow.ListMissing(entry, gaps, missing);
        int at = 0;
        for (ulong seq = 1; seq < highest; seq++)
        {
            while (at < missing.Count && missing[at].Last < seq) at++;
            bool isListed = at < missing.Count && missing[at].First <= seq;
            Assert.True(settled.Contains(seq) ? !isListed || missing[at].IsUnsure : isListed, $"seed {seed} seq {seq}");
        }

        // The widest jumps make more gaps than are kept apart, so the unsure ones were met too.
        if (jump == 1000) Assert.NotEqual(0, unsure);
    }

    [Fact]
    public void Settle_NewestFirst_NeedsOneGapThatShrinksFromAbove()
    {
        SeqEntry entry = default;
        GapList? gaps = null;
        for (ulong seq = 1_000; seq >= 1; seq--)
        {
            Assert.Equal(SeqVerdict.New, SeqWindow.Look(entry, gaps, seq));
            SeqWindow.Settle(ref entry, ref gaps, seq);
            if (seq > 1_000 - SeqWindow.Bits) Assert.Equal([new SeqGap(1, 1_000 - SeqWindow.Bits, false)], gaps!.Ranges);
            else if (seq > 1) Assert.Equal([new SeqGap(1, seq - 1, false)], gaps!.Ranges);
        }

        Assert.Equal((1_000ul, 0ul, 0ul), (entry.Mark, entry.WindowLow, entry.WindowHigh));
        Assert.Empty(gaps!.Ranges);
    }

    [Fact]
    public void Settle_InOrder_NeedsNoWindow()
    {
        SeqEntry entry = default;
        GapList? gaps = null;
        for (ulong seq = 1; seq <= 1_000; seq++) Assert.False(SeqWindow.Settle(ref entry, ref gaps, seq));
        Assert.Equal((1_000ul, 0ul, 0ul), (entry.Mark, entry.WindowLow, entry.WindowHigh));
        Assert.Null(gaps);
    }

    [Theory]
    [InlineData(128, false)]
    [InlineData(129, true)]
    public void Settle_AtTheWindowsEdge_OpensAGapOnlyBehindIt(int ahead, bool opensGap)
    {
        SeqEntry entry = new() { Mark = 10 };
        GapList? gaps = null;
        Assert.Equal(opensGap, SeqWindow.Settle(ref entry, ref gaps, 10 + (ulong)ahead));
        Assert.Equal(SeqVerdict.New, SeqWindow.Look(entry, gaps, 11));
        Assert.Equal(SeqVerdict.Seen, SeqWindow.Look(entry, gaps, 10));
        Assert.Equal(SeqVerdict.Seen, SeqWindow.Look(entry, gaps, 10 + (ulong)ahead));
    }

    [Fact]
    public void Table_ManyDevices_StaysUnder64BytesEach()
    {
        SeqTable table = new();
        for (uint device = 1; device <= 100_000; device++)
        {
            Assert.Equal(-1, table.Find(device, 7, out int others));
            Assert.Equal(0, others);
            table.Add(device, 7);
            if (device > 10_000) Assert.InRange(table.MemoryBytes / (double)device, 48, 64);
        }

        for (uint device = 1; device <= 100_000; device++) Assert.Equal(device, table[table.Find(device, 7, out _)].DeviceKey);
        Assert.Equal(-1, table.Find(5, 8, out int epochs));
        Assert.Equal(1, epochs);
    }
}
