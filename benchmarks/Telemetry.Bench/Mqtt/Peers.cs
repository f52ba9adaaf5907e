using System.Net.Sockets;

namespace Telemetry.Bench.Mqtt;

/// <summary>The brokers that Debian has, each over a fresh folder on the loopback.</summary>
internal static class Peers
{
    public static IEnumerable<Peer> Installed()
    {
        if (PathOf("mosquitto") is { } mosquitto)
        {
            yield return new Peer("mosquitto, nothing stored", IsDurable: false, mosquitto, (folder, port) => Mosquitto(folder, port, isPersistent: false));
            yield return new Peer("mosquitto, persistence on", IsDurable: false, mosquitto, (folder, port) => Mosquitto(folder, port, isPersistent: true));
        }

        // JetStream answers before its flush (every two minutes by default).
        if (PathOf("nats-server") is { } nats) yield return new Peer("nats-server JetStream", IsDurable: false, nats, Nats);

        // A publish that meets no queue is acknowledged and gone: a session of ours is the queue, and nobody takes from it.
        if (RabbitNode.Program is { } rabbit) yield return new Peer("RabbitMQ, quorum queue", IsDurable: true, rabbit, Rabbit) { NeedsQueue = true };
    }

    /// <summary>Waits until something listens.</summary>
    public static async Task WaitForPortAsync(int port)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(120));
        while (true)
        {
            try
            {
                using TcpClient probe = new();
                await probe.ConnectAsync("127.0.0.1", port, limit.Token);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, limit.Token);
            }
        }
    }

    private static PeerStart Mosquitto(string folder, int port, bool isPersistent)
    {
        string file = Path.Combine(folder, "m.conf");
        string storage = isPersistent ? $"persistence true\npersistence_location {folder}/\nautosave_interval 1\n" : "persistence false\n";
        File.WriteAllText(file, $"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nset_tcp_nodelay true\nmax_inflight_messages 0\nlog_dest none\n{storage}");
        return new PeerStart(["-c", file]);
    }

    private static PeerStart Nats(string folder, int port)
    {
        string file = Path.Combine(folder, "n.conf");
        File.WriteAllText(file, $"server_name: bench\nhost: 127.0.0.1\nport: -1\njetstream {{ store_dir: \"{folder}/js\" }}\nmqtt {{ host: 127.0.0.1, port: {port} }}\nlog_file: \"{folder}/n.log\"\n");
        return new PeerStart(["-c", file]);
    }

    private static PeerStart Rabbit(string folder, int port)
    {
        RabbitNode node = new(folder, port, ServerProcess.FreePort);
        return new PeerStart([], node.Environment) { Ended = node.EndMapper };
    }

    /// <summary>A program on PATH or in /usr/sbin; null where it is not installed.</summary>
    public static string? PathOf(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/sbin").Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}

/// <summary>A broker to compare with.</summary>
/// <param name="Name">As printed.</param>
/// <param name="IsDurable">Whether its PUBACK stands behind a flush.</param>
/// <param name="Program">Full path.</param>
/// <param name="Configure">Gets a fresh folder and a port.</param>
internal sealed record Peer(string Name, bool IsDurable, string Program, Func<string, int, PeerStart> Configure)
{
    /// <summary>Keeps messages only for a session that subscribed.</summary>
    public bool NeedsQueue { get; init; }
}

/// <summary>How a peer is started.</summary>
internal sealed record PeerStart(string[] Arguments, IReadOnlyDictionary<string, string>? Environment = null)
{
    /// <summary>Runs after its process has ended.</summary>
    public Action? Ended { get; init; }
}
