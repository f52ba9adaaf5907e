using Telemetry.Insights.Cohorts;
using Telemetry.Insights.Releases;
using Telemetry.Wire.V1;

namespace Telemetry.Insights.Tests.Releases;

/// <summary>The fold against a slow reference that goes minute by minute and knows nothing of weeks, offsets or bounds.</summary>
public sealed class CohortFoldTests : IDisposable
{
    private const int Offset = 90; // the users' local time before UTC
    private readonly World _world = new();

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData("scenario")]
    [InlineData("scenario,hour")]
    [InlineData("weekday,hour")]
    [InlineData("brand,scenario")]
    [InlineData("day,model")]
    public void Minutes_WithoutBound_EqualTheReference(string groupBy)
    {
        (long[] found, CellSpace space) = Fold("minutes", groupBy);
        Dictionary<string, long> expected = [];
        EachMinute((minute, segment, device) =>
        {
            string group = string.Join('/', groupBy.Split(',').Select(key => key switch
            {
                "scenario" => segment.Scenario,
                "hour" => ((minute + Offset) / 60 % 24).ToString("d2", System.Globalization.CultureInfo.InvariantCulture),
                "weekday" => DateTime.UnixEpoch.AddMinutes(minute + Offset).DayOfWeek.ToString()[..3].ToLowerInvariant(),
                "day" => DateTime.UnixEpoch.AddMinutes(minute + Offset).ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture),
                "brand" => device == _world.Band ? "acme" : "zeta",
                _ => device == _world.Band ? "acme/band-2" : "zeta/shoe-1",
            }));
            expected[group] = expected.GetValueOrDefault(group) + 1;
        }, groupBy.Contains("brand", StringComparison.Ordinal) || groupBy.Contains("model", StringComparison.Ordinal));
        AssertSame(expected, found, space);
    }

    [Fact]
    public void CoUse_WithoutBound_IsTheMinutesOfBothModels()
    {
        (long[] found, CellSpace space) = Fold("co-use", "model,with");
        Dictionary<string, long> expected = [];
        EachMinute((_, segment, _) =>
        {
            if (segment.Devices.Count > 1) expected["acme/band-2/zeta/shoe-1"] = expected.GetValueOrDefault("acme/band-2/zeta/shoe-1") + 1;
        }, everyDevice: false);
        AssertSame(expected, found, space);
    }

    [Fact]
    public void Transitions_WithoutBound_AreTheChangesBetweenNeighbours()
    {
        (long[] found, CellSpace space) = Fold("transitions", "scenario,next");
        Dictionary<string, long> expected = [];
        foreach (List<Telemetry.Scenarios.Segments.Segment> days in People())
        {
            foreach ((Telemetry.Scenarios.Segments.Segment one, Telemetry.Scenarios.Segments.Segment next) in days.Zip(days.Skip(1)))
            {
                string group = $"{one.Scenario}/{next.Scenario}";
                expected[group] = expected.GetValueOrDefault(group) + 1;
            }
        }

        AssertSame(expected, found, space);
    }

    [Fact]
    public void Where_LeavesOnlyWhatItNames()
    {
        (long[] found, CellSpace space) = Fold("minutes", "scenario", "hour=7,8", "scenario=walk");
        long expected = 0;
        EachMinute((minute, segment, _) => expected += segment.Scenario == "walk" && (minute + Offset) / 60 % 24 is 7 or 8 && segment.Scenario == "walk" ? 1 : 0, everyDevice: false);
        Assert.Equal(expected, found.Sum());
        Assert.Equal("walk", Assert.Single(Enumerable.Range(0, space.Count).Where(space.IsAsked).Select(cell => space.Names(cell)[0])));
    }

    [Fact]
    public void UserWeek_BeyondTheBound_ShrinksToIt()
    {
        UserWeek week = new(4);
        week.Add(0, 900);
        week.Add(1, 90);
        week.Add(2, 300);
        week.Add(3, 10);
        week.Bound(new ContributionBound(3, 1000, [1000, 1000, 500, 1000]), isPresence: false);

        Assert.Equal([0, 1, 2], week.Touched.Take(week.Counted).Order());
        Assert.Equal(3, week.Counted); // the smallest of four does not count the user
        // 900 + 90 + 300 * 2 + 10 = 1600 weighted, so all shrink to 1000 / 1600 of themselves
        Assert.Equal((562, 56, 187, 6), (week[0], week[1], week[2], week[3]));
    }

    // Values of few kinds, so that the border falls among equal ones: there the lower numbers count, in whatever order the week touched them.
    [Fact]
    public void UserWeek_MoreGroupsThanCount_CountsTheLargestAndOfEqualOnesTheLowest()
    {
        Random random = new(6);
        for (int round = 0; round < 2_000; round++)
        {
            int cells = random.Next(2, 120), counted = random.Next(1, cells), kinds = random.Next(1, 60);
            int[] order = [.. Enumerable.Range(0, cells)];
            random.Shuffle(order);
            UserWeek week = new(cells);
            Dictionary<int, int> values = order.ToDictionary(cell => cell, _ => random.Next(1, kinds + 1));
            foreach (int cell in order) week.Add(cell, values[cell]);

            week.Bound(new ContributionBound(counted, long.MaxValue, [.. Enumerable.Repeat(1000, cells)]), isPresence: false);

            Assert.Equal(order.OrderByDescending(cell => values[cell]).ThenBy(cell => cell).Take(counted).Order(), week.Touched.Take(week.Counted).Order());
            Assert.Equal(Enumerable.Range(0, cells), week.Touched.Order());
        }
    }

    [Fact]
    public void UserWeek_Presence_CountsTheLargestOnce()
    {
        UserWeek week = new(3);
        week.Add(2, 5);
        week.Add(0, 900);
        week.Add(1, 90);
        week.Bound(new ContributionBound(2, 2, [1000, 1000, 1000]), isPresence: true);
        Assert.Equal((1, 1, 0), (week[0], week[1], week[2]));
    }

    [Fact]
    public void Consent_Intervals_CutSegments()
    {
        (SegmentColumns data, ReleaseQuery query, CellSpace space) = Data("minutes", "scenario");
        CohortFold fold = new(query, space, Unbounded(space), data, _world.Registry);
        fold.Add(data.Users.Values.First(), 0, [((World.Monday + 10) * 60_000L, (World.Monday + 20) * 60_000L), ((World.Monday + 30) * 60_000L, (World.Monday + 31) * 60_000L)]);
        Assert.Equal(11, fold.Sums().Values.Sum());
        Assert.Equal(1, fold.Sums().Users.Sum());
    }

    private (long[] Values, CellSpace Space) Fold(string measure, string groupBy, params string[] where)
    {
        (SegmentColumns data, ReleaseQuery query, CellSpace space) = Data(measure, groupBy, where);
        CohortFold fold = new(query, space, Unbounded(space), data, _world.Registry);
        foreach (UserSegments user in data.Users.Values) fold.Add(user, Offset, [(0, long.MaxValue)]);
        return (fold.Sums().Values, space);
    }

    private (SegmentColumns Data, ReleaseQuery Query, CellSpace Space) Data(string measure, string groupBy, params string[] where)
    {
        _world.AddPeople(3, days: 16);
        ReleaseQuery query = ReleaseQuery.Parse(
            new ReleaseRequest
            {
                Measure = measure, GroupBy = { groupBy }, Where = { where }, FromUnixMs = World.Monday * 60_000L, ToUnixMs = (World.Monday + 16 * 1440) * 60_000L,
            }, 2);
        using SegmentCache cache = new(_world.Store);
        SegmentColumns data = cache.Current();
        return (data, query, new CellSpace(query, data, _world.Registry));
    }

    private static ContributionBound Unbounded(CellSpace space) => new(space.Count, long.MaxValue / 2000, [.. Enumerable.Repeat(1000, space.Count)]);

    private IEnumerable<List<Telemetry.Scenarios.Segments.Segment>> People() => Enumerable.Range(0, 3).Select(person => _world.Days(person, 16));

    private void EachMinute(Action<int, Telemetry.Scenarios.Segments.Segment, uint> visit, bool everyDevice)
    {
        foreach (Telemetry.Scenarios.Segments.Segment segment in People().SelectMany(days => days))
        {
            for (int minute = segment.StartMinute; minute < segment.EndMinute; minute++)
            {
                foreach (uint device in everyDevice ? segment.Devices : [0u]) visit(minute, segment, device);
            }
        }
    }

    private static void AssertSame(Dictionary<string, long> expected, long[] found, CellSpace space) =>
        Assert.Equal(
            expected.OrderBy(pair => pair.Key, StringComparer.Ordinal),
            Enumerable.Range(0, found.Length).Where(cell => found[cell] > 0).Select(cell => KeyValuePair.Create(string.Join('/', space.Names(cell)), found[cell])).OrderBy(pair => pair.Key, StringComparer.Ordinal));
}
