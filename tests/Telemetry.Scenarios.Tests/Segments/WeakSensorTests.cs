using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Scenarios.Tests.Segments;

/// <summary>What one sensor that sees little is not taken for.</summary>
public sealed class WeakSensorTests
{
    private const int Hour = 60, Start = Persona.Midnight + (9 * Hour), Minutes = 90;
    private static readonly BoundModel Model = new(ModelFile.Default, FeatureCatalog.Names);

    [Theory]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(14)]
    [InlineData(19)]
    public void Segments_StillBedroomAlone_IsUnknownAtEveryHour(int hour)
    {
        int start = Persona.Midnight + (hour * Hour);
        List<Segment> segments = Derive(start, (_, row) => StillBedroom(row));
        Assert.All(segments, segment => Assert.Equal(ScenarioNames.Unknown, segment.Scenario));
    }

    [Fact]
    public void Segments_ThreeMinutesOfShoeInStillBedroom_AreThoseMinutesOfWalk()
    {
        List<Segment> segments = Derive(Start, (i, row) =>
        {
            StillBedroom(row);
            if (i is >= 10 and < 13) Shoe(row, 52);
        });
        Assert.Equal([(ScenarioNames.Unknown, 10), (ScenarioNames.Walk, 3), (ScenarioNames.Unknown, Minutes - 13)], Stays(segments));
    }

    [Theory]
    [InlineData(5, ScenarioNames.Walk)] // bridged
    [InlineData(6, ScenarioNames.Unknown)] // nobody knows
    public void Segments_ShoeSilentMidWalk_IsHeldUpToFiveMinutes(int silent, string named)
    {
        List<Segment> segments = Derive(Start, (i, row) =>
        {
            StillBedroom(row);
            if (i is >= 10 and < 20 || (i >= 20 + silent && i < 30 + silent)) Shoe(row, 52);
        });
        Assert.Equal(named, NameAt(segments, Start + 22));
        Assert.Equal(ScenarioNames.Walk, NameAt(segments, Start + 15));
        Assert.Equal(ScenarioNames.Walk, NameAt(segments, Start + 25 + silent));
        Assert.Equal(ScenarioNames.Unknown, NameAt(segments, Start + 31 + silent));
    }

    [Fact]
    public void Segments_ShoeSilentAtTheEdge_WalkIsHeldWhileTheSilenceIsShortAndTakenBackAfter()
    {
        SortedDictionary<int, MinuteRow> rows = Rows(Start, (i, row) =>
        {
            StillBedroom(row);
            if (i is >= 10 and < 20) Shoe(row, 52);
        });
        string At(int last) => DaySegmenter.Derive(Model, Start / DaySegmenter.MinutesPerDay, [.. rows.TakeWhile(row => row.Key <= Start + last).Select(row => (row.Key, row.Value))], Start, Start + last, 0)
            .Single(segment => segment.StartMinute <= Start + 20 && Start + 20 < segment.EndMinute).Scenario;
        Assert.Equal(ScenarioNames.Walk, At(20));
        Assert.Equal(ScenarioNames.Walk, At(24));
        Assert.Equal(ScenarioNames.Unknown, At(25));
    }

    [Fact]
    public void Segments_ShoeTakenOffBandWalksOn_WalkGoesOnByTheBand()
    {
        List<Segment> segments = Derive(Start, (i, row) =>
        {
            StillBedroom(row);
            if (i is >= 10 and < 13) Shoe(row, 52);
            if (i is >= 10 and < 40) row.Device(1)!.Cell(SignalSlot.Steps).Add(108 * SlotCatalog.Of(SignalSlot.Steps).Scale);
        });
        Segment walk = Assert.Single(segments, segment => segment.Scenario == ScenarioNames.Walk);
        Assert.Equal((Start + 10, 30), (walk.StartMinute, walk.Minutes));
    }

    private static List<Segment> Derive(int start, Action<int, MinuteRow> fill) => DaySegmenter.Derive(
        Model, start / DaySegmenter.MinutesPerDay, [.. Rows(start, fill).Select(row => (row.Key, row.Value))], start, start + Minutes - 1, 0);

    private static SortedDictionary<int, MinuteRow> Rows(int start, Action<int, MinuteRow> fill)
    {
        SortedDictionary<int, MinuteRow> rows = [];
        for (int i = 0; i < Minutes; i++) fill(i, rows[start + i] = new MinuteRow());
        return rows;
    }

    // Nobody is in it; its light and air speak every minute.
    private static void StillBedroom(MinuteRow row)
    {
        DeviceMinute room = row.Device(3)!;
        room.Cell(SignalSlot.RoomMotion).Add(0);
        room.Cell(SignalSlot.Light).Add(180 * SlotCatalog.Of(SignalSlot.Light).Scale);
        room.Cell(SignalSlot.Co2).Add(600 * SlotCatalog.Of(SignalSlot.Co2).Scale);
    }

    private static void Shoe(MinuteRow row, int strikes) => row.Device(2)!.Cell(SignalSlot.FootStrikes).Add(strikes * SlotCatalog.Of(SignalSlot.FootStrikes).Scale);

    private static (string Scenario, int Minutes)[] Stays(List<Segment> segments)
    {
        List<(string Scenario, int Minutes)> stays = [];
        foreach (Segment segment in segments)
        {
            if (stays.Count > 0 && stays[^1].Scenario == segment.Scenario) stays[^1] = (segment.Scenario, stays[^1].Minutes + segment.Minutes);
            else stays.Add((segment.Scenario, segment.Minutes));
        }

        return [.. stays];
    }

    private static string NameAt(List<Segment> segments, int minute) => segments.Single(segment => segment.StartMinute <= minute && minute < segment.EndMinute).Scenario;
}
