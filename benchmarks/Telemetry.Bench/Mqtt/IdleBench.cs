using System.Diagnostics;
using System.Text.Json;

namespace Telemetry.Bench.Mqtt;

/// <summary><c>bench idle</c>: what a collector costs that nobody speaks to, and what 5,000 connected devices that say nothing cost beside it. Each has subscribed to its
/// Commands. A session's memory is the growth of the process's resident set over the same server after a warm-up of 2,000 sessions, so that no code is compiled in between;
/// CPU is a share of one core. Beside it: how many devices a core can welcome in a second (connect, credentials, one batch, subscription, Command), without TLS.</summary>
internal static class IdleBench
{
    private const int Sessions = 5_000;
    private const int WarmUp = 2_000;

    // For half a minute behind the start the runtime compiles anew what starting called often; that is not idling either.
    private static readonly TimeSpan Started = TimeSpan.FromSeconds(40);

    // What connecting made hot is compiled in the seconds after it; that is not idling.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(8);

    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(10);

    public static int Run(BenchOptions options) => RunAsync(options).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(BenchOptions options)
    {
        (long rssBytes, double cpuPercent) = await MeasureProcessAsync();
        SessionFigures with = await MeasureSessionsAsync();
        if (options.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                sessions = Sessions,
                bytesPerSession = with.BytesPerSession,
                dedupBytesPerDevice = with.DedupBytesPerDevice,
                rssBytes,
                cpuPercent,
                managedBytesPerSession = with.ManagedBytesPerSession,
                rssBytesWithSessions = with.RssBytes,
                cpuPercentWithSessions = with.CpuPercent,
                welcomesPerCoreSecond = with.WelcomesPerCoreSecond,
            }));
            return 0;
        }

        Console.WriteLine($"idle collector     {rssBytes,12:N0} B resident, {cpuPercent:N2} % of a core");
        Console.WriteLine($"sessions           {Sessions,12:N0}");
        Console.WriteLine($"bytes a session    {with.BytesPerSession,12:N0}   (managed: {with.ManagedBytesPerSession:N0})");
        Console.WriteLine($"dedup bytes/device {with.DedupBytesPerDevice,12:N1}");
        Console.WriteLine($"devices welcomed   {with.WelcomesPerCoreSecond,12:N0} a core-second");
        Console.WriteLine($"with the sessions  {with.RssBytes,12:N0} B resident, {with.CpuPercent:N2} % of a core");
        return 0;
    }

    /// <summary>A whole collector over an empty folder, as <c>telemetry up</c> runs it.</summary>
    private static async Task<(long RssBytes, double CpuPercent)> MeasureProcessAsync()
    {
        string folder = Directory.CreateTempSubdirectory("telemetry-bench-").FullName;
        try
        {
            using CollectorProcess collector = CollectorProcess.Start(folder);
            await Task.Delay(Started, TimeProvider.System);
            double cpuPercent = await WatchAsync(() => collector.CpuSeconds);
            return (collector.RssBytes, cpuPercent);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<SessionFigures> MeasureSessionsAsync()
    {
        using ServerProcess server = ServerProcess.StartOurs(Sessions);
        List<LoadClient> warm = await ConnectAsync(server, 0, WarmUp);
        warm.ForEach(client => client.Dispose());
        (long managedBefore, _, _) = server.Stat();
        long rssBefore = server.RssBytes;

        double cpuBefore = server.CpuSeconds;
        List<LoadClient> clients = await ConnectAsync(server, 0, Sessions);
        double welcomes = Sessions / (server.CpuSeconds - cpuBefore);
        (long managed, long sequences, long stored) = server.Stat();
        long rss = server.RssBytes;
        await Task.Delay(Settling, TimeProvider.System);
        double cpuPercent = await WatchAsync(() => server.CpuSeconds);
        clients.ForEach(client => client.Dispose());
        return new SessionFigures((rss - rssBefore) / Sessions, (managed - managedBefore) / Sessions, sequences / (double)Math.Max(1, stored), rss, cpuPercent, welcomes);
    }

    private static async Task<double> WatchAsync(Func<double> cpuSeconds)
    {
        (double before, long start) = (cpuSeconds(), Stopwatch.GetTimestamp());
        await Task.Delay(Watched, TimeProvider.System);
        return (cpuSeconds() - before) / Stopwatch.GetElapsedTime(start).TotalSeconds * 100;
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

    private readonly record struct SessionFigures(long BytesPerSession, long ManagedBytesPerSession, double DedupBytesPerDevice, long RssBytes, double CpuPercent, double WelcomesPerCoreSecond);
}
