using Telemetry.Testing;
using Telemetry.Wire.Profiles;

namespace Telemetry.Influx.Tests;

/// <summary>The sink against servers we did not write: every sample of the log is a row there, value by value.</summary>
public sealed class RealServerTests : RealServerComparison
{
    [RealPartFact("influxd")]
    public async Task Influx_ManyBatches_HoldsEverySample()
    {
        await using RealInflux influx = new();
        await influx.StartAsync();
        List<(string Device, long Time, double Value)> expected = await AppendManyAsync();
        await using (SinkRun run = new(_log, new InfluxOptions { Url = influx.Url, MaxLinesPerRequest = 1000, Gzip = true })) await run.StopAsync();
        Assert.Equal(expected.Order(), await InfluxRowsAsync(influx, "temperature"));
    }

    [RealPartFact("influxd")]
    public async Task Influx_KilledAndStartedAgain_HoldsEverySampleOnce()
    {
        await using RealInflux influx = new();
        await influx.StartAsync();
        List<(string Device, long Time, double Value)> expected = [];
        InfluxOptions options = new() { Url = influx.Url, MaxLinesPerRequest = 50, FlushInterval = TimeSpan.Zero, FirstRetryDelay = TimeSpan.FromMilliseconds(10), LongestRetryDelay = TimeSpan.FromMilliseconds(100) };
        await using (SinkRun run = new(_log, options))
        {
            for (int round = 0; round < 3; round++)
            {
                Task<List<(string, long, double)>> appending = AppendManyAsync(firstSeq: round * 20, batches: 20);
                await influx.KillAsync();
                await influx.StartAsync();
                expected.AddRange(await appending);
            }
        }

        Assert.Equal(expected.Order(), await InfluxRowsAsync(influx, "temperature"));
    }

    // A kill in the middle of an entry: InfluxDB cuts the torn entry off at its start but writes on behind it, and at the next start cuts off everything behind the hole. What it took
    // between the two is gone then, though it was flushed before it was answered.
    [RealPartFact("influxd")]
    public async Task Influx_KilledAmidAnEntryAndKilledAgain_HoldsEverySample()
    {
        await using RealInflux influx = new();
        await influx.StartAsync();
        InfluxOptions options = new() { Url = influx.Url, FlushInterval = TimeSpan.Zero, FirstRetryDelay = TimeSpan.FromMilliseconds(10), SettleTime = TimeSpan.FromSeconds(1) };
        List<(string Device, long Time, double Value)> expected = await AppendManyAsync(batches: 20);
        await using (SinkRun run = new(_log, options))
        {
            await UntilAsync(() => run.Sink.LagBytes == 0);
            await influx.KillAsync();
            influx.TearLogs();
            await influx.StartAsync();
            expected.AddRange(await AppendManyAsync(firstSeq: 20, batches: 20));
            await UntilAsync(() => run.Sink.LagBytes == 0);
        }

        Assert.Equal(expected.Order(), await InfluxRowsAsync(influx, "temperature"));
        await influx.KillAsync();
        await influx.StartAsync();
        Assert.True((await InfluxRowsAsync(influx, "temperature")).Count() <= 2_000); // it did

        _log.Reopen();
        await using (SinkRun run = new(_log, options)) await UntilAsync(() => run.Sink.LagBytes == 0);
        Assert.Equal(expected.Order(), await InfluxRowsAsync(influx, "temperature"));
    }

    [RealPartFact("influxd")]
    public async Task Influx_KilledBehindItsFlush_GetsOnlyWhatIsNewAgain()
    {
        await using RealInflux influx = new();
        await influx.StartAsync(flushAfterSeconds: 1);
        InfluxOptions options = new() { Url = influx.Url, FlushInterval = TimeSpan.Zero, FirstRetryDelay = TimeSpan.FromMilliseconds(10), SettleTime = TimeSpan.FromSeconds(1) };
        List<(string Device, long Time, double Value)> expected = await AppendManyAsync(batches: 20);
        await using SinkRun run = new(_log, options);
        await UntilAsync(() => run.Sink.FlushedBefore == _log.Log.DurablePosition);
        string first = run.Sink.ServerProcess;
        await influx.KillAsync();
        await influx.StartAsync();
        expected.AddRange(await AppendManyAsync(firstSeq: 20, batches: 1));
        await UntilAsync(() => run.Sink.LagBytes == 0 && run.Sink.ServerProcess != first);
        Assert.Equal(expected.Order(), await InfluxRowsAsync(influx, "temperature"));
        Assert.InRange(run.Sink.Metrics.Lines, 2_100, 2_200); // the new batch may have come before the process was known
    }

    // InfluxDB answers 500 and, in memory, knows the points all the same: what is told from its disk after a restart is what counts.
    [RealPartFact("influxd")]
    public async Task Influx_DiskFullThenFreed_HoldsEverySample()
    {
        await using RealInflux influx = new();
        await influx.StartAsync();
        await PrepareAsync(influx, "first value=1 1700000000000000000");
        await influx.FillDiskAsync(fileBytes: 400_000);
        List<(string Device, long Time, double Value)> expected = await AppendManyAsync(batches: 400);
        ManualTime time = new();
        using RefusalWatch watch = new();
        InfluxOptions options = new() { Url = influx.Url, MaxLinesPerRequest = 2_000, FirstRetryDelay = TimeSpan.FromMilliseconds(1), LongestRetryDelay = TimeSpan.FromMilliseconds(5) };
        await using (SinkRun run = new(_log, options, time, watch))
        {
            Assert.Contains("file too large", await watch.Refused.WaitAsync(TimeSpan.FromSeconds(60)), StringComparison.Ordinal);
            Assert.True(run.Sink.LagBytes > 0);
            await influx.FreeDiskAsync();
            Task stopped = run.StopAsync();
            while (await Task.WhenAny(stopped, time.TimerAsync(delay => delay <= options.LongestRetryDelay)) != stopped) time.Advance(options.LongestRetryDelay);
            await stopped;
            Assert.Equal(0, run.Sink.Metrics.RefusedLines);
        }

        Assert.Equal(expected.Order(), await InfluxRowsAsync(influx, "temperature"));
    }

    [RealPartFact("influxd")]
    public async Task Influx_OneLineInAThousandBad_HoldsAllOthersAndTheFileTheBadOnes()
    {
        // A field that is text already, in the same stretch of time, refuses numbers: InfluxDB 1 answers 400 and names the conflict.
        const int Lines = 4_000, Bad = 1_000;
        await using RealInflux influx = new();
        await influx.StartAsync();
        InfluxOptions options = new() { Url = influx.Url, RefusedFolder = _log.RefusedFolder, MaxLinesPerRequest = 1_500 };
        _log.Profile = new ModelProfile("band-2", 1, TestLog.ProfileHash,
        [
            new SignalDefinition(1, "heart_rate", "/min", SignalKind.Gauge, 1, 20, 250, PrivacyClass.Health, 1000),
            new SignalDefinition(2, "mood", "1", SignalKind.Gauge, 1, 0, 1, PrivacyClass.Health, 1000),
        ]);
        await PrepareAsync(influx, "mood,device=other value=\"good\" 1700000000000000000");

        for (int i = 0; i < Lines / Bad; i++)
        {
            await _log.AppendAsync(1, (ulong)(2 * i) + 1, TestLog.HeartRates(i * Bad * 1000L, [.. Enumerable.Range(i * Bad, Bad - 1).Select(value => (long)value)]));
            await _log.AppendAsync(1, (ulong)(2 * i) + 2, TestLog.Block(((i * Bad) + Bad - 1) * 1000L, 1000, (2, [i])));
        }

        await using (SinkRun run = new(_log, options)) await run.StopAsync();

        Assert.Equal(Enumerable.Range(0, Lines).Where(i => i % Bad != Bad - 1).Select(i => (double)i), (await influx.QueryAsync("SELECT value FROM heart_rate")).Select(row => row["value"].GetDouble()));
        string[] refused = await File.ReadAllLinesAsync(Path.Combine(_log.RefusedFolder, "influx-refused.jsonl"));
        Assert.Equal(Lines / Bad, refused.Length);
        Assert.All(refused, line => Assert.True(line.Contains("mood,", StringComparison.Ordinal) && line.Contains("field type conflict", StringComparison.Ordinal), line));
    }

    [RealPartFact("influxd")]
    public async Task Influx_NamesWithEverySpecialCharacter_ComeBackEqual()
    {
        const string Model = "run, walk=jump \"2\" ☃ \\o/";
        const string Key = "héart, rate=x";
        _log.DeviceName = "de,vi ce={0}\"☃";
        _log.Profile = new ModelProfile(Model, 1, TestLog.ProfileHash, [new SignalDefinition(1, Key, "1", SignalKind.Gauge, 1, 0, 1, PrivacyClass.Device, 0)]);
        await using RealInflux influx = new();
        await influx.StartAsync();
        await _log.AppendAsync(1, 1, TestLog.HeartRates(0, 60));
        await using (SinkRun run = new(_log, new InfluxOptions { Url = influx.Url })) await run.StopAsync();
        var row = Assert.Single(await influx.QueryAsync($"SELECT * FROM \"{Key}\""));
        Assert.Equal((Model, "de,vi ce=1\"☃", 60.0), (row["model"].GetString(), row["device"].GetString(), row["value"].GetDouble()));
    }

    [RealPartFact("victoria-metrics")]
    public async Task Victoria_BothWritePaths_HoldEverySample()
    {
        await using RealVictoria victoria = new();
        await victoria.StartAsync();
        List<(string Device, long Time, double Value)> expected = await AppendManyAsync();
        await using (SinkRun v1 = new(_log, new InfluxOptions { Url = victoria.Url })) await v1.StopAsync();
        using TempFolder folder = new();
        await File.WriteAllTextAsync(folder["token"], "any");
        await using (SinkRun v2 = new(_log, new InfluxOptions { Url = victoria.Url, TokenFile = folder["token"], CursorName = "influx-v2", Precision = InfluxPrecision.Milliseconds })) await v2.StopAsync();

        foreach (string label in new[] { "db=\"telemetry\"", "db=\"\"" })
        {
            var samples = await victoria.ExportAsync($"{{__name__=\"temperature_value\",{label}}}");
            Assert.Equal(expected.Order(), samples.Select(sample => (sample.Labels["device"], sample.UnixMs * 1_000_000, sample.Value)).Order());
        }
    }

    // What VictoriaMetrics took in its last seconds is gone with kill -9: the sink notices the new process and sends it again. What the sink calls kept is on the disk.
    // It is back at once, so that its starts, on a machine with nothing else to do, fall into the same second.
    [RealPartFact("victoria-metrics")]
    public async Task Victoria_KilledAndBackAtOnceBeforeItsFlushAndKilledBehindIt_HoldsEverySample()
    {
        await using RealVictoria victoria = new();
        await victoria.StartAsync();
        InfluxOptions options = new()
        {
            Url = victoria.Url, MaxLinesPerRequest = 50, FlushInterval = TimeSpan.Zero, FirstRetryDelay = TimeSpan.FromMilliseconds(10), LongestRetryDelay = TimeSpan.FromMilliseconds(100),
            SettleTime = TimeSpan.FromSeconds(13), // 1.79.5 keeps what it took 11 s ago
        };
        List<(string Device, long Time, double Value)> expected = [];
        await using (SinkRun run = new(_log, options))
        {
            for (int round = 0; round < 3; round++)
            {
                expected.AddRange(await AppendManyAsync(firstSeq: round * 20, batches: 20));
                await UntilAsync(() => run.Sink.Metrics.Lines >= expected.Count);
                await victoria.KillAsync();
                await victoria.StartAsync();
            }

            expected.AddRange(await AppendManyAsync(firstSeq: 60, batches: 1)); // meets the new process at once
            await UntilAsync(() => run.Sink.LagBytes == 0);
        }

        await victoria.KillAsync();
        await victoria.StartAsync();
        Assert.Equal(expected.Order(), await VictoriaRowsAsync(victoria));
    }

    // Makes the database and, with one line, the shard of the tests' time.
    private static async Task PrepareAsync(RealInflux influx, string line)
    {
        using HttpClient http = new();
        await http.PostAsync(new Uri(influx.Url, "/query"), new FormUrlEncodedContent([new("q", "CREATE DATABASE telemetry")]));
        (await http.PostAsync(new Uri(influx.Url, "/write?db=telemetry"), new StringContent(line))).EnsureSuccessStatusCode();
    }

    /// <summary>Tells the words of the first answer 500.</summary>
    private sealed class RefusalWatch() : DelegatingHandler(new SocketsHttpHandler())
    {
        private readonly TaskCompletionSource<string> _refused = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> Refused => _refused.Task;

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            HttpResponseMessage response = await base.SendAsync(request, cancellationToken);
            if (response.StatusCode == System.Net.HttpStatusCode.InternalServerError) _refused.TrySetResult(await response.Content.ReadAsStringAsync(cancellationToken));
            return response;
        }
    }
}
