using InfluxDB.Client;
using InfluxDB.Client.Api.Domain;
using InfluxDB.Client.Writes;
using MQTTnet;
using MQTTnet.Protocol;
using Telemetry.EndToEnd.Tests;
using Telemetry.Influx.Tests;
using Telemetry.Testing;

namespace Telemetry.PackagePeers.Tests;

/// <summary>
/// InfluxDB.Client as the second opinion on our sink: what it writes of the same samples must be the same series.
/// It reads by Flux alone, which neither server of these tests speaks, so the server's own export is what is compared.
/// </summary>
public sealed class InfluxDbClientTests
{
    private const long Noon = 1_767_268_800_000; // 2026-01-01 12:00 UTC

    [RealPartFact("victoria-metrics")]
    public async Task SameSamples_FromOurSinkAndTheirClient_AreTheSameSeries()
    {
        await using RealVictoria victoria = new();
        await victoria.StartAsync();
        await using CollectorProcess collector = await CollectorProcess.StartAsync("--influx", victoria.Url.ToString(), "--influx-api", "v2");
        string secret = await collector.AddDeviceAsync("acme", "ours");
        await SubmitAsync(collector, secret, PeerBatches.HeartRates(0xC0FFEE, 1, Noon, 60, 61, 63));
        List<(string Labels, long UnixMs, double Value)> ours = await SeriesAsync(victoria, "ours", expected: 3);

        using (InfluxDBClient client = new(new InfluxDBClientOptions(victoria.Url.ToString()) { Org = "telemetry", Bucket = "telemetry" }))
        {
            await client.GetWriteApiAsync().WritePointsAsync(ours.ConvertAll(sample => PointData.Measurement("heart_rate")
                .Tag("brand", "acme").Tag("device", "theirs").Tag("model", "peer")
                .Field("value", sample.Value).Timestamp(sample.UnixMs, WritePrecision.Ms)));
        }

        Assert.Equal([60, 61, 63], ours.Select(sample => sample.Value));
        Assert.Equal(ours, await SeriesAsync(victoria, "theirs", expected: 3));
    }

    private static async Task SubmitAsync(CollectorProcess collector, string secret, byte[] batch)
    {
        using IMqttClient client = new MqttClientFactory().CreateMqttClient();
        await client.ConnectAsync(new MqttClientOptionsBuilder().WithTcpServer("127.0.0.1", collector.MqttPort).WithCredentials("acme/ours", secret).Build());
        Assert.True((await client.PublishBinaryAsync("t1/acme/ours/up", batch, MqttQualityOfServiceLevel.AtLeastOnce)).IsSuccess);
    }

    /// <summary>A device's heart rates in time order, each with its labels but the device, as soon as the server shows as many as expected.</summary>
    private static async Task<List<(string Labels, long UnixMs, double Value)>> SeriesAsync(RealVictoria victoria, string device, int expected)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(60));
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(100));
        while (true)
        {
            var samples = await victoria.ExportAsync($"heart_rate_value{{device=\"{device}\"}}");
            if (samples.Count >= expected)
            {
                return [.. samples.OrderBy(sample => sample.UnixMs).Select(sample => (
                    string.Join(',', sample.Labels.Where(label => label.Key != "device").OrderBy(label => label.Key, StringComparer.Ordinal)), sample.UnixMs, sample.Value))];
            }

            await look.WaitForNextTickAsync(limit.Token);
        }
    }
}
