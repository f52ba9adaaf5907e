using System.Net.Sockets;

namespace Telemetry.Bench.Mqtt;

/// <summary>The brokers that Debian has, each over a fresh folder on the loopback.</summary>
internal static class Peers
{
    public static IEnumerable<(string Name, bool IsDurable, string Program, Func<string, int, string[]> Configure)> Installed()
    {
        if (PathOf("mosquitto") is { } mosquitto)
        {
            yield return ("mosquitto, nothing stored", false, mosquitto, (folder, port) => Mosquitto(folder, port, isPersistent: false));
            yield return ("mosquitto, persistence on", false, mosquitto, (folder, port) => Mosquitto(folder, port, isPersistent: true));
        }

        // JetStream answers before its flush (every two minutes by default).
        if (PathOf("nats-server") is { } nats) yield return ("nats-server JetStream", false, nats, Nats);
    }

    /// <summary>Waits until something listens.</summary>
    public static async Task WaitForPortAsync(int port)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(30));
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

    private static string[] Mosquitto(string folder, int port, bool isPersistent)
    {
        string file = Path.Combine(folder, "m.conf");
        string storage = isPersistent ? $"persistence true\npersistence_location {folder}/\nautosave_interval 1\n" : "persistence false\n";
        File.WriteAllText(file, $"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nset_tcp_nodelay true\nmax_inflight_messages 0\nlog_dest none\n{storage}");
        return ["-c", file];
    }

    private static string[] Nats(string folder, int port)
    {
        string file = Path.Combine(folder, "n.conf");
        File.WriteAllText(file, $"server_name: bench\nhost: 127.0.0.1\nport: -1\njetstream {{ store_dir: \"{folder}/js\" }}\nmqtt {{ host: 127.0.0.1, port: {port} }}\nlog_file: \"{folder}/n.log\"\n");
        return ["-c", file];
    }

    /// <summary>A program on PATH or in /usr/sbin; null where it is not installed.</summary>
    public static string? PathOf(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/sbin").Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
