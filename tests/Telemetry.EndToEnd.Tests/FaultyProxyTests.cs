using System.Text.Json;
using Telemetry.Influx.Tests;
using Telemetry.Testing;

namespace Telemetry.EndToEnd.Tests;

/// <summary>A fleet, a collector, a faulty proxy and a real series server, each a process of its own; kill -9 of each of the last three.</summary>
public sealed class FaultyProxyTests
{
    // Of seed 2 up to its first hold, of seed 360 up to its second.
    private const int RequestsThatPass = 2 + 3;

    // The proxy with a request in its hands, then the collector with one still in the proxy, from where it gets to the server late, then the proxy with the server's yes, and the server with it.
    // By these seeds there are eight other faults before and between those, and so few requests pass that the sink cannot be at its end before the last.
    [RealPartFact("influxd")]
    public async Task Simulate_ProxyCollectorAndInfluxDbKilled_ServerHoldsEveryStoredSample()
    {
        await using RealInflux influx = new();
        await influx.StartAsync();
        await using ProxyProcess proxy = new(influx.Url);
        await proxy.StartAsync("seed:2");
        await using CollectorProcess collector = await CollectorProcess.StartAsync("--influx", proxy.Url.ToString());
        Task<string> fleet = collector.TelemetryAsync("simulate", "--to", $"mqtt://127.0.0.1:{collector.MqttPort}", "--devices", "4", "--hours", "12", "--seed", "7", "--json");

        await proxy.HeldAsync();
        await proxy.KillAsync();
        await proxy.StartAsync("seed:360");
        await proxy.HeldAsync();
        await collector.KillAsync();
        await collector.StartAgainAsync();
        await proxy.HeldAsync();
        await Task.WhenAll(proxy.KillAsync(), influx.KillAsync());
        await influx.StartAsync();
        await proxy.StartAsync("none");

        using JsonDocument summary = JsonDocument.Parse(await fleet);
        Assert.Equal(0, summary.RootElement.GetProperty("samplesLost").GetInt64());
        List<StoredSample> stored = await StoredSamples.OfLogAsync(collector);
        Assert.True(stored.Count > 5_000 * RequestsThatPass);
        Assert.Equal(stored, await StoredSamples.OfAsync(influx, stored.Select(sample => sample.Signal).Distinct()));
    }
}
