using Telemetry.Scenarios.Composites;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Scenarios.Tests.Composites;

public sealed class CompositeTests
{
    private const int Monday = 20_759 * 1440; // 2026-11-02
    private const int Home = 1, Work = 2, Other = 3;
    private const uint Band = 1, Shoe = 2;

    [Fact]
    public void Find_WayFromHomeToWorkWithAStopBetween_IsACommuteWithoutItsEnds()
    {
        List<Segment> day = Day((ScenarioNames.Sleep, 420, Home), (ScenarioNames.Rest, 60, Home), (ScenarioNames.Walk, 8, Other), (ScenarioNames.Unknown, 4, Other),
            (ScenarioNames.Vehicle, 25, Other), (ScenarioNames.Walk, 5, Work), (ScenarioNames.Desk, 200, Work), (ScenarioNames.Rest, 60, Home));
        CompositeStay commute = Assert.Single(Find(day));
        Assert.Equal("commute", commute.Composite.Name);
        Assert.Equal((Monday + 480, Monday + 522), (commute.StartMinute, commute.EndMinute));
        Assert.Equal([ScenarioNames.Walk, ScenarioNames.Vehicle, ScenarioNames.Walk], commute.Segments.Select(segment => segment.Scenario));
        Assert.Equal(0.8, commute.Confidence, 3);
    }

    [Theory]
    [InlineData(480, "Saturday has no commute")] // five days later
    [InlineData(-300, "before 4 in the morning, user's time")]
    public void Find_WrongDayOrHour_IsNoCommute(int offset, string why)
    {
        int shift = offset > 0 ? 5 * 1440 : 0;
        List<Segment> day = Day((ScenarioNames.Rest, 480, Home), (ScenarioNames.Vehicle, 25, Other), (ScenarioNames.Desk, 200, Work));
        day = [.. day.Select(part => part with { StartMinute = part.StartMinute + shift, EndMinute = part.EndMinute + shift })];
        Assert.False(IsCommute(offset > 0 ? 0 : offset), why);
        Assert.Equal(offset < 0, IsCommute(0));

        bool IsCommute(int utcOffsetMinutes) => Find(day, utcOffsetMinutes).Any(stay => stay.Composite.Name == "commute");
    }

    [Fact]
    public void Find_DetourLongerThanTheGap_IsNone()
    {
        List<Segment> day = Day((ScenarioNames.Rest, 480, Home), (ScenarioNames.Vehicle, 25, Other), (ScenarioNames.Off, 11, Other), (ScenarioNames.Desk, 200, Work));
        Assert.Empty(Find(day));
    }

    [Fact]
    public void Find_RunWithAndWithoutShoes_IsFoundOnceAndOnlyWhereTheyWere()
    {
        List<Segment> day = Day((ScenarioNames.Run, 20, Other), (ScenarioNames.Walk, 2, Other), (ScenarioNames.Run, 10, Other), (ScenarioNames.Rest, 60, Home), (ScenarioNames.Run, 20, Other));
        for (int i = 0; i < 3; i++) day[i] = day[i] with { Devices = [Band, Shoe] };
        CompositeStay run = Assert.Single(Find(day));
        Assert.Equal(("run_with_shoes", Monday, Monday + 32), (run.Composite.Name, run.StartMinute, run.EndMinute));
    }

    [Fact]
    public void Find_SameSegmentsInPiecesOrWhole_OverlapNever()
    {
        IReadOnlyList<Composite> composites = CompositeFile.Read("composites: [{name: moving, gap: 5, steps: [{scenario: [walk, run]}]}]");
        List<Segment> day = [.. Enumerable.Range(0, 200).Select(i => Part(Monday + (i * 3), i % 5 == 4 ? ScenarioNames.Desk : i % 2 == 0 ? ScenarioNames.Walk : ScenarioNames.Run, 3, 0))];
        IReadOnlyList<CompositeStay> stays = CompositeMatcher.Find(composites, day, ModelOf, 0);
        Assert.InRange(stays.Count, 3, 10); // a step takes at most 64 segments
        for (int i = 1; i < stays.Count; i++) Assert.True(stays[i].StartMinute >= stays[i - 1].EndMinute);
    }

    [Theory]
    [InlineData("", "Line 1: the file is empty")]
    [InlineData("composites:\n  - name: a\n    steps: [{scenario: walk, minute: 5}]", "Line 3: key 'minute' is not known; scenario, place, device, minutes, outside are")]
    [InlineData("composites:\n  - steps: [{scenario: walk}]", "Line 2: a composite has no 'name'")]
    [InlineData("composites:\n  - name: walk\n    steps: [{scenario: walk}]", "Line 2: name 'walk' is a scenario's")]
    [InlineData("composites:\n  - name: a\n    gap: 500\n    steps: [{scenario: walk}]", "Line 3: gap is '500'; 0..240 is expected")]
    [InlineData("composites:\n  - name: a\n    steps:\n      - { place: school }", "Line 4: place 'school' is not known; home, work, other are")]
    [InlineData("composites:\n  - name: a\n    minutes: 90-5\n    steps: [{scenario: walk}]", "Line 3: minutes is '90-5'")]
    [InlineData("composites:\n  - name: a\n    starts: 25:00-26:00\n    steps: [{scenario: walk}]", "Line 3: starts is '25:00-26:00'")]
    [InlineData("composites:\n  - name: a\n    steps: [{outside: true}]", "Line 2: every step of a is outside")]
    [InlineData("composites:\n  - name: a\n    steps: [{device: shoe}]", "Line 3: device is 'shoe'; brand/model is expected")]
    [InlineData("composites:\n  - name: a\n    steps: [{scenario: walk}]\n  - name: a\n    steps: [{scenario: run}]", "Two composites are called a")]
    [InlineData("composites: [", "no YAML")]
    public void Read_FaultInTheFile_IsNamedWithItsLine(string yaml, string expected)
    {
        InvalidDataException fault = Assert.Throws<InvalidDataException>(() => CompositeFile.Read(yaml));
        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
    }

    private static List<Segment> Day(params ReadOnlySpan<(string Scenario, int Minutes, int Place)> stays)
    {
        List<Segment> parts = [];
        int minute = Monday;
        foreach ((string scenario, int minutes, int place) in stays)
        {
            parts.Add(Part(minute, scenario, minutes, place));
            minute += minutes;
        }

        return parts;
    }

    private static Segment Part(int start, string scenario, int minutes, int place) =>
        new(scenario, start, start + minutes, ScenarioNames.ClaimsNothing(scenario) ? 0 : 0.8, [], [Band], "m", false) { Place = place };

    private static IReadOnlyList<CompositeStay> Find(List<Segment> day, int utcOffsetMinutes = 0) => CompositeMatcher.Find(CompositeFile.Default, day, ModelOf, utcOffsetMinutes);

    private static string ModelOf(uint device) => device == Shoe ? "stride/run-shoe-1" : "brand/band-2";
}
