using System.Net.Http.Json;
using System.Text.Json;
using Telemetry.Testing;

namespace Telemetry.Influx.Tests;

/// <summary>A real InfluxDB 1 in a folder of its own, on loopback.</summary>
internal sealed class RealInflux : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly int _port = ChildProcess.FreePort();
    private readonly int _rpcPort = ChildProcess.FreePort();
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };
    private ChildProcess? _process;

    public Uri Url => new($"http://127.0.0.1:{_port}");

    public async Task StartAsync()
    {
        await File.WriteAllTextAsync(_folder["influx.conf"], $"""
            reporting-disabled = true
            bind-address = "127.0.0.1:{_rpcPort}"
            [meta]
              dir = "{_folder["meta"]}"
            [data]
              dir = "{_folder["data"]}"
              wal-dir = "{_folder["wal"]}"
              wal-fsync-delay = "0s"
              query-log-enabled = false
            [http]
              bind-address = "127.0.0.1:{_port}"
              log-enabled = false
            [monitor]
              store-enabled = false
            """);
        _process = ChildProcess.Start(RealParts.PathOf("influxd")!, ["run", "-config", _folder["influx.conf"]], environment: new Dictionary<string, string> { ["HOME"] = _folder.Path });
        await _process.LineAsync(line => line.Contains("Listening on HTTP", StringComparison.Ordinal));
    }

    public async Task KillAsync() => await _process!.DisposeAsync();

    /// <summary>Rows of a query: each with its columns by name.</summary>
    public async Task<List<Dictionary<string, JsonElement>>> QueryAsync(string query)
    {
        List<Dictionary<string, JsonElement>> rows = [];
        foreach (JsonElement series in await SeriesAsync(query))
        {
            string[] columns = [.. series.GetProperty("columns").EnumerateArray().Select(column => column.GetString()!)];
            foreach (JsonElement row in series.GetProperty("values").EnumerateArray())
                rows.Add(columns.Zip(row.EnumerateArray()).ToDictionary(pair => pair.First, pair => pair.Second));
        }

        return rows;
    }

    /// <summary>Series of a query as InfluxDB writes them: name, tags, columns, values.</summary>
    public async Task<JsonElement[]> SeriesAsync(string query)
    {
        JsonElement answer = await _http.GetFromJsonAsync<JsonElement>(new Uri(Url, $"/query?db=telemetry&epoch=ns&q={Uri.EscapeDataString(query)}"));
        return [.. answer.GetProperty("results").EnumerateArray().SelectMany(result => result.TryGetProperty("series", out JsonElement all) ? all.EnumerateArray().ToArray() : [])];
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        _http.Dispose();
        _folder.Dispose();
    }
}

/// <summary>A real VictoriaMetrics in a folder of its own, on loopback.</summary>
internal sealed class RealVictoria : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly int _port = ChildProcess.FreePort();
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };
    private ChildProcess? _process;

    public Uri Url => new($"http://127.0.0.1:{_port}");

    public async Task StartAsync()
    {
        _process = ChildProcess.Start(
            RealParts.PathOf("victoria-metrics")!,
            [$"-httpListenAddr=127.0.0.1:{_port}", $"-storageDataPath={_folder["data"]}", "-retentionPeriod=100y", "-dedup.minScrapeInterval=1ms", "-loggerTimezone=UTC"]);
        await _process.LineAsync(line => line.Contains("pprof handlers are exposed", StringComparison.Ordinal));
    }

    /// <summary>All samples of a selector: labels, time in ms, value.</summary>
    public async Task<List<(Dictionary<string, string> Labels, long UnixMs, double Value)>> ExportAsync(string selector)
    {
        await _http.GetAsync(new Uri(Url, "/internal/force_flush"));
        string lines = await _http.GetStringAsync(new Uri(Url, $"/api/v1/export?match[]={Uri.EscapeDataString(selector)}"));
        List<(Dictionary<string, string>, long, double)> samples = [];
        foreach (string line in lines.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            JsonElement series = JsonDocument.Parse(line).RootElement;
            Dictionary<string, string> labels = series.GetProperty("metric").Deserialize<Dictionary<string, string>>()!;
            samples.AddRange(series.GetProperty("timestamps").EnumerateArray().Zip(series.GetProperty("values").EnumerateArray(),
                (time, value) => (labels, time.GetInt64(), value.GetDouble())));
        }

        return samples;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        _http.Dispose();
        _folder.Dispose();
    }
}
