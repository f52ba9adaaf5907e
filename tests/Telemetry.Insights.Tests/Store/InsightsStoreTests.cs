using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Scenarios.Segments;
using Telemetry.Testing;

namespace Telemetry.Insights.Tests.Store;

public sealed class InsightsStoreTests : IDisposable
{
    private static readonly UserKey s_anna = UserKey.Parse("anna");
    private readonly TempFolder _folder = new();
    private InsightsStore _store;

    public InsightsStoreTests() => _store = InsightsStore.Open(_folder.File("insights.db"));

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Commit_MovesMinutesStatesAndCursorTogether()
    {
        using (InsightsTransaction step = _store.Begin())
        {
            step.PutMinute(s_anna, 100, [1, 2, 3]);
            step.PutState("clock/7", [9], s_anna);
            step.Commit(4096);
        }

        Reopen();
        Assert.Equal(4096, _store.Cursor);
        using InsightsTransaction next = _store.Begin();
        Assert.Equal([1, 2, 3], next.GetMinute(s_anna, 100)!);
        Assert.Equal([9], next.GetState("clock/7", s_anna)!);
        Assert.Null(next.GetState("clock/7"));
        Assert.Equal("clock/7", Assert.Single(next.States("clock/", s_anna)).Name);
        Assert.Equal(100, Assert.Single(next.Minutes(s_anna, 0, 200)).Minute);
        Assert.Empty(next.Minutes(s_anna, 0, 100));
    }

    [Fact]
    public void ReplaceSegments_PlaceThatIsLearnedLater_IsAnotherRevisionOfThatSegmentOnly()
    {
        Replace(Stay("walk", 0, 10), Stay("desk", 10, 20));
        Replace(Stay("walk", 0, 10), Stay("desk", 10, 20) with { Place = 2 });
        Assert.Equal([("walk", 0, 1), ("desk", 2, 2)], _store.Segments(s_anna, 0, 100).Select(stored => (stored.Segment.Scenario, stored.Segment.Place, (int)stored.Revision)));

        void Replace(params Segment[] segments)
        {
            using InsightsTransaction step = _store.Begin();
            step.ReplaceSegments(s_anna, 0, 20, segments);
            step.Commit(_store.Cursor + 1);
        }
    }

    [Fact]
    public void Dispose_WithoutCommit_LeavesNothing()
    {
        using (InsightsTransaction step = _store.Begin())
        {
            step.PutMinute(s_anna, 100, [1]);
            step.ReplaceSegments(s_anna, 0, 10, [Stay("walk", 0, 10)]);
        }

        Assert.Equal(0, _store.Cursor);
        Assert.Empty(_store.Users());
        Assert.Empty(_store.Segments(s_anna, 0, 1000));
        using InsightsTransaction next = _store.Begin();
        Assert.Null(next.GetMinute(s_anna, 100));
    }

    [Fact]
    public void ReplaceSegments_ChangedTail_KeepsOldRevisionsAnswerable()
    {
        long first = Replace(0, 60, Stay("desk", 0, 30), Stay("walk", 30, 60));
        long second = Replace(0, 90, Stay("desk", 0, 30), Stay("walk", 30, 45), Stay("run", 45, 90));

        Assert.Equal(["desk", "walk", "run"], Names(_store.Segments(s_anna, 0, 1000)));
        Assert.Equal(["desk", "walk"], Names(_store.Segments(s_anna, 0, 1000, first)));
        Assert.Equal(60, _store.Segments(s_anna, 0, 1000, first)[1].Segment.EndMinute);
        Assert.Equal([first, second, second], _store.Segments(s_anna, 0, 1000).Select(segment => segment.Revision));
    }

    [Fact]
    public void ReplaceSegments_SameAgain_MakesNoRevision()
    {
        long first = Replace(0, 60, Stay("desk", 0, 30), Stay("walk", 30, 60));
        Assert.Equal(first, Replace(0, 60, Stay("desk", 0, 30), Stay("walk", 30, 60)));
    }

    [Fact]
    public void ChangesSince_NewAndReplacedSegments_AreInsideOneStretchAUser()
    {
        long first = Replace(0, 90, Stay("desk", 0, 30), Stay("walk", 30, 60), Stay("rest", 60, 90));
        using (InsightsTransaction step = _store.Begin())
        {
            step.ReplaceSegments(UserKey.Parse("ben"), 0, 10, [Stay("run", 0, 10)]);
            step.Commit(_store.Cursor + 1);
        }

        Assert.Equal([new(s_anna, 0, 90), new(UserKey.Parse("ben"), 0, 10)], _store.ChangesSince(0));
        Assert.Equal([new(UserKey.Parse("ben"), 0, 10)], _store.ChangesSince(first));
        long second = _store.Revision;
        Replace(30, 60); // nothing in its place: only what went tells of it
        Assert.Equal([new(s_anna, 30, 60)], _store.ChangesSince(second));
        _store.EraseUser(s_anna);
        Assert.Empty(_store.ChangesSince(second));
    }

    [Fact]
    public void Segments_RoundTrip_KeepsEverythingSaid()
    {
        Segment said = new("walk", 30, 60, 0.875, [new("cadence", 0.7), new("heart_rate", -0.1)], [3, 70_000], "base-1", true);
        Replace(30, 60, said);

        Segment read = Assert.Single(_store.Segments(s_anna, 59, 60)).Segment;
        Assert.Equal(said.Evidence, read.Evidence);
        Assert.Equal(said.Devices, read.Devices);
        Assert.Equal(said with { Evidence = read.Evidence, Devices = read.Devices }, read);
        Assert.Empty(_store.Segments(s_anna, 60, 90));
    }

    [Fact]
    public void ReplaceSegments_OverTheEdgeOfAPresentOne_IsRefused()
    {
        Replace(0, 60, Stay("desk", 0, 60));
        using InsightsTransaction step = _store.Begin();
        Assert.Throws<ArgumentException>(() => step.ReplaceSegments(s_anna, 30, 60, [Stay("walk", 30, 60)]));
        Assert.Throws<ArgumentException>(() => step.ReplaceSegments(s_anna, 0, 60, [Stay("walk", 0, 40), Stay("run", 30, 60)]));
    }

    [Fact]
    public void Commit_CursorStepsBack_IsRefused()
    {
        using (InsightsTransaction step = _store.Begin()) step.Commit(100);
        using InsightsTransaction back = _store.Begin();
        Assert.Throws<ArgumentOutOfRangeException>(() => back.Commit(99));
    }

    private long Replace(int from, int to, params Segment[] segments)
    {
        using InsightsTransaction step = _store.Begin();
        step.ReplaceSegments(s_anna, from, to, segments);
        return step.Commit(_store.Cursor + 1);
    }

    private void Reopen()
    {
        _store.Dispose();
        _store = InsightsStore.Open(_folder.File("insights.db"));
    }

    private static Segment Stay(string scenario, int start, int end) => new(scenario, start, end, 0.9, [new("steps", 1)], [1], "base-1", false);

    private static IEnumerable<string> Names(IEnumerable<StoredSegment> segments) => segments.Select(segment => segment.Segment.Scenario);
}
