using System.Diagnostics;
using System.Globalization;

namespace Telemetry.Bench.Mqtt;

/// <summary>A process whose CPU time and memory are read from /proc; the load generator's own are never in the figures.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process _process;
    private readonly string? _folder;
    private Action? _ended;

    private ServerProcess(Process process, string? folder)
    {
        _process = process;
        _folder = folder;
    }

    public int Port { get; private set; }
    public uint ProfileHash { get; private set; }
    public List<string> Secrets { get; } = [];

    /// <summary>User and system CPU seconds so far.</summary>
    public double CpuSeconds => ProcFigures.CpuSeconds(_process.Id);

    public long RssBytes => ProcFigures.RssBytes(_process.Id);

    /// <summary>Starts this benchmark's own server with some devices over a fresh folder.</summary>
    public static ServerProcess StartOurs(int devices)
    {
        string folder = Directory.CreateTempSubdirectory("telemetry-bench-").FullName;
        string dll = typeof(ServerProcess).Assembly.Location;
        ServerProcess server = new(Launch("dotnet", [dll, BenchServer.Name, folder, devices.ToString(CultureInfo.InvariantCulture)], folder), folder);
        string[] ready = server.ReadLine().Split(' ');
        server.Port = int.Parse(ready[1], CultureInfo.InvariantCulture);
        server.ProfileHash = uint.Parse(ready[2], CultureInfo.InvariantCulture);
        for (int i = 0; i < devices; i++) server.Secrets.Add(server.ReadLine().Split(' ')[1]);
        return server;
    }

    /// <summary>Starts a foreign broker over a fresh folder and a free port.</summary>
    public static ServerProcess StartPeer(Peer peer)
    {
        string folder = Directory.CreateTempSubdirectory("telemetry-bench-").FullName;
        int port = FreePort();
        PeerStart start = peer.Configure(folder, port);
        return new ServerProcess(Launch(peer.Program, start.Arguments, folder, start.Environment), folder) { Port = port, _ended = start.Ended };
    }

    /// <summary>Managed bytes, bytes of the sequence table, batches stored; after a full collection.</summary>
    public (long ManagedBytes, long SequenceBytes, long Stored) Stat()
    {
        _process.StandardInput.WriteLine("stat");
        long[] fields = [.. ReadLine().Split(' ').Skip(1).Select(one => long.Parse(one, CultureInfo.InvariantCulture))];
        return (fields[0], fields[1], fields[2]);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(5_000)) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _ended?.Invoke();
        if (_folder is not null) Directory.Delete(_folder, recursive: true);
    }

    private static Process Launch(string program, string[] arguments, string folder, IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, WorkingDirectory = folder };
        foreach ((string key, string value) in environment ?? new Dictionary<string, string>(StringComparer.Ordinal)) start.Environment[key] = value;
        return Process.Start(start)!;
    }

    /// <summary>A port that was free a moment ago.</summary>
    public static int FreePort()
    {
        using System.Net.Sockets.TcpListener probe = new(System.Net.IPAddress.Loopback, 0);
        probe.Start();
        return ((System.Net.IPEndPoint)probe.LocalEndpoint).Port;
    }

    private string ReadLine() => _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The server ended before it answered.");
}
