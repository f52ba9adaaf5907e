using Telemetry.FaultyProxy;
using Telemetry.Testing;

namespace Telemetry.Influx.Tests;

/// <summary>The sink and a real server with the faulty proxy between them, each a process of its own: every sample of the log is a row there, value by value.</summary>
public sealed class FaultyProxyTests : RealServerComparison
{
    private static readonly Fault[] s_faults = [.. Enum.GetValues<Fault>().Where(fault => fault != Fault.None)];

    [RealPartFact("influxd")]
    public async Task Influx_BehindAProxyWithEveryFault_HoldsEverySampleOnce()
    {
        await using RealInflux influx = new();
        await influx.StartAsync();
        List<(string Device, long Time, double Value)> expected = await AppendManyAsync(batches: 30);
        await DeliverThroughEveryFaultAsync(influx.Url, seed: 41);
        Assert.Equal(expected.Order(), await InfluxRowsAsync(influx, "temperature"));
    }

    [RealPartFact("victoria-metrics")]
    public async Task Victoria_BehindAProxyWithEveryFault_HoldsEverySampleOnce()
    {
        await using RealVictoria victoria = new();
        await victoria.StartAsync();
        List<(string Device, long Time, double Value)> expected = await AppendManyAsync(batches: 30);
        await DeliverThroughEveryFaultAsync(victoria.Url, seed: 43);
        Assert.Equal(expected.Order(), await VictoriaRowsAsync(victoria));
    }

    [RealPartFact("influxd")]
    public async Task Influx_ProxyKilledBetweenRequestAndAnswer_HoldsEverySampleOnce()
    {
        await using RealInflux influx = new();
        await influx.StartAsync();
        List<(string Device, long Time, double Value)> expected = await DeliverThroughKilledProxiesAsync(influx.Url);
        Assert.Equal(expected.Order(), await InfluxRowsAsync(influx, "temperature"));
    }

    [RealPartFact("victoria-metrics")]
    public async Task Victoria_ProxyKilledBetweenRequestAndAnswer_HoldsEverySampleOnce()
    {
        await using RealVictoria victoria = new();
        await victoria.StartAsync();
        List<(string Device, long Time, double Value)> expected = await DeliverThroughKilledProxiesAsync(victoria.Url);
        Assert.Equal(expected.Order(), await VictoriaRowsAsync(victoria));
    }

    private async Task DeliverThroughEveryFaultAsync(Uri server, int seed)
    {
        await using ProxyProcess proxy = new(server);
        await proxy.StartAsync($"seed:{seed}");
        InfluxOptions options = Options(proxy);
        options.RequestTimeout = TimeSpan.FromMilliseconds(300); // what a held request or answer costs
        options.Gzip = true;
        await using (SinkRun run = new(_log, options)) await UntilAsync(() => run.Sink.LagBytes == 0);

        await proxy.KillAsync();
        Assert.Empty(s_faults.Except(proxy.Faults));
    }

    private async Task<List<(string Device, long Time, double Value)>> DeliverThroughKilledProxiesAsync(Uri server)
    {
        List<(string, long, double)> expected = [];
        await using ProxyProcess proxy = new(server);
        InfluxOptions options = Options(proxy);
        options.RequestTimeout = TimeSpan.FromMinutes(5); // only the kill ends the sink's waiting
        await using SinkRun run = new(_log, options);
        (Fault Held, int Write)[] kills = [(Fault.AnswerHeld, 3), (Fault.RequestHeld, 1), (Fault.AnswerHeld, 1), (Fault.RequestHeld, 4), (Fault.AnswerHeld, 2)];
        foreach ((Fault held, int write) in kills)
        {
            await proxy.StartAsync($"{held}:{write}");
            expected.AddRange(await AppendManyAsync(firstSeq: expected.Count / 100, batches: 8));
            await proxy.HeldAsync();
            Assert.True(run.Sink.LagBytes > 0);
            await proxy.KillAsync();
        }

        await proxy.StartAsync("none");
        await UntilAsync(() => run.Sink.LagBytes == 0);
        Assert.True(run.Sink.Metrics.Retries >= kills.Length);
        Assert.Equal(kills.Select(kill => kill.Held), proxy.Faults);
        return expected;
    }

    private static InfluxOptions Options(ProxyProcess proxy) => new()
    {
        Url = proxy.Url, MaxLinesPerRequest = 150, FlushInterval = TimeSpan.Zero, SettleTime = TimeSpan.FromSeconds(1), // no server is killed here
        FirstRetryDelay = TimeSpan.FromMilliseconds(5), LongestRetryDelay = TimeSpan.FromMilliseconds(50),
    };
}
