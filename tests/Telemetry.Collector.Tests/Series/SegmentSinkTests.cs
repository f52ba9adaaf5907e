using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Telemetry.Collector.Series;
using Telemetry.Influx;
using Telemetry.Influx.Tests;
using Telemetry.Insights;
using Telemetry.Insights.Privacy;
using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Scenarios.Segments;
using Telemetry.Testing;

namespace Telemetry.Collector.Tests.Series;

/// <summary>Segments from a real store to a scripted server, and to a real one.</summary>
public sealed class SegmentSinkTests : IDisposable
{
    private static readonly UserKey s_anna = UserKey.Parse("anna"), s_ben = UserKey.Parse("ben");
    private readonly TempFolder _folder = new();
    private readonly ScriptedServer _server = new();
    private readonly DeviceRegistry _registry;
    private readonly List<IDisposable> _opened = [];
    private InsightsStore _store;

    public SegmentSinkTests()
    {
        _registry = DeviceRegistry.Open(_folder["registry.db"], TimeProvider.System);
        _store = InsightsStore.Open(_folder["insights.db"]);
    }

    public void Dispose()
    {
        foreach (IDisposable room in _opened) room.Dispose();
        _store.Dispose();
        _registry.Dispose();
        _server.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Pass_ChangedTail_WritesThatStretchAnewAndNothingElse()
    {
        SegmentSink sink = Sink();
        Say(s_anna, 0, 60, Stay("desk", 0, 30), Stay("walk", 30, 60));
        Say(s_ben, 0, 60, Stay("rest", 0, 60));
        await sink.PassAsync(CancellationToken.None);
        Assert.Equal(["anna desk 0", "anna walk 30", "ben rest 0"], Written());

        Say(s_anna, 30, 90, Stay("walk", 30, 45), Stay("run", 45, 90));
        int before = _server.Requests.Count;
        await sink.PassAsync(CancellationToken.None);
        Assert.Equal(["anna walk 30", "anna run 45"], Written().Skip(3));
        Assert.Equal(["\"user\" = 'anna' AND time >= 1800001ms AND time < 2700000ms", "\"user\" = 'anna' AND time >= 2700001ms AND time < 5400000ms"], Deleted(before));
        Assert.Equal(_store.Revision, sink.Revision);

        before = _server.Requests.Count;
        await sink.PassAsync(CancellationToken.None);
        Assert.Equal(before, _server.Requests.Count);
    }

    [Fact]
    public async Task Pass_ServerAwayAndCollectorGone_GoesOnFromTheKeptPlace()
    {
        Say(s_anna, 0, 60, Stay("desk", 0, 60));
        await Sink().PassAsync(CancellationToken.None);
        Say(s_anna, 60, 90, Stay("walk", 60, 90));
        Say(s_ben, 0, 60, Stay("rest", 0, 60));

        // The server goes after the first of two users: the place stands, and a new collector writes both again.
        _server.Answer = request => request.Body.Contains("ben", StringComparison.Ordinal) ? throw new HttpRequestException("connection refused") : ScriptedServer.Yes(request);
        SegmentSink interrupted = Sink();
        await Assert.ThrowsAsync<HttpRequestException>(() => interrupted.PassAsync(CancellationToken.None));
        Assert.Equal(1, interrupted.Revision);
        Assert.Equal(["anna desk 0", "anna walk 60"], Written());

        _server.Answer = ScriptedServer.Yes;
        await Sink().PassAsync(CancellationToken.None);
        Assert.Equal(["anna walk 60", "ben rest 0"], Written().Skip(2));

        int before = _server.Requests.Count;
        await Sink().PassAsync(CancellationToken.None);
        Assert.Equal(before, _server.Requests.Count);
    }

    [Fact]
    public async Task Pass_StoreMadeAnew_WritesEverythingAnew()
    {
        for (int minute = 0; minute < 3; minute++) Say(s_anna, minute, minute + 1, Stay("desk", minute, minute + 1));
        await Sink().PassAsync(CancellationToken.None);
        _store.Dispose();
        _store = InsightsStore.Open(_folder["anew.db"]);
        Say(s_anna, 0, 60, Stay("walk", 0, 60));
        int before = _server.Requests.Count;
        await Sink().PassAsync(CancellationToken.None);
        Assert.Equal("anna walk 0", Written()[^1]);
        Assert.Equal(["\"user\" = 'anna' AND time >= 1ms AND time < 9223372020000ms"], Deleted(before));
    }

    // An InfluxDB 1 that was killed twice may have lost what it took in between.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Pass_AnotherProcessOfTheServer_WritesEverythingAnew(bool isCollectorNew)
    {
        string process = "first";
        SegmentSink sink = Sink(process: () => process);
        Say(s_anna, 0, 60, Stay("desk", 0, 60));
        await sink.PassAsync(CancellationToken.None);
        if (isCollectorNew) sink = Sink(process: () => process);
        await sink.PassAsync(CancellationToken.None);
        Assert.Equal(["anna desk 0"], Written());

        process = "second";
        if (isCollectorNew) sink = Sink(process: () => process);
        await sink.PassAsync(CancellationToken.None);
        await sink.PassAsync(CancellationToken.None);
        Assert.Equal(["anna desk 0", "anna desk 0"], Written());
    }

    [Fact]
    public async Task Pass_ErasedUser_NothingOfThemIsWrittenAndThePlacePassesTheErasure()
    {
        SegmentSink sink = Sink();
        Say(s_anna, 0, 60, Stay("desk", 0, 60));
        Say(s_ben, 0, 60, Stay("rest", 0, 60));
        _store.EraseUser(s_anna);
        await sink.PassAsync(CancellationToken.None);
        Assert.Equal(["ben rest 0"], Written());
        Assert.DoesNotContain(_server.Requests, request => request.Body.Contains("anna", StringComparison.Ordinal));
        Assert.Equal(3, sink.Revision);
    }

    [Fact]
    public async Task Pass_VictoriaMetrics_WritesNothingAndHoldsNoErasureUp()
    {
        _server.Metrics = static () => "vm_app_version{} 1";
        Say(s_anna, 0, 60, Stay("desk", 0, 60));
        SegmentSink sink = Sink();
        await sink.PassAsync(CancellationToken.None);
        Assert.Equal((1, 0), (_server.Questions, _server.Requests.Count));
        Assert.Equal(1, sink.Revision);
        Assert.Equal(0, Sink().Revision); // another server may come
    }

    [RealPartFact("influxd")]
    public async Task Influx_RevisionsOutageAndRestart_EndInWhatTheStoreSays()
    {
        await using RealInflux influx = new();
        await influx.StartAsync();
        SegmentSink sink = Sink(influx.Url);
        Say(s_anna, 0, 90, Stay("desk", 0, 30), Stay("walk", 30, 60), Stay("rest", 60, 90));
        Say(s_ben, 0, 60, Stay("rest", 0, 60));
        await sink.PassAsync(CancellationToken.None);
        await influx.KillAsync();
        Say(s_anna, 30, 90, Stay("run", 35, 80));
        await Assert.ThrowsAsync<HttpRequestException>(() => sink.PassAsync(CancellationToken.None));
        await influx.StartAsync();
        Say(s_anna, 80, 100, Stay("desk", 80, 100));
        await Sink(influx.Url).PassAsync(CancellationToken.None);

        IEnumerable<string> rows = (await influx.QueryAsync("SELECT \"user\", \"scenario\" FROM \"scenario\""))
            .Select(row => $"{row["user"].GetString()} {row["scenario"].GetString()} {row["time"].GetInt64() / 60_000_000_000}");
        Assert.Equal(_store.Users().SelectMany(user => _store.Segments(user, 0, 1000)).Select(row => $"{row.User.Text} {row.Segment.Scenario} {row.Segment.StartMinute}").Order(), rows.Order());
    }

    private SegmentSink Sink(Uri? server = null, Func<string>? process = null)
    {
        InsightsService insights = InsightsService.Open(_store, _registry, _folder.Path, PrivacyOptions.Default, TimeProvider.System);
        InfluxOptions options = new() { Url = server ?? new Uri("http://127.0.0.1:1"), RefusedFolder = _folder["influx"] };
        InfluxDerived derived = new(options, handler: server is null ? _server : null);
        _opened.AddRange([insights, derived]);
        return new SegmentSink(_store, insights, derived, _folder["influx"], () => 0, process ?? (() => ""), TimeProvider.System, NullLogger<SegmentSink>.Instance);
    }

    private void Say(UserKey user, int from, int to, params Segment[] segments)
    {
        using InsightsTransaction step = _store.Begin();
        step.ReplaceSegments(user, from, to, segments);
        step.Commit(_store.Cursor + 1);
    }

    /// <summary>User, scenario and start minute of each line, in the order of writing.</summary>
    private List<string> Written() =>
        [.. _server.Taken.Select(line => $"{line.Split("user=")[1].Split(' ')[0]} {line.Split('"')[1]} {long.Parse(line[(line.LastIndexOf(' ') + 1)..]) / 60_000_000_000}")];

    /// <summary>Conditions of the DELETE statements from a request on.</summary>
    private IEnumerable<string> Deleted(int firstRequest) =>
        _server.Requests.Skip(firstRequest).Where(request => request.Path.StartsWith("/query", StringComparison.Ordinal))
            .SelectMany(request => WebUtility.UrlDecode(request.Body).Split(" WHERE ").Skip(1)).Select(condition => condition.Split(';')[0]);

    private static Segment Stay(string scenario, int start, int end) => new(scenario, start, end, 0.9, [new("steps", 1)], [1], "base-1", false);
}
