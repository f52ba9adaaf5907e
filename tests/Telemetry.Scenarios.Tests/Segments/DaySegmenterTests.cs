using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Scenarios.Tests.Segments;

public sealed class DaySegmenterTests
{
    private const int Day = Persona.Midnight / 1440;
    private static readonly BoundModel Default = new(ModelFile.Default, FeatureCatalog.Names);

    [Fact]
    public void Segments_WorkdayFollowedByAnother_CoversEveryMinuteOnce()
    {
        SortedDictionary<int, MinuteRow> rows = Persona.Rows(1, Persona.Midnight, [.. Persona.Workday, .. Persona.Workday]);
        List<Segment> segments = Derive(rows, Day);

        Assert.Equal(Persona.Midnight, segments[0].StartMinute);
        Assert.Equal(Persona.Midnight + 1440, segments[^1].EndMinute);
        for (int i = 1; i < segments.Count; i++) Assert.Equal(segments[i - 1].EndMinute, segments[i].StartMinute);
        Assert.All(segments, segment => Assert.False(segment.IsProvisional));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Segments_WorkdayOfAllDevices_NamesNineMinutesInTenRight(int seed)
    {
        SortedDictionary<int, MinuteRow> rows = Persona.Rows(seed, Persona.Midnight, [.. Persona.Workday, .. Persona.Workday]);
        string[] named = Names(Derive(rows, Day));
        string[] truth = [.. Persona.Workday.SelectMany(stay => Enumerable.Repeat(stay.Scenario, stay.Minutes))];
        int right = truth.Zip(named).Count(pair => pair.First == pair.Second);
        Assert.True(right >= 0.9 * truth.Length, $"{right} of {truth.Length} minutes are right (seed {seed}).");
    }

    [Fact]
    public void Segments_RunBetweenTwoWalks_IsFoundWithinAMinute()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            SortedDictionary<int, MinuteRow> rows = Persona.Rows(
                seed, Persona.Midnight + 600, (ScenarioNames.Rest, 60), (ScenarioNames.Walk, 5), (ScenarioNames.Run, 6), (ScenarioNames.Walk, 5), (ScenarioNames.Rest, 60));
            Segment run = Assert.Single(Derive(rows, Day), segment => segment.Scenario == ScenarioNames.Run);
            Assert.InRange(run.StartMinute, Persona.Midnight + 664, Persona.Midnight + 666);
            Assert.InRange(run.EndMinute, Persona.Midnight + 670, Persona.Midnight + 672);
        }
    }

    [Fact]
    public void Segments_EvidenceThatTellsNothingApart_IsUnknownAndClaimsNothing()
    {
        DaySegmenter day = new(new BoundModel(ModelFile.Default, FeatureCatalog.Names), Persona.Midnight / 1440, Persona.Midnight, 0);
        for (int minute = 0; minute < 180; minute++)
        {
            MinuteRow row = new();
            row.Device(1)!.Cell(SignalSlot.Temperature).Add(2100); // a thermometer speaks, and no term of the model listens
            day.Feed(Persona.Midnight + 600 + minute, row);
        }

        Segment[] told = [.. day.Segments().Where(segment => segment.StartMinute >= Persona.Midnight + 600)];
        Assert.All(told, segment => Assert.Equal((ScenarioNames.Unknown, 0.0, 0), (segment.Scenario, segment.Confidence, segment.Evidence.Count)));
        Assert.Equal(180, told.Sum(segment => segment.Minutes));
    }

    [Fact]
    public void Segments_BandOnItsCharger_IsOffAndClaimsNothing()
    {
        SortedDictionary<int, MinuteRow> rows = Persona.Rows(4, Persona.Midnight + 600, (ScenarioNames.Walk, 60), (ScenarioNames.Off, 90), (ScenarioNames.Walk, 60));
        foreach (int minute in rows.Keys.ToArray()) rows[minute] = OnlyBand(rows[minute]);
        for (int i = 60; i < 150; i++) rows[Persona.Midnight + 600 + i] = Charging();

        Segment off = Assert.Single(Derive(rows, Day), segment => segment.Scenario == ScenarioNames.Off);
        Assert.Equal((Persona.Midnight + 660, Persona.Midnight + 750), (off.StartMinute, off.EndMinute));
        Assert.Equal(0, off.Confidence);
        Assert.Empty(off.Evidence);
    }

    [Fact]
    public void Segments_FedInPiecesWithLooksBetween_EndInTheSameBytesAsInOnePass()
    {
        SortedDictionary<int, MinuteRow> rows = Persona.Rows(7, Persona.Midnight, Persona.Workday);
        List<Segment> expected = Derive(rows, Day);

        DaySegmenter pieces = new(Default, Day, rows.Keys.First(), 0);
        Random random = new(3);
        foreach ((int minute, MinuteRow row) in rows)
        {
            pieces.Feed(minute, row);
            if (random.Next(50) == 0) Assert.NotEmpty(pieces.Copy().Segments());
        }

        pieces.PassTo(rows.Keys.Last() + 1);
        List<Segment> segments = pieces.Segments();
        Assert.Equal(expected.Count, segments.Count);
        Assert.All(expected.Zip(segments), pair => Assert.True(SegmentList.Same(pair.First, pair.Second)));
    }

    [Fact]
    public void Segments_AtTheEdge_LastFiveMinutesAreProvisional()
    {
        SortedDictionary<int, MinuteRow> rows = Persona.Rows(8, Persona.Midnight + 600, (ScenarioNames.Rest, 30), (ScenarioNames.Walk, 30));
        List<Segment> segments = Derive(rows, Day);
        Assert.Equal(ScenarioFilter.LagMinutes, segments.Where(segment => segment.IsProvisional).Sum(segment => segment.Minutes));
        Assert.True(segments[^1].IsProvisional);
    }

    [Fact]
    public void Segments_Night_NamesItsStrongestEvidenceFirst()
    {
        SortedDictionary<int, MinuteRow> rows = Persona.Rows(9, Persona.Midnight, (ScenarioNames.Sleep, 400));
        Segment sleep = Derive(rows, Day).First(segment => segment.Scenario == ScenarioNames.Sleep);
        Assert.Contains(sleep.Evidence, evidence => evidence.Feature is "bed_occupied" or "motion" && evidence.Share > 0.1);
        Assert.InRange(sleep.Evidence.Sum(evidence => Math.Abs(evidence.Share)), 0.5, 1.001);
        Assert.Equal([1u, 3u], sleep.Devices);
    }

    [Fact]
    public void Feed_MinuteThatPassed_IsRefused()
    {
        DaySegmenter segmenter = new(Default, Day, Persona.Midnight, 0);
        segmenter.Feed(Persona.Midnight + 10, new MinuteRow());
        Assert.Throws<ArgumentOutOfRangeException>(() => segmenter.Feed(Persona.Midnight + 10, new MinuteRow()));
    }

    [Fact]
    public void State_OfAUser_FitsFourKibibytes()
    {
        DaySegmenter segmenter = new(Default, Day, Persona.Midnight, 0);
        Assert.InRange(segmenter.StateBytes, 500, 4096);
    }

    // As large as the model trained on all of ExtraSensory: 95 inputs, 11 of them own-day distances, 7 scenarios of 20 steps, levelled.
    [Fact]
    public void State_OfAUserOfTheLargestTrainedModel_FitsFourKibibytes()
    {
        ScenarioModel large = ModelFile.Default with
        {
            Inputs = [.. Enumerable.Range(0, 84).Select(i => $"phone:{i}"), .. Enumerable.Range(0, 11).Select(i => $"watch:{i}.z1440")],
            Scenarios = [.. Enumerable.Range(0, 7).Select(k => new ScenarioShape($"s{k}", 0.1, k == 0 ? 2 : 3, 20))],
            Terms = [],
            Next = null,
            Usual = new UsualShares(1440, 0.5, [.. Enumerable.Repeat(0.14, 7)]),
        };
        Assert.InRange(new DaySegmenter(new BoundModel(large, FeatureCatalog.Names), Day, Persona.Midnight, 0).StateBytes, 3000, 4096);
    }

    private static List<Segment> Derive(SortedDictionary<int, MinuteRow> rows, int day)
    {
        int first = rows.Keys.First(), last = rows.Keys.Last();
        DaySegmenter segmenter = new(Default, day, first, 0);
        foreach ((int minute, MinuteRow row) in rows)
        {
            if (minute >= DaySegmenter.FirstRowOf(day) && minute <= DaySegmenter.LastRowOf(day)) segmenter.Feed(minute, row);
        }

        segmenter.PassTo(last + 1);
        return segmenter.Segments();
    }

    private static string[] Names(List<Segment> segments) => [.. segments.SelectMany(segment => Enumerable.Repeat(segment.Scenario, segment.Minutes))];

    private static MinuteRow OnlyBand(MinuteRow row)
    {
        MinuteRow band = new();
        band.Device(1)!.Merge(row.Devices[0]);
        return band;
    }

    private static MinuteRow Charging()
    {
        MinuteRow row = new();
        DeviceMinute band = row.Device(1)!;
        band.Cell(SignalSlot.HeartRate).Add(600);
        band.Cell(SignalSlot.Motion).Add(0);
        band.AddQuality(6, 0, 6, 0);
        return row;
    }
}
