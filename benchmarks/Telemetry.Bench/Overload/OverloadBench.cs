using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Telemetry.Bench.Mqtt;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Wire;
using Telemetry.Wire.Batches;

namespace Telemetry.Bench.Overload;

/// <summary>
/// A flood over MQTT: first as many devices of one brand as fill a collector (in a process of its own) send as fast as they are acknowledged, then ten times as
/// many, each with a window that is refilled at once; beside them a few devices of a quiet brand publish now and then. The collector is killed at the
/// end, and every acknowledged batch is looked for in the log it leaves.
/// Options: <c>--seconds N</c> of flood (default 60), <c>--devices N</c> that fill the collector (default 50), <c>--times N</c> (default 10).
/// </summary>
internal static class OverloadBench
{
    private const string Flood = "flood", Quiet = "quiet";
    private const int Window = 20;
    private const int QuietDevices = 4;
    private const uint UsualEpoch = 1, FloodEpoch = 2;
    private static readonly TimeSpan s_quietInterval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_sampleInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_firstWarmUp = TimeSpan.FromSeconds(12); // until memory stands still and everything is compiled
    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(3);

    public static int Run(BenchOptions options) => RunAsync(options).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(BenchOptions options)
    {
        int seconds = options.Number("--seconds", 60), devices = options.Number("--devices", 50), times = options.Number("--times", 10);
        string folder = options.FreshFolder("overload");
        try
        {
            (uint profile, List<NewCredentials> flood, List<NewCredentials> quiet) = Register(folder, devices * times);
            List<(uint DeviceKey, uint Epoch, long Acked)> promises = [];
            Phase usual, overload;
            using (CollectorProcess collector = CollectorProcess.Start(folder))
            {
                usual = await MeasureAsync(collector, profile, [.. flood.Take(devices)], quiet, UsualEpoch, s_firstWarmUp, TimeSpan.FromSeconds(Math.Max(5, seconds / 4)), promises);
                overload = await MeasureAsync(collector, profile, flood, quiet, FloodEpoch, s_warmUp, TimeSpan.FromSeconds(seconds), promises);
                collector.Kill();
            }

            long ackedLost = CountLost(Path.Combine(folder, "log"), promises);
            Report(options, usual, overload, promises.Sum(promise => promise.Acked), ackedLost, seconds);
            return ackedLost == 0 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static (uint Profile, List<NewCredentials> Flood, List<NewCredentials> Quiet) Register(string folder, int devices)
    {
        using DeviceRegistry registry = DeviceRegistry.Open(Path.Combine(folder, "registry.db"), TimeProvider.System);
        uint profile = 0;
        List<NewCredentials> Add(string brand, int count)
        {
            registry.PutBrand(brand, brand);
            profile = registry.PutModel(brand, BenchServer.Profile).Profile.Hash;
            return [.. registry.AddDevices([.. Enumerable.Range(1, count).Select(i => new NewDevice(brand, $"d{i}", "bench-1"))])];
        }

        List<NewCredentials> flood = Add(Flood, devices), quiet = Add(Quiet, QuietDevices);
        return (profile, flood, quiet);
    }

    private static async Task<Phase> MeasureAsync(
        CollectorProcess collector, uint profile, IReadOnlyList<NewCredentials> flood, IReadOnlyList<NewCredentials> quiet, uint epoch, TimeSpan warmUp, TimeSpan length,
        List<(uint DeviceKey, uint Epoch, long Acked)> promises)
    {
        List<LoadClient> floodClients = await ConnectAsync(collector, profile, flood, epoch), quietClients = await ConnectAsync(collector, profile, quiet, epoch);
        using CancellationTokenSource stop = new();
        List<Task> running = [.. floodClients.Select(client => Task.Run(() => client.RunAsync(stop.Token)))];
        await Task.Delay(warmUp, TimeProvider.System);

        // The quiet ones are measured from here on only.
        running.AddRange(quietClients.Select(client => Task.Factory.StartNew(() => client.RunPacedAlone(s_quietInterval, stop.Token), TaskCreationOptions.LongRunning)));
        Task<List<long>> lateness = Task.Factory.StartNew(() => MeasureLateness(stop.Token), TaskCreationOptions.LongRunning);
        (long acked, double cpu, long rss, long started) = (floodClients.Sum(client => client.Acked), collector.CpuSeconds, 0L, Stopwatch.GetTimestamp());
        while (Stopwatch.GetElapsedTime(started) < length)
        {
            await Task.Delay(s_sampleInterval, TimeProvider.System);
            rss = Math.Max(rss, collector.RssBytes);
        }

        acked = floodClients.Sum(client => client.Acked) - acked;
        cpu = collector.CpuSeconds - cpu;
        double perSecond = acked / Stopwatch.GetElapsedTime(started).TotalSeconds;
        await stop.CancelAsync();
        await Task.WhenAll(running);
        double quietP99Ms = P99Ms(quietClients.SelectMany(client => client.Latencies!)), ownLateP99Ms = P99Ms(await lateness);
        foreach ((NewCredentials device, LoadClient client) in flood.Zip(floodClients).Concat(quiet.Zip(quietClients)))
        {
            promises.Add((device.Device.DeviceKey, epoch, client.Acked));
            client.Dispose();
        }

        return new Phase(flood.Count, perSecond, acked / cpu, rss, quietP99Ms, ownLateP99Ms);
    }

    // How late the operating system wakes a thread of this program that only sleeps: what the quiet brand's figure has in it that is not the collector's, at both ends of each batch.
    private static List<long> MeasureLateness(CancellationToken stop)
    {
        List<long> late = [];
        while (true)
        {
            long slept = Stopwatch.GetTimestamp();
            if (stop.WaitHandle.WaitOne(s_quietInterval)) return late;
            late.Add(Stopwatch.GetTimestamp() - slept - (long)(s_quietInterval.TotalSeconds * Stopwatch.Frequency));
        }
    }

    private static double P99Ms(IEnumerable<long> ticks)
    {
        long[] ordered = [.. ticks.Order()];
        return ordered[ordered.Length * 99 / 100] * 1000.0 / Stopwatch.Frequency;
    }

    private static async Task<List<LoadClient>> ConnectAsync(CollectorProcess collector, uint profile, IReadOnlyList<NewCredentials> devices, uint epoch)
    {
        List<LoadClient> clients = [];
        foreach (NewCredentials device in devices)
        {
            LoadClient client = new($"t1/{device.Username}/up", profile, epoch, Window);
            await client.ConnectAsync(collector.MqttPort, device.Username.Replace('/', '_'), device.Username, device.Secret);
            clients.Add(client);
        }

        return clients;
    }

    // Acknowledgements come in the order of publishing [MQTT-4.6.0-2], so n of them promise seqs 1 to n.
    private static long CountLost(string folder, List<(uint DeviceKey, uint Epoch, long Acked)> promises)
    {
        Dictionary<(uint, uint), HashSet<ulong>> found = promises.ToDictionary(promise => (promise.DeviceKey, promise.Epoch), _ => new HashSet<ulong>());
        using BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = folder });
        using LogReader reader = log.OpenReader();
        while (reader.TryRead(out LogRecord record))
        {
            if (record.Kind == LogRecordKind.Batch && BatchReader.ReadHeader(record.Payload.Span, out BatchHeader header, out _) == DecodeStatus.Done)
                found[(record.DeviceKey, header.Epoch)].Add(header.Seq);
        }

        return promises.Sum(promise => promise.Acked - found[(promise.DeviceKey, promise.Epoch)].Count(seq => seq <= (ulong)promise.Acked));
    }

    private static void Report(BenchOptions options, Phase usual, Phase overload, long acked, long ackedLost, int seconds)
    {
        double rssRatio = Math.Round((double)overload.RssBytes / usual.RssBytes, 3), goodputRatio = Math.Round(overload.AcksPerSecond / usual.AcksPerSecond, 3);
        double quietP99Ratio = Math.Round(overload.QuietP99Ms / usual.QuietP99Ms, 3);
        if (options.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { rssRatio, ackedLost, goodputRatio, quietP99Ratio, acked, seconds, usual, overload }, JsonSerializerOptions.Web));
            return;
        }

        Console.WriteLine("devices   acks/s  acks/core-s  resident MB  p99 of the quiet brand, ms  of a wake-up here, ms");
        foreach (Phase phase in (Phase[])[usual, overload])
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{phase.Devices,7}  {phase.AcksPerSecond,7:N0}  {phase.AcksPerCoreSecond,11:N0}  {phase.RssBytes / 1e6,11:F0}  {phase.QuietP99Ms,26:F1}  {phase.OwnLateP99Ms,21:F1}"));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"memory {rssRatio:F2}x, goodput {goodputRatio:F2}x, quiet p99 {quietP99Ratio:F2}x; {ackedLost} of {acked:N0} acknowledged batches lost after kill -9"));
    }

    private sealed record Phase(int Devices, double AcksPerSecond, double AcksPerCoreSecond, long RssBytes, double QuietP99Ms, double OwnLateP99Ms);
}
