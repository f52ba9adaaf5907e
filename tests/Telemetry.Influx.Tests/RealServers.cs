using System.Diagnostics;
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
    private readonly int _diskBytes;
    private ChildProcess? _process;

    /// <param name="diskBytes">Room on a disk of its own, which needs mounts of its own (<see cref="SmallDiskFactAttribute"/>); 0 = the machine's.</param>
    public RealInflux(int diskBytes = 0) => _diskBytes = diskBytes;

    public Uri Url => new($"http://127.0.0.1:{_port}");

    public async Task StartAsync()
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
              query-log-enabled = false
            [http]
              bind-address = "127.0.0.1:{_port}"
              log-enabled = false
            [monitor]
              store-enabled = false
            """);
        string[] run = [RealParts.PathOf("influxd")!, "run", "-config", _folder["influx.conf"]];
        if (_diskBytes > 0) run = OnSmallDisk(run);
        _process = ChildProcess.Start(run[0], run[1..], environment: new Dictionary<string, string> { ["HOME"] = _folder.Path });
        await UntilListeningAsync(starts: 1);
    }

    /// <summary>Makes room on the small disk and starts the server again: one whose write-ahead log met a full disk does not write to it any more.</summary>
    public async Task FreeDiskAsync()
    {
        await _process!.FeedAsync("now\n"u8.ToArray());
        await UntilListeningAsync(starts: 2);
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

    private async Task UntilListeningAsync(int starts) =>
        await _process!.LineAsync(_ => _process.Transcript.Split("Listening on HTTP").Length > starts);

    // A file system in memory, all but taken by a file that goes when a line comes in. The shell becomes the second server; the first ends with it.
    private string[] OnSmallDisk(string[] run)
    {
        const int WholeBytes = 8 << 20;
        string server = string.Join(' ', run), disk = _folder["disk"];
        Directory.CreateDirectory(disk);
        return
        [
            RealParts.PathOf("unshare")!, "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec",
            $"mount -t tmpfs -o size={WholeBytes} none {disk}; head -c {WholeBytes - _diskBytes} /dev/zero > {disk}/taken; "
            + $"{server} & read word; kill -9 $!; wait || true; rm {disk}/taken; exec {server}",
        ];
    }
}

/// <summary>A test with a full disk: needs influxd, and a machine that lets a process have mounts of its own.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SmallDiskFactAttribute : FactAttribute
{
    private static readonly bool s_mayMount = MayMount();

    public SmallDiskFactAttribute()
    {
        if (!RealParts.Has("influxd") && !RealParts.AreRequired) Skip = "needs influxd, not on this machine (README, 'Tests')";
        else if (!s_mayMount) Skip = "needs mounts of its own, which this machine does not let a process have";
    }

    private static bool MayMount()
    {
        if (RealParts.PathOf("unshare") is not { } unshare) return false;
        using Process trial = Process.Start(new ProcessStartInfo(unshare, ["--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]) { RedirectStandardError = true })!;
        trial.WaitForExit();
        return trial.ExitCode == 0;
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
