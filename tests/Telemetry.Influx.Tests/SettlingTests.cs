using System.Net;
using Telemetry.Influx.Delivery;
using Telemetry.Testing;

namespace Telemetry.Influx.Tests;

/// <summary>A server that forgets what it took last when it is killed (VictoriaMetrics): its answer alone moves no cursor, and what it may have forgotten is sent again.</summary>
public sealed class SettlingTests : IDisposable
{
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(15);

    private readonly TestLog _log = new();
    private readonly ScriptedServer _server = new();
    private readonly ManualTime _time = new();

    public SettlingTests() => _server.Metrics = StartedIn(100);

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
    public async Task Portal_AnsweringInItsPlace_IsNotTakenForAServerThatKeeps()
    {
        _server.Metrics = _server.Vars = static () => "<html>Welcome. Please sign in.</html>";
        await using SinkRun run = Run();
        await TakenAsync(1);
        Assert.True(run.Sink.LagBytes > 0);

        (_server.Metrics, _server.Vars) = (StartedIn(100), static () => null);
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        await _server.UntilAsync(server => server.Taken.Count == 4); // now it is known who has them, and that it was not known before
        await AdvanceAsync(Settle);
        await UntilSettledAsync(run);
    }

    [Fact]
    public async Task Portal_AnsweringForLong_IsToldOnce()
    {
        _server.Metrics = static () => "<html>Welcome. Please sign in.</html>";
        await using SinkRun run = Run();
        await TakenAsync(1);
        await UntilAsync(() => _time.GetUtcNow() - DateTimeOffset.UnixEpoch > 10 * Settle);
        Assert.Equal(1, run.Events.Count(1508));
        Assert.True(run.Sink.LagBytes > 0);

        _server.Metrics = StartedIn(100);
        await UntilSettledAsync(run);
        Assert.Equal(1, run.Events.Count(1508));
    }

    [Fact]
    public async Task Server_StartedAnewMeanwhile_GetsEverythingBehindTheCursorAgain()
    {
        await using SinkRun run = Run();
        await TakenAsync(1);
        await AdvanceAsync(Settle);
        await UntilSettledAsync(run);
        await TakenAsync(2);
        _server.Metrics = StartedIn(101);

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
        (_server.Answer, _server.Metrics) = (_ => ScriptedServer.Reply(HttpStatusCode.NoContent), StartedIn(101));
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
            _server.Metrics = StartedIn(100 + batch);
            _server.Forget(); // it never ran on for as long as it takes to settle
        }

        await UntilSettledAsync(run);
        Assert.Equal(Enumerable.Range(1, 60), Seconds().Distinct().Order());
    }

    [Fact]
    public async Task Server_KnownOnlyAfterItTookLines_GetsThemAgainIfItForgets()
    {
        _server.Metrics = () => ""; // 502: who is behind it?
        await using SinkRun run = Run();
        await TakenAsync(1);
        Assert.True(run.Sink.LagBytes > 0);
        _server.Metrics = StartedIn(100);

        await AdvanceAsync(TimeSpan.FromSeconds(1));
        await _server.UntilAsync(server => server.Taken.Count == 4);
        await UntilSettledAsync(run);
        Assert.Equal([1, 1], Seconds());
    }

    [Fact]
    public async Task Server_KnownOnlyAfterItTookLines_IsTakenAtItsWordIfItIsAnInfluxDb()
    {
        _server.Metrics = () => "";
        await using SinkRun run = Run();
        await TakenAsync(1);
        _server.Metrics = () => null;

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

    // Lived for less than a second, took lines, was killed, and the next one was there before the second was over.
    [Fact]
    public async Task Server_KilledAndBackWithinTheSecondOfItsStart_GetsEverythingAgain()
    {
        _server.Metrics = StartedIn(100, age: 0);
        await using SinkRun run = Run();
        await TakenAsync(1);
        Assert.True(run.Sink.LagBytes > 0);

        _server.Forget();
        _server.Metrics = StartedIn(100, age: 0);
        await AdvanceAsync(TimeSpan.FromSeconds(1)); // still young
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        await _server.UntilAsync(server => server.Taken.Count == 2);
        await UntilSettledAsync(run);
        Assert.Equal([1], Seconds());
    }

    // The same without a commit between: the first request holds a part of a batch, the second the rest.
    [Fact]
    public async Task Server_KilledInsideABatchWithinTheSecondOfItsStart_GetsAllOfItAgain()
    {
        _server.Metrics = StartedIn(100, age: 0);
        _server.Answer = _ =>
        {
            if (_server.Requests.Count == 1) _time.Advance(TimeSpan.FromSeconds(2)); // by now it is the next one
            return ScriptedServer.Reply(HttpStatusCode.NoContent);
        };
        await using SinkRun run = Run(linesPerRequest: 1);
        await _log.AppendAsync(1, 1, TestLog.Block(1000, 500, (1, [60, 61])));
        await _server.UntilAsync(server => server.Taken.Count == 3);
        await UntilSettledAsync(run);
        Assert.Equal(["value=60", "value=60", "value=61"], Values());
    }

    // A machine without a clock of its own begins with the same time after each power cut.
    [Fact]
    public async Task Server_WhoseClockWasSetBackToTheSameSecond_IsKnownByItsAge()
    {
        await using SinkRun run = Run();
        await TakenAsync(1);
        _server.Forget();
        _server.Metrics = StartedIn(100, age: 0);

        await AdvanceAsync(Settle);
        await _server.UntilAsync(server => server.Taken.Count == 2);
        await UntilSettledAsync(run);
        Assert.Equal([1], Seconds());
    }

    [Theory]
    [InlineData("100", 50L, 10, true)] // its page may be short by three seconds in all
    [InlineData("100", 47L, 10, true)]
    [InlineData("100", 46L, 10, false)]
    [InlineData("101", 50L, 10, false)]
    [InlineData("100", null, 10, true)] // it shows no age
    public void Process_ContinuesAnEarlierOne_WhenItsStartIsTheSameAndItGrewOlder(string start, long? age, int passed, bool continues)
    {
        ServerProcess earlier = new(ServerKind.VictoriaMetrics, "100", TimeSpan.FromSeconds(40));
        ServerProcess later = new(ServerKind.VictoriaMetrics, start, age is { } seconds ? TimeSpan.FromSeconds(seconds) : null);
        Assert.Equal(continues, later.Continues(earlier, TimeSpan.FromSeconds(passed)));
    }

    // A process that says it started in such a second, and so many seconds ago.
    private Func<string> StartedIn(int second, int age = 5)
    {
        long born = _time.GetTimestamp() - TimeSpan.FromSeconds(age).Ticks;
        return () => $"vm_app_version{{version=\"victoria-metrics\"}} 1\nvm_app_start_timestamp {second}\nvm_app_uptime_seconds {(long)_time.GetElapsedTime(born).TotalSeconds}\n";
    }

    private SinkRun Run(TimeSpan? settle = null, int linesPerRequest = 5000)
    {
        InfluxOptions options = new()
        {
            Url = new Uri("http://127.0.0.1:1"), FlushInterval = TimeSpan.Zero, RefusedFolder = _log.RefusedFolder,
            SettleTime = settle ?? Settle, RequestTimeout = TimeSpan.FromMinutes(10), MaxLinesPerRequest = linesPerRequest,
        };
        return new SinkRun(_log, options, _time, _server);
    }

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

    private Task UntilSettledAsync(SinkRun run) => UntilAsync(() => run.Sink.LagBytes == 0);

    private async Task UntilAsync(Func<bool> isSo)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(30));
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(1));
        Task waits = SinkWaitsAsync();
        while (!isSo())
        {
            await look.WaitForNextTickAsync(limit.Token);
            if (!waits.IsCompleted) continue;
            _time.Advance(TimeSpan.FromSeconds(1));
            waits = SinkWaitsAsync();
        }
    }

    // Never moves time on beneath a request: those have a longer limit.
    private Task SinkWaitsAsync() => _time.TimerAsync(delay => delay <= TimeSpan.FromMinutes(1));

    private List<string> Values() => [.. _server.Taken.Select(line => line.Split(' ')[1])];

    // Seconds since the boot of every first row that was taken, in order.
    private List<int> Seconds() =>
        [.. _server.Taken.Select(line => long.Parse(line.Split(' ')[^1]) / 1_000_000 - TestLog.BootUnixMs).Where(ms => ms % 1000 == 0).Select(ms => (int)(ms / 1000))];
}
