using Telemetry.Testing;
using Telemetry.Wire.Profiles;

namespace Telemetry.Influx.Tests;

/// <summary>The sink against servers we did not write: every sample of the log is a row there, value by value.</summary>
public sealed class RealServerTests : IDisposable
{
    private readonly TestLog _log = new();

    public void Dispose() => _log.Dispose();

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

    private static async Task<IEnumerable<(string, long, double)>> InfluxRowsAsync(RealInflux influx, string measurement) =>
        (await influx.QueryAsync($"SELECT device, value FROM {measurement}"))
            .Select(row => (row["device"].GetString()!, row["time"].GetInt64(), row["value"].GetDouble())).Order();

    /// <summary>Temperatures in hundredths from a seeded walk, a hundred rows a batch, four devices.</summary>
    private async Task<List<(string Device, long Time, double Value)>> AppendManyAsync(int firstSeq = 0, int batches = 40)
    {
        Random random = new(5 + firstSeq);
        List<(string, long, double)> expected = [];
        for (int seq = firstSeq; seq < firstSeq + batches; seq++)
        {
            uint device = (uint)(seq % 4) + 1;
            long[] values = [.. Enumerable.Range(0, 100).Select(_ => random.NextInt64(-4000, 8500))];
            await _log.AppendAsync(device, (ulong)seq + 1, TestLog.Block(seq * 100_000, 1000, (2, values)));
            expected.AddRange(values.Select((value, row) => ($"d{device}", (TestLog.BootUnixMs + (seq * 100_000) + (row * 1000)) * 1_000_000, (double)(value / 100m))));
        }

        return expected;
    }
}
