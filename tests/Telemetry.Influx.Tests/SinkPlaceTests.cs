using Telemetry.Influx.Delivery;
using Telemetry.Testing;

namespace Telemetry.Influx.Tests;

/// <summary>An InfluxDB 1 may lose what it took and flushed when it is killed twice: what is in none of its data files yet is sent again to another process of it.</summary>
public sealed class SinkPlaceTests : IDisposable
{
    private const string First = "2026-11-22T18:49:49.436307885Z", Second = "2026-11-22T18:49:49.436307886Z";
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(15);

    private readonly TestLog _log = new();
    private readonly ScriptedServer _server = new();
    private readonly ManualTime _time = new();

    public SinkPlaceTests() => _server.Vars = Process(First, Cache("1", bytes: 42, flushes: 0));

    public void Dispose()
    {
        _server.Dispose();
        _log.Dispose();
    }

    [Fact]
    public async Task Answer_MovesTheCursorAtOnce()
    {
        await using SinkRun run = Run();
        await TakenAsync(1);
        await UntilAsync(() => run.Sink.LagBytes == 0);
        Assert.Equal(First, run.Sink.ServerProcess);
    }

    [Fact]
    public async Task AnotherProcess_GetsEverythingAgainThatWasInNoDataFile()
    {
        await using SinkRun run = Run();
        await TakenAsync(1);
        await TakenAsync(2);
        _server.Vars = Process(Second, Cache("1", bytes: 42, flushes: 0));
        await LookAsync();
        await _server.UntilAsync(server => server.Taken.Count == 4);
        await UntilAsync(() => run.Sink.LagBytes == 0);
        Assert.Equal([1, 2, 1, 2], Batches());
        Assert.Equal(Second, run.Sink.ServerProcess);
    }

    [Fact]
    public async Task AnotherProcess_GetsNothingAgainThatWasInADataFile()
    {
        await using SinkRun run = Run();
        await TakenAsync(1);
        _server.Vars = Process(First, Cache("1", bytes: 0, flushes: 1));
        await LookAsync();
        await TakenAsync(2); // behind the look that found all of the first in data files
        _server.Vars = Process(Second, Cache("1", bytes: 42, flushes: 0));
        await LookAsync();
        await _server.UntilAsync(server => server.Taken.Count == 3);
        await UntilAsync(() => run.Sink.LagBytes == 0);
        Assert.Equal([1, 2, 2], Batches());
    }

    // A flush that was under way may have left out what came last; the one behind it has it.
    [Theory]
    [InlineData(1, new[] { 1, 1 })]
    [InlineData(2, new[] { 1 })]
    public async Task Cache_ThatNeverRunsEmpty_IsFlushedAfterTwoFlushes(int flushes, int[] taken)
    {
        await using SinkRun run = Run();
        await TakenAsync(1);
        await LookAsync();
        _server.Vars = Process(First, Cache("1", bytes: 77, flushes));
        await LookAsync();
        _server.Vars = Process(Second, Cache("1", bytes: 42, flushes: 0));
        await TakenAsync(2); // so that there is something to lose in both
        await LookAsync();
        await _server.UntilAsync(server => server.Taken.Count == taken.Length + 2);
        await UntilAsync(() => run.Sink.LagBytes == 0);
        Assert.Equal(taken.Length, Batches().Count(batch => batch == 1));
    }

    [Fact]
    public async Task Shards_DroppedOrOfAnotherDatabase_AreNotWaitedFor()
    {
        string other = Cache("9", bytes: 1, flushes: 0, database: "weather");
        _server.Vars = Process(First, Cache("1", bytes: 42, flushes: 0), other);
        await using SinkRun run = Run();
        await TakenAsync(1);
        await LookAsync();
        _server.Vars = Process(First, Cache("2", bytes: 42, flushes: 0), other); // the retention policy ended shard 1
        await LookAsync();
        await TakenAsync(2);
        _server.Vars = Process(Second, Cache("2", bytes: 42, flushes: 0));
        await LookAsync();
        await _server.UntilAsync(server => server.Taken.Count == 3);
        await UntilAsync(() => run.Sink.LagBytes == 0);
        Assert.Equal([1, 2, 2], Batches());
    }

    [Fact]
    public async Task ProcessThatShowsNoCaches_IsNeverTakenToHaveFlushed()
    {
        _server.Vars = Process(First);
        await using SinkRun run = Run();
        await TakenAsync(1);
        await LookAsync();
        await LookAsync();
        _server.Vars = Process(Second);
        await LookAsync();
        await _server.UntilAsync(server => server.Taken.Count == 2);
        Assert.Equal([1, 1], Batches());
    }

    [Theory]
    [InlineData(First, new[] { 1 })]
    [InlineData(Second, new[] { 1, 1 })]
    public async Task Collector_StartedAgain_SendsAgainOnlyToAnotherProcess(string process, int[] taken)
    {
        await using (SinkRun run = Run())
        {
            await TakenAsync(1);
            await UntilAsync(() => run.Sink.LagBytes == 0);
        }

        _log.Reopen();
        _server.Vars = () => ""; // not yet
        int asked = _server.Questions;
        await using SinkRun next = Run();
        await _server.UntilAsync(server => server.Questions > asked);
        Assert.True(next.Sink.LagBytes > 0); // who knows
        _server.Vars = Process(process, Cache("1", bytes: 42, flushes: 0));
        await UntilAsync(() => next.Sink.LagBytes == 0, advances: true);
        Assert.Equal(taken, Batches());
    }

    [Fact]
    public async Task Process_KnownOnlyAfterItTookLines_KeepsThemIfItIsTheSame()
    {
        await using (SinkRun run = Run())
        {
            await TakenAsync(1);
            await UntilAsync(() => run.Sink.LagBytes == 0);
        }

        _log.Reopen();
        _server.Vars = () => "";
        await using SinkRun next = Run();
        await TakenAsync(2);
        Assert.True(next.Sink.LagBytes > 0);
        _server.Vars = Process(First, Cache("1", bytes: 42, flushes: 0));
        await UntilAsync(() => next.Sink.LagBytes == 0, advances: true);
        Assert.Equal([1, 2], Batches());
    }

    [Fact]
    public async Task File_Damaged_SendsEverythingAgain()
    {
        await using (SinkRun run = Run())
        {
            await TakenAsync(1);
            await UntilAsync(() => run.Sink.LagBytes == 0);
        }

        File.WriteAllText(Path.Combine(_log.RefusedFolder, "influx-server.json"), "{\"Process\":\"2026");
        _log.Reopen();
        await using SinkRun next = Run();
        await UntilAsync(() => next.Sink.LagBytes == 0, advances: true);
        Assert.Equal([1, 1], Batches());
    }

    [Fact]
    public async Task ServerOfAnotherKind_GetsEverythingAgainAndIsTakenAtItsWord()
    {
        await using (SinkRun run = Run())
        {
            await TakenAsync(1);
            await UntilAsync(() => run.Sink.LagBytes == 0);
        }

        _log.Reopen();
        _server.Vars = () => null;
        await using SinkRun next = Run();
        await UntilAsync(() => next.Sink.LagBytes == 0, advances: true);
        Assert.Equal([1, 1], Batches());
        Assert.False(File.Exists(Path.Combine(_log.RefusedFolder, "influx-server.json")));
    }

    [Fact]
    public async Task Page_OfAnotherShape_IsAServerTakenAtItsWord()
    {
        foreach (string page in new[] { "{}", "[]", "<html>", "{\"system\":{\"started\":7}}", "{\"system\":{\"started\":\"now\"},\"tsm1_cache:x\":{}}" })
        {
            Assert.False(ShardCache.TryRead(System.Text.Encoding.UTF8.GetBytes(page), "telemetry", out _, out _), page);
        }

        _server.Vars = () => "[]";
        await using SinkRun run = Run();
        await TakenAsync(1);
        await UntilAsync(() => run.Sink.LagBytes == 0);
        Assert.Equal("", run.Sink.ServerProcess);
    }

    private static string Cache(string shard, long bytes, int flushes, string database = "telemetry")
    {
        string tags = $$"""{"database":"{{database}}","engine":"tsm1","id":"{{shard}}"}""";
        return $$$"""
            "tsm1_engine:/d/{{{shard}}}:{{{shard}}}": {"name":"tsm1_engine","tags":{{{tags}}},"values":{"cacheCompactions":{{{flushes}}},"cacheCompactionsActive":0}},
            "tsm1_cache:/d/{{{shard}}}:{{{shard}}}": {"name":"tsm1_cache","tags":{{{tags}}},"values":{"memBytes":{{{bytes}}},"snapshotCount":0}},
            """;
    }

    private static Func<string> Process(string started, params string[] caches) =>
        () => $$"""{"system": {"currentTime":"2026-11-22T18:50:00Z","started":"{{started}}","uptime":11}, {{string.Concat(caches)}} "cmdline": ["influxd"]}""";

    private SinkRun Run()
    {
        InfluxOptions options = new()
        {
            Url = new Uri("http://127.0.0.1:1"), FlushInterval = TimeSpan.Zero, RefusedFolder = _log.RefusedFolder, SettleTime = Look, RequestTimeout = TimeSpan.FromMinutes(10),
        };
        return new SinkRun(_log, options, _time, _server);
    }

    // Appends a batch of one row, its number the value, and waits until the server has it.
    private async Task TakenAsync(int batch)
    {
        await _log.AppendAsync(1, (ulong)batch, TestLog.HeartRates(batch * 1000, batch));
        await _server.UntilAsync(server => server.Taken.Any(line => line.Contains($"value={batch} ", StringComparison.Ordinal)));
    }

    // Lets the sink look once more who answers, and waits until it waits for the next look or has nothing to look for.
    private async Task LookAsync()
    {
        int asked = _server.Questions;
        await _time.TimerAsync(delay => delay <= Look);
        _time.Advance(Look);
        await _server.UntilAsync(server => server.Questions > asked);
    }

    private async Task UntilAsync(Func<bool> isSo, bool advances = false)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(30));
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(1));
        Task waits = _time.TimerAsync(delay => delay <= Look);
        while (!isSo())
        {
            await look.WaitForNextTickAsync(limit.Token);
            if (!advances || !waits.IsCompleted) continue;
            _time.Advance(TimeSpan.FromSeconds(1));
            waits = _time.TimerAsync(delay => delay <= Look);
        }
    }

    private List<int> Batches() => [.. _server.Taken.Select(line => int.Parse(line.Split(' ')[1]["value=".Length..]))];
}
