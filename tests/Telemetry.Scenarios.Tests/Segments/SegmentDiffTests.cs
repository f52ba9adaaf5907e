using Telemetry.Scenarios.Segments;

namespace Telemetry.Scenarios.Tests.Segments;

public sealed class SegmentDiffTests
{
    [Fact]
    public void Of_TwoAnswers_CountsWhatACountMinuteByMinuteCounts()
    {
        string[] names = ["walk", "run", "desk", ScenarioNames.Off];
        for (int seed = 0; seed < 50; seed++)
        {
            Random random = new(seed);
            string[] before = Minutes(random, names), after = Minutes(random, names);
            int[] counted = [.. Enumerable.Range(0, before.Length).Where(minute => before[minute] != ScenarioNames.Off || after[minute] != ScenarioNames.Off)];
            (string, string, int)[] expected = [.. counted.Where(minute => before[minute] != after[minute]).GroupBy(minute => (before[minute], after[minute]))
                .Select(pair => (pair.Key.Item1, pair.Key.Item2, pair.Count())).OrderBy(pair => pair.Item1, StringComparer.Ordinal).ThenBy(pair => pair.Item2, StringComparer.Ordinal)];

            SegmentDiff diff = SegmentDiff.Of(Stays(before), Stays(after));
            Assert.Equal(counted.Length, diff.Minutes);
            Assert.Equal(
                expected,
                diff.Changes.Select(change => (change.Before, change.After, change.Minutes)).OrderBy(change => change.Before, StringComparer.Ordinal).ThenBy(change => change.After, StringComparer.Ordinal));
            Assert.True(diff.Changes.Zip(diff.Changes.Skip(1)).All(pair => pair.First.Minutes >= pair.Second.Minutes), "The most minutes come first.");
        }
    }

    [Fact]
    public void Of_MinutesOnlyOneCovers_AreNotCompared()
    {
        SegmentDiff diff = SegmentDiff.Of([Stay("walk", 0, 10)], [Stay("run", 8, 30)]);
        Assert.Equal((2, 2), (diff.Minutes, diff.ChangedMinutes));
    }

    [Fact]
    public void Sum_OfDays_AddsUpPairByPair()
    {
        SegmentDiff sum = SegmentDiff.Sum([new(60, [new("walk", "run", 5)]), new(40, [new("desk", "run", 9), new("walk", "run", 7)])]);
        Assert.Equal(100, sum.Minutes);
        Assert.Equal([new SegmentChange("walk", "run", 12), new SegmentChange("desk", "run", 9)], sum.Changes);
    }

    private static string[] Minutes(Random random, string[] names)
    {
        List<string> minutes = [];
        while (minutes.Count < 200) minutes.AddRange(Enumerable.Repeat(names[random.Next(names.Length)], random.Next(1, 30)));
        return [.. minutes.Take(200)];
    }

    private static List<Segment> Stays(string[] minutes)
    {
        List<Segment> stays = [];
        for (int from = 0, to; from < minutes.Length; from = to)
        {
            for (to = from + 1; to < minutes.Length && minutes[to] == minutes[from]; to++) continue;
            stays.Add(Stay(minutes[from], from, to));
        }

        return stays;
    }

    private static Segment Stay(string scenario, int from, int to) => new(scenario, from, to, 0.9, [], [], "m", false);
}
