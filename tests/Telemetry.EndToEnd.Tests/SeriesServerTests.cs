using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Telemetry.Influx.Tests;
using Telemetry.Testing;

namespace Telemetry.EndToEnd.Tests;

/// <summary>A month of twenty recorded people through the real SDK, the collector and its sink: real series servers hold every stored sample.</summary>
public sealed class SeriesServerTests
{
    [RealPartFact("influxd", "data:fitabase")]
    public async Task Replay_IntoInfluxDb_HoldsEveryStoredSample()
    {
        await using RealInflux influx = new();
        await influx.StartAsync();
        await using CollectorProcess collector = await CollectorProcess.StartAsync("--influx", influx.Url.ToString());
        Dictionary<(string Device, string Signal), long> stored = await ReplayAsync(collector);

        Assert.Equal(stored.OrderBy(entry => entry.Key), (await CountsAsync(influx, stored)).OrderBy(entry => entry.Key));

        // One person's heart rates, value by value and time by time.
        (string someone, _) = stored.Keys.First(key => key.Signal == "heart_rate");
        List<(long, double)> rows = [.. (await influx.QueryAsync($"SELECT \"value\" FROM \"heart_rate\" WHERE \"device\" = '{someone}'"))
            .Select(row => (row["time"].GetInt64() / 1_000_000, row["value"].GetDouble()))];
        Assert.Equal(await HeartRatesAsync(collector, someone), rows);
    }

    [RealPartFact("victoria-metrics", "data:fitabase")]
    public async Task Replay_IntoVictoriaMetricsByV2_HoldsEveryStoredSample()
    {
        await using RealVictoria victoria = new();
        await victoria.StartAsync();
        using TempFolder folder = new();
        await File.WriteAllTextAsync(folder["config.json"], """{"influxSettleSeconds": 0}"""); // nobody is killed here
        await using CollectorProcess collector = await CollectorProcess.StartAsync("--influx", victoria.Url.ToString(), "--influx-api", "v2", "--config", folder["config.json"]);
        Dictionary<(string Device, string Signal), long> stored = await ReplayAsync(collector);

        Assert.Equal(stored.OrderBy(entry => entry.Key), (await CountsAsync(victoria, stored)).OrderBy(entry => entry.Key));
    }

    // Kill -9 of the server amid an entry of its write-ahead log, then of the collector, then of both at once, while a fleet sends and the sink writes: each time as soon as the sink has come
    // further. Behind the torn entry the server loses, at the second kill, what it took since the first: the sink must have sent it again.
    [RealPartFact("influxd")]
    public async Task Simulate_CollectorAndInfluxDbKilled_ServerHoldsEveryStoredSample()
    {
        await using RealInflux influx = new();
        await influx.StartAsync();
        await using CollectorProcess collector = await CollectorProcess.StartAsync("--influx", influx.Url.ToString());
        Task<string> fleet = collector.TelemetryAsync("simulate", "--to", $"mqtt://127.0.0.1:{collector.MqttPort}", "--devices", "4", "--hours", "24", "--seed", "5", "--json");

        long reached = await SinkPassesAsync(collector, 0);
        await influx.KillAsync();
        influx.TearLogs();
        await influx.StartAsync();
        reached = await SinkPassesAsync(collector, reached);
        await collector.KillAsync();
        await collector.StartAgainAsync();
        await SinkPassesAsync(collector, reached - 1);
        await Task.WhenAll(collector.KillAsync(), influx.KillAsync());
        await influx.StartAsync();
        await collector.StartAgainAsync();

        using JsonDocument summary = JsonDocument.Parse(await fleet);
        Assert.Equal(0, summary.RootElement.GetProperty("samplesLost").GetInt64());
        List<StoredSample> stored = await StoredSamples.OfLogAsync(collector);
        Assert.True(stored.Count > 20_000);
        Assert.Equal(stored, await StoredSamples.OfAsync(influx, stored.Select(sample => sample.Signal).Distinct()));
    }

    // The same with a server that forgets its last seconds when it is killed, and with a faulty proxy before it that is killed first. The sink's place trails by those seconds, so it is the
    // lines that tell when to kill.
    [RealPartFact("victoria-metrics")]
    public async Task Simulate_ProxyCollectorAndVictoriaMetricsKilled_ServerHoldsEveryStoredSample()
    {
        await using RealVictoria victoria = new();
        await victoria.StartAsync();
        await using ProxyProcess proxy = new(victoria.Url);
        await proxy.StartAsync("seed:210");
        using TempFolder folder = new();
        await File.WriteAllTextAsync(folder["config.json"], """{"influxSettleSeconds": 13}""");
        await using CollectorProcess collector = await CollectorProcess.StartAsync("--influx", proxy.Url.ToString(), "--config", folder["config.json"]);
        Task<string> fleet = collector.TelemetryAsync("simulate", "--to", $"mqtt://127.0.0.1:{collector.MqttPort}", "--devices", "4", "--hours", "24", "--seed", "6", "--json");

        await proxy.HeldAsync();
        await proxy.KillAsync();
        await proxy.StartAsync("none");
        await SinkWritesAsync(collector, 1_000);
        await victoria.KillAsync();
        await victoria.StartAsync();
        await SinkWritesAsync(collector, 5_000);
        await collector.KillAsync();
        await collector.StartAgainAsync();
        await SinkWritesAsync(collector, 5_000);
        await Task.WhenAll(collector.KillAsync(), victoria.KillAsync());
        await victoria.StartAsync();
        await collector.StartAgainAsync();

        using JsonDocument summary = JsonDocument.Parse(await fleet);
        Assert.Equal(0, summary.RootElement.GetProperty("samplesLost").GetInt64());
        List<StoredSample> stored = await StoredSamples.OfLogAsync(collector);
        Assert.True(stored.Count > 20_000);
        await victoria.KillAsync(); // what the sink calls kept is on the disk
        await victoria.StartAsync();
        Assert.Equal(stored, await StoredSamples.OfAsync(victoria, stored.Select(sample => sample.Signal).Distinct()));
    }

    [RealPartFact("influxd")]
    public async Task Up_WithAMeasurementAModelAndHashedDevices_WritesRowsThatNameNoDevice()
    {
        await using RealInflux influx = new();
        await influx.StartAsync();
        using TempFolder folder = new();
        await File.WriteAllTextAsync(folder["key"], "a secret of the operator");
        await using CollectorProcess collector = await CollectorProcess.StartAsync("--influx", influx.Url.ToString(), "--influx-schema", "model", "--influx-device-key-file", folder["key"]);
        await collector.TelemetryAsync("simulate", "--to", $"mqtt://127.0.0.1:{collector.MqttPort}", "--devices", "4", "--hours", "1", "--seed", "5", "--json");
        Dictionary<(string Device, string Signal), long> stored = await StoredAsync(collector);

        var rows = await influx.QueryAsync("SELECT count(\"heart_rate\") FROM \"band-2\"");
        Assert.Equal(stored.Where(entry => entry.Key.Signal == "heart_rate").Sum(entry => entry.Value), Assert.Single(rows)["count"].GetInt64());
        string[] names = [.. (await influx.QueryAsync("SHOW TAG VALUES WITH KEY = \"device\"")).Select(row => row["value"].GetString()!).Distinct()];
        Assert.Equal(stored.Keys.Select(key => key.Device).Distinct().Count(), names.Length);
        Assert.All(names, name => Assert.Matches("^[0-9a-f]{16}$", name));
    }

    // Waits until this process of the collector has written so many lines.
    private static async Task SinkWritesAsync(CollectorProcess collector, int lines)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(3));
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(50));
        while (CollectorProcess.Metric(await collector.MetricsAsync(), "telemetry_influx_lines_total") < lines) await look.WaitForNextTickAsync(limit.Token);
    }

    // Waits until the sink's place is behind a position, or at the end of the log.
    private static async Task<long> SinkPassesAsync(CollectorProcess collector, long position)
    {
        using HttpClient http = Operator(collector);
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(3));
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(50));
        while (true)
        {
            JsonElement status = await http.GetFromJsonAsync<JsonElement>("/v1/status", limit.Token);
            long end = status.GetProperty("durablePosition").GetInt64();
            long sink = status.GetProperty("consumers").EnumerateArray().Single(consumer => consumer.GetProperty("name").GetString() == "influx").GetProperty("position").GetInt64();
            if (sink > position || (sink >= end && end > 1_000)) return sink;
            await look.WaitForNextTickAsync(limit.Token);
        }
    }

    private static async Task<Dictionary<(string Device, string Signal), long>> CountsAsync(RealInflux influx, Dictionary<(string Device, string Signal), long> stored)
    {
        Dictionary<(string Device, string Signal), long> inServer = [];
        foreach (string signal in stored.Keys.Select(key => key.Signal).Distinct())
        {
            foreach (JsonElement series in await influx.SeriesAsync($"SELECT count(\"value\") FROM \"{signal}\" GROUP BY \"device\""))
            {
                string device = series.GetProperty("tags").GetProperty("device").GetString()!;
                inServer[(device, signal)] = series.GetProperty("values")[0][1].GetInt64();
            }
        }

        return inServer;
    }

    private static async Task<Dictionary<(string Device, string Signal), long>> CountsAsync(RealVictoria victoria, Dictionary<(string Device, string Signal), long> stored)
    {
        Dictionary<(string Device, string Signal), long> inServer = [];
        foreach (string signal in stored.Keys.Select(key => key.Signal).Distinct())
        {
            foreach (var series in (await victoria.ExportAsync($"{signal}_value")).GroupBy(sample => sample.Labels["device"])) inServer[(series.Key, signal)] = series.Count();
        }

        return inServer;
    }

    private static HttpClient Operator(CollectorProcess collector)
    {
        HttpClient http = new() { BaseAddress = new Uri($"http://127.0.0.1:{collector.HttpPort}") };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", collector.OperatorToken);
        return http;
    }

    private static async Task<Dictionary<(string Device, string Signal), long>> ReplayAsync(CollectorProcess collector)
    {
        string summary = await collector.TelemetryAsync(
            "replay", "--source", "fitabase", "--path", Path.Combine(RealParts.DataFolder!, "fitabase"), "--to", $"mqtt://127.0.0.1:{collector.MqttPort}", "--json");
        using JsonDocument json = JsonDocument.Parse(summary);
        Assert.Equal(json.RootElement.GetProperty("samplesRecorded").GetInt64(), json.RootElement.GetProperty("samplesStored").GetInt64());
        return await StoredAsync(collector);
    }

    // Waits until the sink's cursor stands at the end of the log; then what the log holds.
    private static async Task<Dictionary<(string Device, string Signal), long>> StoredAsync(CollectorProcess collector)
    {
        using HttpClient http = Operator(collector);
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(3));
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(100));
        while (true)
        {
            JsonElement status = await http.GetFromJsonAsync<JsonElement>("/v1/status", limit.Token);
            long end = status.GetProperty("durablePosition").GetInt64();
            if (status.GetProperty("consumers").EnumerateArray().Single(consumer => consumer.GetProperty("name").GetString() == "influx").GetProperty("position").GetInt64() >= end) break;
            await look.WaitForNextTickAsync(limit.Token);
        }

        HttpResponseMessage answer = await http.PostAsJsonAsync("/v1/query/SampleCounts", new { }, limit.Token);
        JsonElement counts = await answer.Content.ReadFromJsonAsync<JsonElement>(limit.Token);
        return counts.GetProperty("counts").EnumerateArray().ToDictionary(
            count => (count.GetProperty("device").GetString()!, count.GetProperty("signal").GetString()!),
            count => long.Parse(count.GetProperty("samples").GetString()!));
    }

    private static async Task<List<(long UnixMs, double Value)>> HeartRatesAsync(CollectorProcess collector, string device)
    {
        string devices = await collector.TelemetryAsync("device", "list", "--json");
        using JsonDocument list = JsonDocument.Parse(devices);
        string brand = list.RootElement.GetProperty("devices").EnumerateArray().Single(entry => entry.GetProperty("device").GetString() == device).GetProperty("brand").GetString()!;
        string output = await collector.TelemetryAsync("samples", "--device", $"{brand}/{device}", "--signal", "heart_rate", "--json");
        using JsonDocument json = JsonDocument.Parse(output);
        return [.. json.RootElement.GetProperty("samples").EnumerateArray().Select(sample => (sample.GetProperty("unixMs").GetInt64(), sample.GetProperty("value").GetDouble()))];
    }
}
