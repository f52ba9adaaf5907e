using System.Globalization;
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

    /// <param name="flushAfterSeconds">How long a shard is not written until its memory becomes a data file.</param>
    public async Task StartAsync(int flushAfterSeconds = 600)
    {
        await File.WriteAllTextAsync(_folder["influx.conf"], $"""
            reporting-disabled = true
            bind-address = "127.0.0.1:{_rpcPort}"
            [meta]
              dir = "{_folder["disk/meta"]}"
            [data]
              dir = "{_folder["disk/data"]}"
              wal-dir = "{_folder["disk/wal"]}"
              wal-fsync-delay = "0s"
              cache-snapshot-write-cold-duration = "{flushAfterSeconds}s"
              query-log-enabled = false
            [http]
              bind-address = "127.0.0.1:{_port}"
              log-enabled = false
            [monitor]
              store-enabled = false
            """);
        // A blocked SIGXFSZ lets a write beyond a limit (below) fail like any other; else the Go runtime would end the process.
        _process = ChildProcess.Start(
            RealParts.PathOf("env")!, ["--block-signal=XFSZ", RealParts.PathOf("influxd")!, "run", "-config", _folder["influx.conf"]],
            environment: new Dictionary<string, string> { ["HOME"] = _folder.Path });
        await _process.LineAsync(line => line.Contains("Listening on HTTP", StringComparison.Ordinal));
    }

    /// <summary>From now on none of its files grows beyond so many bytes: the write that would is cut there, and the next one fails with EFBIG where a full disk says ENOSPC. The
    /// server's way from there is the same (its words show it), and no machine forbids it, as many do mounts. The shard must be there: its other files are larger from the start.</summary>
    public async Task FillDiskAsync(int fileBytes)
    {
        (int exit, _, string transcript) = await ChildProcess.RunAsync(RealParts.PathOf("prlimit")!, ["--pid", Invariant(_process!.Id), $"--fsize={Invariant(fileBytes)}"]);
        Assert.True(exit == 0, transcript);
        static string Invariant(int number) => number.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Makes room and starts the server again: one whose write-ahead log met a full disk does not write to it any more.</summary>
    public async Task FreeDiskAsync()
    {
        await KillAsync();
        await StartAsync();
    }

    public async Task KillAsync() => await _process!.DisposeAsync();

    /// <summary>Leaves each shard's write-ahead log as a kill in the middle of an entry does: five bytes of a head that announce more than stands behind them. Only while it is killed.</summary>
    public void TearLogs()
    {
        string[] logs = [.. Directory.EnumerateFiles(_folder["disk/wal"], "*.wal", SearchOption.AllDirectories).GroupBy(Path.GetDirectoryName).Select(shard => shard.Max()!)];
        Assert.NotEmpty(logs);
        foreach (string log in logs)
        {
            using FileStream file = new(log, FileMode.Append);
            file.Write([1, 0, 0, 16, 0, .. "torn"u8]);
        }
    }

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
        await _process.ListeningAsync(_port); // its "starting http server" stands before the listening
    }

    public async Task KillAsync() => await _process!.DisposeAsync();

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
