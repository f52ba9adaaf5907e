using System.Diagnostics;
using System.Text.Json;

namespace Telemetry.Bench.Mqtt;

/// <summary><c>bench idle</c>: what 5,000 connected devices that say nothing cost. Each has subscribed to its Commands. Memory is the growth of
/// the process's resident set over the same server after a warm-up of 2,000 sessions, so that no code is compiled in between; CPU is a share of one core.</summary>
internal static class IdleBench
{
    private const int Sessions = 5_000;
    private const int WarmUp = 2_000;

    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(8);

    public static int Run(BenchOptions options) => RunAsync(options).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(BenchOptions options)
    {
        using ServerProcess server = ServerProcess.StartOurs(Sessions);
        List<LoadClient> warm = await ConnectAsync(server, 0, WarmUp);
        warm.ForEach(client => client.Dispose());
        (long managedBefore, long sequencesBefore, _) = server.Stat();
        long rssBefore = server.RssBytes;

        List<LoadClient> clients = await ConnectAsync(server, 0, Sessions);
        (long managed, long sequences, long stored) = server.Stat();
        long rss = server.RssBytes;

        // What connecting made hot is compiled in the seconds after it; that is not idling.
        await Task.Delay(Settling, TimeProvider.System);
        (double cpu, long start) = (server.CpuSeconds, Stopwatch.GetTimestamp());
        await Task.Delay(TimeSpan.FromSeconds(10), TimeProvider.System);
        double cpuPercent = (server.CpuSeconds - cpu) / Stopwatch.GetElapsedTime(start).TotalSeconds * 100;
        clients.ForEach(client => client.Dispose());

        long bytesPerSession = (rss - rssBefore) / Sessions;
        double dedupBytesPerDevice = sequences / (double)Math.Max(1, stored);
        if (options.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { sessions = Sessions, bytesPerSession, dedupBytesPerDevice, rssBytes = rss, cpuPercent, managedBytesPerSession = (managed - managedBefore) / Sessions }));
            return 0;
        }

        Console.WriteLine($"sessions           {Sessions,12:N0}");
        Console.WriteLine($"bytes a session    {bytesPerSession,12:N0}   (managed: {(managed - managedBefore) / Sessions:N0})");
        Console.WriteLine($"dedup bytes/device {dedupBytesPerDevice,12:N1}   (before: {sequencesBefore:N0} in all)");
        Console.WriteLine($"resident           {rss,12:N0}   (before: {rssBefore:N0})");
        Console.WriteLine($"CPU                {cpuPercent,12:N2} % of a core");
        return 0;
    }

    private static async Task<List<LoadClient>> ConnectAsync(ServerProcess server, int first, int count)
    {
        List<LoadClient> clients = [];
        foreach (int[] together in Enumerable.Range(first + 1, count).Chunk(50)) clients.AddRange(await Task.WhenAll(together.Select(i => ConnectOneAsync(server, i))));
        return clients;
    }

    private static async Task<LoadClient> ConnectOneAsync(ServerProcess server, int number)
    {
        string device = $"{BenchServer.Brand}/d{number}";
        LoadClient client = new($"t1/{device}/up", server.ProfileHash, epoch: 1, window: 1);
        await client.ConnectAsync(server.Port, $"bench_d{number}", device, server.Secrets[number - 1]);
        await client.PublishOneAsync();
        await client.SubscribeAsync($"t1/{device}/down");
        return client;
    }
}
