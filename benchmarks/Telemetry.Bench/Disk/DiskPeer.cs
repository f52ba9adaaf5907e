using System.Diagnostics;
using Telemetry.Bench.Mqtt;

namespace Telemetry.Bench.Disk;

/// <summary>A series database of this machine over a folder of its own, fed by the sink and measured after its own compaction.</summary>
internal sealed class DiskPeer : IDisposable
{
    private static readonly TimeSpan SettledFor = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan SettleLimit = TimeSpan.FromSeconds(60);
    private const long MostWalBytes = 256 * 1024;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(60) };
    private readonly Process _process;
    private readonly string _folder;
    private readonly string[] _counted;

    private DiskPeer(string name, string folder, int port, string program, string[] arguments, string[] counted)
    {
        (Name, Url, _folder, _counted) = (name, new Uri($"http://127.0.0.1:{port}"), folder, counted);
        ProcessStartInfo start = new(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = folder };
        start.Environment["HOME"] = folder;
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += static (_, _) => { };
        _process.OutputDataReceived += static (_, _) => { };
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        Peers.WaitForPortAsync(port).GetAwaiter().GetResult();
    }

    public string Name { get; }

    public Uri Url { get; }

    /// <summary>The peers that are installed, one after the other; each is to be disposed before the next.</summary>
    public static IEnumerable<Func<DiskPeer>> Installed(string folder)
    {
        if (Peers.PathOf("victoria-metrics") is { } victoria) yield return () => Victoria(victoria, Fresh(folder, "victoria"));
        if (Peers.PathOf("influxd") is { } influx) yield return () => Influx(influx, Fresh(folder, "influx"));
    }

    /// <summary>Asks the server to write out what it holds in memory, waits until it has merged, and stops it.</summary>
    /// <returns>Bytes on disk: its data and its index; not its caches, which it can make again.</returns>
    public long SettleAndMeasure()
    {
        if (Name == "VictoriaMetrics")
        {
            _http.GetAsync(new Uri(Url, "/internal/force_flush")).GetAwaiter().GetResult().EnsureSuccessStatusCode();
            _http.GetAsync(new Uri(Url, "/internal/force_merge")).GetAwaiter().GetResult().EnsureSuccessStatusCode();
        }

        long last = -1;
        for (Stopwatch limit = Stopwatch.StartNew(), settled = Stopwatch.StartNew(); settled.Elapsed < SettledFor && limit.Elapsed < SettleLimit; Thread.Sleep(500))
        {
            long bytes = Measure();

            // InfluxDB holds what is not in its files yet in a write-ahead log; it empties it a while after the last write.
            bool isWritten = DiskUse.Of(Path.Combine(_folder, "wal")) < MostWalBytes;
            if (bytes != last || !isWritten) settled.Restart();
            last = bytes;
        }

        Stop();
        return Measure();
    }

    public void Dispose()
    {
        Stop();
        _process.Dispose();
        _http.Dispose();
    }

    private static DiskPeer Victoria(string program, string folder)
    {
        int port = ServerProcess.FreePort();
        return new DiskPeer(
            "VictoriaMetrics", folder, port, program, [$"-httpListenAddr=127.0.0.1:{port}", $"-storageDataPath={folder}", "-retentionPeriod=100y", "-dedup.minScrapeInterval=1ms"],
            ["data", "indexdb", "metadata"]);
    }

    private static DiskPeer Influx(string program, string folder)
    {
        (int port, int rpc) = (ServerProcess.FreePort(), ServerProcess.FreePort());
        string config = Path.Combine(folder, "influx.conf");
        File.WriteAllText(config, $"""
            reporting-disabled = true
            bind-address = "127.0.0.1:{rpc}"
            [meta]
              dir = "{folder}/meta"
            [data]
              dir = "{folder}/data"
              wal-dir = "{folder}/wal"
              query-log-enabled = false
              cache-snapshot-write-cold-duration = "3s"
              compact-full-write-cold-duration = "6s"
            [http]
              bind-address = "127.0.0.1:{port}"
              log-enabled = false
            [monitor]
              store-enabled = false
            """);
        return new DiskPeer("InfluxDB", folder, port, program, ["run", "-config", config], ["data", "meta", "wal"]);
    }

    private long Measure() => _counted.Sum(folder => DiskUse.Of(Path.Combine(_folder, folder)));

    // SIGTERM by way of kill: .NET has no door to it, and a killed server would leave its buffers behind.
    private void Stop()
    {
        if (_process.HasExited) return;
        using Process kill = Process.Start("kill", [_process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        if (!_process.WaitForExit(30_000)) _process.Kill();
        _process.WaitForExit();
    }

    private static string Fresh(string folder, string name) => Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
}

/// <summary>Blocks a folder takes from the file system, as <c>du</c> counts them: holes of sparse files are no bytes, the end of a file's last block is.</summary>
internal static class DiskUse
{
    public static long Of(string path)
    {
        if (!Path.Exists(path)) return 0;
        using Process du = Process.Start(new ProcessStartInfo("du", ["-s", "--block-size=1", path]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string text = du.StandardOutput.ReadToEnd();
        du.WaitForExit();
        return long.Parse(text.Split('\t')[0], System.Globalization.CultureInfo.InvariantCulture);
    }
}
