using System.Diagnostics;
using System.Text.Json;

namespace Telemetry.Bench.Mqtt;

/// <summary><c>bench mqtt</c>: durable PUBACK a core-second at 100 B over 50 connections with a window of 20, and the p99 at half that load.
/// <c>--peers</c> drives the brokers that are installed with the same program. <c>--seconds N</c> per run, default 8.</summary>
internal static class MqttBench
{
    private const int Connections = 50;
    private const int Window = 20;

    private static long s_acked;

    public static int Run(BenchOptions options)
    {
        int at = options.Rest.ToList().IndexOf("--seconds");
        return RunAsync(options, at < 0 ? 8 : int.Parse(options.Rest[at + 1])).GetAwaiter().GetResult();
    }

    private static async Task<int> RunAsync(BenchOptions options, int seconds)
    {
        Figure ours;
        double p99Ms;
        using (ServerProcess server = ServerProcess.StartOurs(Connections))
        {
            ours = await MeasureAsync("telemetry", isDurable: true, server, seconds);
            p99Ms = await MeasureP99Async(server, ours.AcksPerSecond / 2, seconds);

            // An acknowledged dead letter would be cheaper than a stored batch: the figure counts only if every one was stored.
            long stored = server.Stat().Stored;
            if (stored < s_acked)
            {
                Console.Error.WriteLine($"Only {stored:N0} of {s_acked:N0} acknowledged batches were stored.");
                return 1;
            }
        }

        List<Figure> peers = [];
        if (options.Peers)
        {
            foreach (Peer peer in Peers.Installed())
            {
                using ServerProcess server = ServerProcess.StartPeer(peer);
                await Peers.WaitForPortAsync(server.Port);
                if (peer.NeedsQueue) await LoadClient.KeepSessionAsync(server.Port, $"t1/{BenchServer.Brand}/+/up");
                peers.Add(await MeasureAsync(peer.Name, peer.IsDurable, server, seconds));
            }
        }

        if (options.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                acksPerCoreSecond = Math.Round(ours.AcksPerCoreSecond),
                p99Ms = Math.Round(p99Ms, 2),
                durable = true,
                acksPerSecond = Math.Round(ours.AcksPerSecond),
                peers = peers.Select(peer => new { name = peer.Name, acksPerCoreSecond = Math.Round(peer.AcksPerCoreSecond), durable = peer.IsDurable }),
            }));
            return 0;
        }

        Console.WriteLine($"{"QoS 1, 100 B, 50 x 20",-28} {"acks/core-s",12} {"acks/s",10} {"durable",8}");
        foreach (Figure figure in (IEnumerable<Figure>)[ours, .. peers])
        {
            Console.WriteLine($"{figure.Name,-28} {figure.AcksPerCoreSecond,12:N0} {figure.AcksPerSecond,10:N0} {(figure.IsDurable ? "yes" : "no"),8}");
        }

        Console.WriteLine($"p99 at half load: {p99Ms:N2} ms");
        return 0;
    }

    private static async Task<Figure> MeasureAsync(string name, bool isDurable, ServerProcess server, int seconds)
    {
        List<LoadClient> clients = await ConnectAsync(server, epoch: 1);
        using CancellationTokenSource stop = new();
        Task[] running = [.. clients.Select(client => Task.Run(() => client.RunAsync(stop.Token)))];
        await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System);

        (double cpu, long acked, long start) = (server.CpuSeconds, clients.Sum(client => client.Acked), Stopwatch.GetTimestamp());
        await Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System);
        acked = clients.Sum(client => client.Acked) - acked;
        Figure figure = new(name, acked / (server.CpuSeconds - cpu), acked / Stopwatch.GetElapsedTime(start).TotalSeconds, isDurable);

        await stop.CancelAsync();
        await Task.WhenAll(running);
        if (isDurable) s_acked += clients.Sum(client => client.Acked);
        clients.ForEach(client => client.Dispose());
        return figure;
    }

    private static async Task<double> MeasureP99Async(ServerProcess server, double acksPerSecond, int seconds)
    {
        List<LoadClient> clients = await ConnectAsync(server, epoch: 2);
        TimeSpan interval = TimeSpan.FromSeconds(Connections / acksPerSecond);
        using CancellationTokenSource stop = new(TimeSpan.FromSeconds(seconds));
        await Task.WhenAll(clients.Select(client => Task.Run(() => client.RunPacedAsync(interval, stop.Token))));
        long[] sorted = [.. clients.SelectMany(client => client.Latencies!).Order()];
        s_acked += clients.Sum(client => client.Acked);
        clients.ForEach(client => client.Dispose());
        return sorted[sorted.Length * 99 / 100] * 1000.0 / Stopwatch.Frequency;
    }

    private static async Task<List<LoadClient>> ConnectAsync(ServerProcess server, uint epoch)
    {
        List<LoadClient> clients = [];
        for (int i = 1; i <= Connections; i++)
        {
            LoadClient client = new($"t1/{BenchServer.Brand}/d{i}/up", server.ProfileHash, epoch, Window);
            bool isOurs = server.Secrets.Count > 0;
            await client.ConnectAsync(server.Port, $"bench_d{i}", isOurs ? $"{BenchServer.Brand}/d{i}" : null, isOurs ? server.Secrets[i - 1] : null);
            clients.Add(client);
        }

        return clients;
    }

    private sealed record Figure(string Name, double AcksPerCoreSecond, double AcksPerSecond, bool IsDurable);
}
