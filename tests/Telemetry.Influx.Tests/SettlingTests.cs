using System.Net;
using Telemetry.Testing;

namespace Telemetry.Influx.Tests;

/// <summary>A server that forgets what it took last when it is killed (VictoriaMetrics): its answer alone moves no cursor, and what it may have forgotten is sent again.</summary>
public sealed class SettlingTests : IDisposable
{
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(15);

    private readonly TestLog _log = new();
    private readonly ScriptedServer _server = new() { Metrics = StartedAt(100) };
    private readonly ManualTime _time = new();

    public void Dispose()
    {
        _server.Dispose();
        _log.Dispose();
    }

    [Fact]
    public async Task Answer_OfAServerThatForgets_MovesTheCursorOnlyOnceItHasRunOn()
    {
        await using SinkRun run = Run();
        await TakenAsync(1);
        await AdvanceAsync(Settle - TimeSpan.FromSeconds(1));
        Assert.True(run.Sink.LagBytes > 0);
        Assert.Equal(1, _server.Questions);

        await AdvanceAsync(TimeSpan.FromSeconds(1));
        await UntilSettledAsync(run);
        Assert.Equal(["value=60", "value=61"], Values());
        Assert.Equal(2, _server.Questions);
    }

    [Fact]
    public async Task Server_StartedAnewMeanwhile_GetsEverythingBehindTheCursorAgain()
    {
        await using SinkRun run = Run();
        await TakenAsync(1);
        await AdvanceAsync(Settle);
        await UntilSettledAsync(run);
        await TakenAsync(2);
        _server.Metrics = StartedAt(101);

        await AdvanceAsync(Settle);
        await _server.UntilAsync(server => server.Taken.Count == 6);
        await UntilSettledAsync(run);

        Assert.Equal(["value=60", "value=61", "value=60", "value=61", "value=60", "value=61"], Values());
        Assert.Equal([1, 2, 2], Seconds()); // the first batch was settled, the second came again
    }

    [Fact]
    public async Task Server_AwayAndBackAsAnotherProcess_IsNoticedAtOnce()
    {
        await using SinkRun run = Run();
        await TakenAsync(1);
        _server.Answer = _ => ScriptedServer.Reply(HttpStatusCode.ServiceUnavailable);
        await _log.AppendAsync(1, 2, TestLog.Block(2000, 500, (1, [60, 61])));
        await _server.UntilAsync(server => server.Requests.Count == 2);
        (_server.Answer, _server.Metrics) = (_ => ScriptedServer.Reply(HttpStatusCode.NoContent), StartedAt(101));
        _server.Forget();

        await AdvanceAsync(TimeSpan.FromMilliseconds(250));
        await _server.UntilAsync(server => server.Taken.Count == 6);
        Assert.Equal([2, 1, 2], Seconds());
    }

    [Fact]
    public async Task Server_StartedAnewWhileLinesFlow_LosesNoneOfThem()
    {
        await using SinkRun run = Run();
        for (int batch = 1; batch <= 60; batch++)
        {
            await TakenAsync(batch);
            await AdvanceAsync(TimeSpan.FromSeconds(1));
            if (batch % 7 != 0) continue;
            _server.Metrics = StartedAt(100 + batch);
            _server.Forget(); // it never ran on for as long as it takes to settle
        }

        await UntilSettledAsync(run);
        Assert.Equal(Enumerable.Range(1, 60), Seconds().Distinct().Order());
    }

    [Fact]
    public async Task Server_KnownOnlyAfterItTookLines_GetsThemAgainIfItForgets()
    {
        _server.Metrics = ""; // 502: who is behind it?
        await using SinkRun run = Run();
        await TakenAsync(1);
        Assert.True(run.Sink.LagBytes > 0);
        _server.Metrics = StartedAt(100);

        await AdvanceAsync(TimeSpan.FromSeconds(1));
        await _server.UntilAsync(server => server.Taken.Count == 4);
        await UntilSettledAsync(run);
        Assert.Equal([1, 1], Seconds());
    }

    [Fact]
    public async Task Server_KnownOnlyAfterItTookLines_IsTakenAtItsWordIfItIsAnInfluxDb()
    {
        _server.Metrics = "";
        await using SinkRun run = Run();
        await TakenAsync(1);
        _server.Metrics = null;

        await AdvanceAsync(TimeSpan.FromSeconds(1));
        await UntilSettledAsync(run);
        Assert.Equal(2, _server.Taken.Count);
    }

    [Fact]
    public async Task SettleTime_Zero_TakesEveryServerAtItsWord()
    {
        await using SinkRun run = Run(TimeSpan.Zero);
        await TakenAsync(1);
        await UntilSettledAsync(run);
        Assert.Equal(0, _server.Questions);
    }

    [Fact]
    public async Task Stop_BeforeItIsSettled_LeavesItToTheNextStart()
    {
        await using (SinkRun run = Run())
        {
            await TakenAsync(1);
            await run.StopAsync();
            Assert.True(run.Sink.LagBytes > 0);
        }

        _log.Reopen();
        await using SinkRun next = Run();
        await _server.UntilAsync(server => server.Taken.Count == 4);
        Assert.Equal([1, 1], Seconds());
    }

    private static string StartedAt(int second) => $"vm_app_version{{version=\"victoria-metrics\"}} 1\nvm_app_start_timestamp {second}\nvm_app_uptime_seconds 5\n";

    private SinkRun Run(TimeSpan? settle = null) =>
        new(_log, new InfluxOptions { Url = new Uri("http://127.0.0.1:1"), FlushInterval = TimeSpan.Zero, RefusedFolder = _log.RefusedFolder, SettleTime = settle ?? Settle, RequestTimeout = TimeSpan.FromMinutes(10) }, _time, _server);

    // Appends a batch of two rows in a second of its own and waits until the server has it.
    private async Task TakenAsync(int batch)
    {
        await _log.AppendAsync(1, (ulong)batch, TestLog.Block(batch * 1000, 500, (1, [60, 61])));
        await _server.UntilAsync(server => server.Taken.Any(line => line.EndsWith($"{(TestLog.BootUnixMs / 1000) + batch}500000000", StringComparison.Ordinal)));
    }

    private async Task AdvanceAsync(TimeSpan by)
    {
        await SinkWaitsAsync();
        _time.Advance(by);
    }

    private async Task UntilSettledAsync(SinkRun run)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(30));
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(1));
        Task waits = SinkWaitsAsync();
        while (run.Sink.LagBytes > 0)
        {
            await look.WaitForNextTickAsync(limit.Token);
            if (!waits.IsCompleted) continue;
            _time.Advance(TimeSpan.FromSeconds(1));
            waits = SinkWaitsAsync();
        }
    }

    // Never moves time on beneath a request: those have a longer limit.
    private Task SinkWaitsAsync() => _time.TimerAsync(delay => delay <= Settle);

    private List<string> Values() => [.. _server.Taken.Select(line => line.Split(' ')[1])];

    // Seconds since the boot of every first row that was taken, in order.
    private List<int> Seconds() =>
        [.. _server.Taken.Select(line => long.Parse(line.Split(' ')[^1]) / 1_000_000 - TestLog.BootUnixMs).Where(ms => ms % 1000 == 0).Select(ms => (int)(ms / 1000))];
}
