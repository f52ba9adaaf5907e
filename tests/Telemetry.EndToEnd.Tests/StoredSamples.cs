using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Telemetry.Influx.Tests;

namespace Telemetry.EndToEnd.Tests;

/// <summary>Every sample of a collector's log, and every row of a series server, in one form and order.</summary>
internal static class StoredSamples
{
    /// <summary>What the log holds, as its API tells it, once the sink has come to the end.</summary>
    public static async Task<List<StoredSample>> OfLogAsync(CollectorProcess collector)
    {
        using HttpClient http = new() { BaseAddress = new Uri($"http://127.0.0.1:{collector.HttpPort}") };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", collector.OperatorToken);
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(3));
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(100));
        while (!IsWritten(await http.GetFromJsonAsync<JsonElement>("/v1/status", limit.Token))) await look.WaitForNextTickAsync(limit.Token);

        HttpResponseMessage answer = await http.PostAsJsonAsync("/v1/query/SampleCounts", new { }, limit.Token);
        JsonElement counts = await answer.Content.ReadFromJsonAsync<JsonElement>(limit.Token);
        List<StoredSample> all = [];
        foreach ((string? brand, string? device) in counts.GetProperty("counts").EnumerateArray().Select(count => (count.GetProperty("brand").GetString(), count.GetProperty("device").GetString())).Distinct())
        {
            HttpResponseMessage samples = await http.PostAsJsonAsync("/v1/query/Samples", new { brand, device }, limit.Token);
            foreach (string line in (await samples.Content.ReadAsStringAsync(limit.Token)).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                JsonElement sample = JsonDocument.Parse(line).RootElement;
                all.Add(new StoredSample($"{brand}/{device}", sample.GetProperty("signal").GetString()!, sample.GetProperty("unixMs").GetInt64(), sample.GetProperty("value").GetDouble()));
            }
        }

        all.Sort();
        return all;
    }

    /// <summary>What InfluxDB holds of these signals.</summary>
    public static async Task<List<StoredSample>> OfAsync(RealInflux influx, IEnumerable<string> signals)
    {
        List<StoredSample> all = [];
        foreach (string signal in signals)
        {
            foreach (var row in await influx.QueryAsync($"SELECT \"brand\", \"device\", \"value\" FROM \"{signal}\""))
                all.Add(new StoredSample($"{row["brand"].GetString()}/{row["device"].GetString()}", signal, row["time"].GetInt64() / 1_000_000, row["value"].GetDouble()));
        }

        all.Sort();
        return all;
    }

    /// <summary>What VictoriaMetrics holds of these signals.</summary>
    public static async Task<List<StoredSample>> OfAsync(RealVictoria victoria, IEnumerable<string> signals)
    {
        List<StoredSample> all = [];
        foreach (string signal in signals)
        {
            foreach (var (labels, unixMs, value) in await victoria.ExportAsync($"{signal}_value"))
                all.Add(new StoredSample($"{labels["brand"]}/{labels["device"]}", signal, unixMs, value));
        }

        all.Sort();
        return all;
    }

    private static bool IsWritten(JsonElement status) =>
        status.GetProperty("consumers").EnumerateArray().Single(consumer => consumer.GetProperty("name").GetString() == "influx").GetProperty("position").GetInt64() >= status.GetProperty("durablePosition").GetInt64();
}

/// <summary>One sample of a device, time in ms since 1970, value in the signal's unit.</summary>
internal readonly record struct StoredSample(string Device, string Signal, long UnixMs, double Value) : IComparable<StoredSample>
{
    public int CompareTo(StoredSample other)
    {
        int order = string.CompareOrdinal(Device, other.Device);
        if (order == 0) order = string.CompareOrdinal(Signal, other.Signal);
        return order == 0 ? (UnixMs, Value).CompareTo((other.UnixMs, other.Value)) : order;
    }
}
