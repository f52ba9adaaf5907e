using Telemetry.Insights.Cohorts;
using Telemetry.Insights.Releases;
using Telemetry.Registry;
using Telemetry.Scenarios.Composites;
using Telemetry.Wire.V1;
using Segment = Telemetry.Scenarios.Segments.Segment;

namespace Telemetry.Insights.Tests.Releases;

public sealed class CompositeReleaseTests
{
    private const int Home = 1, Work = 2, Other = 3;

    [Fact]
    public void Release_MinutesByComposite_AreThoseFoundForEachUser()
    {
        using World world = new();
        AddCommuters(world, 120);
        double expected = Enumerable.Range(0, 120).Sum(person => world.Service.Scenarios(new ScenariosRequest { User = $"u{person}", Composites = true })
            .Segments.Where(stay => stay.Scenario == "commute").Sum(stay => (stay.EndUnixMs - stay.StartUnixMs) / 60_000.0));

        ReleaseTable table = world.Ask("minutes", "composite", epsilon: 8, where: ["composite=commute,way_home"]);
        ReleaseRow commute = Assert.Single(table.Rows); // nobody goes home: that group is held back
        Assert.Equal(("composite", "commute", 1u, "base-1"), (Assert.Single(table.Columns), commute.Group[0], table.Suppressed, table.ModelVersion));
        Assert.Equal(120 * 5 * 30, expected);
        Assert.InRange(commute.Value, expected - (2 * commute.Error95), expected + (2 * commute.Error95));
        Assert.InRange(commute.Error95, 1, expected / 10);
    }

    [Fact]
    public void Release_CommutesByWeekday_CountsStaysAndUsers()
    {
        using World world = new(threshold: 1);
        AddCommuters(world, 100);
        ReleaseTable stays = world.Ask("segments", "weekday", epsilon: 16, where: ["composite=commute"]), users = world.Ask("users", "", epsilon: 16, where: ["composite=commute"]);
        Assert.Equal(["mon", "tue", "wed", "thu", "fri"], stays.Rows.Select(row => row.Group[0]));
        Assert.All(stays.Rows, row => Assert.InRange(row.Value, 80, 120));
        Assert.InRange(Assert.Single(users.Rows).Value, 97, 103);
    }

    [Fact]
    public void Release_SameQuestion_IsPaidOnceUntilThePatternChanges()
    {
        using World world = new();
        AddCommuters(world, 100);
        ReleaseTable first = world.Ask("minutes", "composite"), again = world.Ask("minutes", "composite");
        Assert.Equal(first, again);
        Assert.Equal(998, first.EpsilonLeft);

        // Another allowed gap finds the same stays, and is another question all the same.
        world.WriteFile("composites.yaml", Commute(gap: 10));
        ReleaseTable one = world.Ask("minutes", "composite");
        world.WriteFile("composites.yaml", "# said again\n" + Commute(gap: 10));
        Assert.Equal(one, world.Ask("minutes", "composite"));
        world.WriteFile("composites.yaml", Commute(gap: 9));
        Assert.Equal((996, 994), (one.EpsilonLeft, world.Ask("minutes", "composite").EpsilonLeft));
    }

    [Fact]
    public void Release_SegmentsThatChange_MoveTheirComposites()
    {
        using World world = new(threshold: 1);
        AddCommuters(world, 100);
        Assert.InRange(Users(), 95, 105);
        for (int person = 0; person < 50; person++) world.Put($"u{person}", [.. Day(world, World.Monday).Select(part => part with { IsProvisional = true })]); // not final: not known
        for (int person = 50; person < 75; person++) world.Put($"u{person}", [.. Day(world, World.Monday).Select(part => part with { Place = Home })]); // never at work
        Assert.InRange(Users(), 20, 30);

        double Users() => Assert.Single(world.Ask("users", "composite", epsilon: 16).Rows).Value;
    }

    [Fact]
    public void Release_ToABrand_SeesCompositesItsDevicesSpokeInAndItsConsents()
    {
        using World world = new(threshold: 1);
        AddCommuters(world, 60, ConsentPurpose.Partner, "zeta");
        AddCommuters(world, 40, ConsentPurpose.Partner, "acme", first: 60);
        Assert.InRange(Assert.Single(world.Ask("users", "composite", epsilon: 16, recipient: "acme").Rows).Value, 36, 44);
        Assert.Empty(world.Ask("users", "composite", epsilon: 16, recipient: "zeta").Rows); // its shoe takes no part in a drive to work
    }

    // What the noise hides is one week of one user: nothing of it may show in what another week adds.
    [Fact]
    public void Composites_OfAWeek_DependOnThatWeekAlone()
    {
        using World world = new();
        world.AddPeople(1);
        IReadOnlyList<Composite> evenings = CompositeFile.Read("composites: [{name: evening, gap: 5, minutes: 60-, steps: [{scenario: rest, minutes: 60-}]}]");
        int sundayMidnight = World.Monday + (7 * 1440);
        List<Segment> week = [World.Stay("desk", World.Monday, sundayMidnight - 100, world.Band), World.Stay("rest", sundayMidnight - 100, sundayMidnight + 90, world.Band), World.Stay("walk", sundayMidnight + 90, sundayMidnight + 95)];
        Assert.Equal([(sundayMidnight - 100, sundayMidnight), (sundayMidnight, sundayMidnight + 90)], Found(week));
        Assert.Equal([(sundayMidnight, sundayMidnight + 90)], Found([World.Stay("rest", sundayMidnight, sundayMidnight + 90, world.Band), week[2]])); // the week before taken out
        Assert.Equal([(sundayMidnight - 100, sundayMidnight)], Found([week[0], World.Stay("rest", sundayMidnight - 100, sundayMidnight, world.Band)])); // the week behind taken out

        IEnumerable<(int, int)> Found(List<Segment> segments)
        {
            world.Put("u0", [.. segments]);
            using SegmentCache cache = new(world.Store);
            return new CompositeCache(world.Registry).Of(cache.Current(), evenings).Users.Values.Single().Segments.Select(stay => (stay.StartMinute, stay.EndMinute));
        }
    }

    [Fact]
    public void Fold_CompositesThatOverlap_AreAllCutToTheRange()
    {
        using World world = new();
        IReadOnlyList<Composite> composites = CompositeFile.Read("composites: [{name: day, gap: 240, steps: [{scenario: [walk, run]}]}, {name: running, steps: [{scenario: run}]}]");
        world.AddPeople(1);
        world.Put("u0", World.Stay("walk", World.Monday, World.Monday + 10, world.Band), World.Stay("run", World.Monday + 10, World.Monday + 20, world.Band), World.Stay("walk", World.Monday + 20, World.Monday + 100, world.Band));
        using SegmentCache cache = new(world.Store);
        SegmentColumns data = new CompositeCache(world.Registry).Of(cache.Current(), composites);
        ReleaseQuery query = ReleaseQuery.Parse(new ReleaseRequest { Measure = "minutes", GroupBy = { "composite" }, FromUnixMs = (World.Monday + 15) * 60_000L, ToUnixMs = (World.Monday + 60) * 60_000L }, 2);
        CellSpace space = new(query, data, world.Registry);
        CohortFold fold = new(query, space, new ContributionBound(space.Count, 100_000, [1000, 1000]), data, world.Registry);
        fold.Add(Assert.Single(data.Users.Values), 0, [(0, long.MaxValue)]);
        Assert.Equal([("day", 45), ("running", 5)], Enumerable.Range(0, space.Count).Select(cell => (space.Names(cell)[0], fold.Sums().Values[cell])));
    }

    [Theory]
    [InlineData("transitions", "composite", "", "minutes, users, segments or co-use")]
    [InlineData("minutes", "composite,scenario", "", "one of the two")]
    [InlineData("minutes", "composite", "scenario=walk", "one of the two")]
    [InlineData("minutes", "", "composite=commuting", "one of commute, evening_at_home, run_with_shoes, way_home")]
    public void Release_BadQuestionAboutComposites_SaysWhatIsExpected(string measure, string groupBy, string where, string text)
    {
        using World world = new();
        RegistryException refusal = Assert.Throws<RegistryException>(() => world.Ask(measure, groupBy, where: where.Length == 0 ? [] : [where]));
        Assert.Equal(RegistryError.Invalid, refusal.Error);
        Assert.Contains(text, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Release_FaultyPatterns_AreRefusedWithTheirLine()
    {
        using World world = new();
        world.WriteFile("composites.yaml", "composites:\n  - name: a\n    steps: [{place: office}]");
        Assert.Contains("Line 3", Assert.Throws<RegistryException>(() => world.Ask("minutes", "composite")).Message, StringComparison.Ordinal);
    }

    private static void AddCommuters(World world, int count, ConsentPurpose purpose = ConsentPurpose.Insights, string recipient = "", int first = 0)
    {
        world.AddPeople(count, days: 1, first, purpose, recipient);
        for (int person = first; person < first + count; person++) world.Put($"u{person}", [.. Enumerable.Range(0, 5).SelectMany(day => Day(world, World.Monday + (day * 1440)))]);
    }

    private static Segment[] Day(World world, int midnight) =>
    [
        World.Stay("sleep", midnight, midnight + 420, world.Band) with { Place = Home }, World.Stay("vehicle", midnight + 420, midnight + 450, world.Band) with { Place = Other },
        World.Stay("desk", midnight + 450, midnight + 700, world.Band) with { Place = Work }, World.Stay("off", midnight + 700, midnight + 1440) with { Confidence = 0 },
    ];

    private static string Commute(int gap) =>
        $"composites: [{{name: commute, gap: {gap}, steps: [{{place: home, outside: true}}, {{scenario: vehicle}}, {{scenario: desk, place: work, outside: true}}]}}]";
}
