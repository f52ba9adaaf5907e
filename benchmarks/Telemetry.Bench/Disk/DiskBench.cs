using System.Globalization;
using System.Text;
using System.Text.Json;
using Telemetry.Influx;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Profiles;

namespace Telemetry.Bench.Disk;

/// <summary>
/// Bytes on disk a sample, everything included: log, indexes and registry, verbatim and compacted, and what compaction costs; with <c>--peers</c> InfluxDB and VictoriaMetrics, fed the same
/// samples by the sink and measured after their own flush and merge. Options: <c>--set wearable|noisy</c>, <c>--activities N</c> a device (1 to 3, default 1: 3.5 million samples), <c>--noisy-rows N</c> (default 8,000: 3.2 million),
/// <c>--seal-ms N</c> (default 600,000: a batch is one full block of the SDK's 600 rows; its default of 300,000 costs 0.05 B a sample more as it came).
/// </summary>
internal static class DiskBench
{
    // Of copies of the log; the best counts. The first one finds code that is not compiled yet.
    private const int CompactionPasses = 5;

    public static int Run(BenchOptions options)
    {
        string folder = options.FreshFolder("disk");
        try
        {
            int sealMs = options.Number("--seal-ms", 600_000);
            List<DiskSetResult> sets = [];
            foreach (string name in (string[])["wearable", "noisy"])
            {
                if (options.Text("--set") is { } only && only != name) continue;
                DiskSet set = name == "wearable" ? DiskSet.Wearable(options.DataPath, options.Number("--activities", 1)) : DiskSet.Noisy(options.Number("--noisy-rows", 8_000));
                string of = Directory.CreateDirectory(Path.Combine(folder, sets.Count.ToString(CultureInfo.InvariantCulture))).FullName;
                sets.Add(MeasureAsync(set, of, sealMs, options.Peers).GetAwaiter().GetResult());
                if (!options.Json) Print(sets[^1]);
            }

            if (options.Json) Console.WriteLine(JsonSerializer.Serialize(new { sets }, JsonSerializerOptions.Web));
            return sets.TrueForAll(set => set.IsEqual) ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<DiskSetResult> MeasureAsync(DiskSet set, string folder, int sealMs, bool withPeers)
    {
        string registryFile = Path.Combine(folder, "registry.db"), logFolder = Path.Combine(folder, "log");
        uint[] deviceKeys = Register(set, registryFile, out uint profileHash);
        long samples = set.Samples;
        ulong before;
        using (BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = logFolder }))
        {
            foreach ((int device, long received, byte[] batch) in set.Batches(profileHash, sealMs))
            {
                long position;
                while (!log.TryAppend(LogRecordKind.Batch, 0, deviceKeys[device], received, batch, out position)) await log.WaitDurableAsync(log.DurablePosition);
            }

            await log.SealAsync();
            before = Checksum(log, out long stored);
            if (stored != samples) throw new InvalidOperationException($"The log holds {stored} samples of {samples}.");
        }

        long verbatim = DiskUse.Of(logFolder) + DiskUse.Of(registryFile);
        List<PeerSize> peers = withPeers ? await MeasurePeersAsync(folder, logFolder, registryFile, samples) : [];

        double compactionSeconds = 0;
        for (int pass = 0; pass < CompactionPasses; pass++)
        {
            string copy = Path.Combine(folder, "log-to-compact");
            CopyFolder(logFolder, copy);
            double seconds = await CompactAsync(copy);
            compactionSeconds = pass == 0 ? seconds : Math.Min(compactionSeconds, seconds);
            Directory.Delete(copy, recursive: true);
        }

        await CompactAsync(logFolder);
        bool isEqual;
        using (BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = logFolder })) isEqual = Checksum(log, out _) == before;

        long compacted = DiskUse.Of(logFolder) + DiskUse.Of(registryFile);
        return new DiskSetResult(set.Name, samples, verbatim / (double)samples, compacted / (double)samples, compactionSeconds / samples * 1e6, isEqual, set.BoundBytesPerSample, peers);
    }

    // CPU seconds.
    private static async Task<double> CompactAsync(string folder)
    {
        using BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = folder });
        TimeSpan begun = Environment.CpuUsage.TotalTime;
        await log.CompactAsync(DateTimeOffset.MaxValue);
        return (Environment.CpuUsage.TotalTime - begun).TotalSeconds;
    }

    private static async Task<List<PeerSize>> MeasurePeersAsync(string folder, string logFolder, string registryFile, long samples)
    {
        List<PeerSize> peers = [];
        using DeviceRegistry registry = DeviceRegistry.Open(registryFile, TimeProvider.System);
        foreach (Func<DiskPeer> start in DiskPeer.Installed(folder))
        {
            using DiskPeer peer = start();
            string copy = Path.Combine(folder, "log-of-the-sink");
            CopyFolder(logFolder, copy); // the sink's cursor is no part of what is measured
            using (BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = copy }))
            using (InfluxSink sink = new(log, registry, new InfluxOptions { Url = peer.Url, Api = InfluxApi.V1, RefusedFolder = folder }))
            using (CancellationTokenSource stop = new())
            {
                Task running = sink.RunAsync(stop.Token);
                while (sink.LagBytes > 0) await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, CancellationToken.None);
                await stop.CancelAsync();
                await running;
            }

            Directory.Delete(copy, recursive: true);
            peers.Add(new PeerSize(peer.Name, peer.SettleAndMeasure() / (double)samples));
        }

        return peers;
    }

    private static uint[] Register(DiskSet set, string file, out uint profileHash)
    {
        using DeviceRegistry registry = DeviceRegistry.Open(file, TimeProvider.System);
        ModelProfile profile = ProfileReader.Read(Encoding.UTF8.GetBytes(set.ProfileJson)).Profile!;
        registry.PutBrand("acme", "");
        registry.PutModel("acme", set.ProfileJson);
        profileHash = profile.Hash;
        return [.. registry.AddDevices([.. Enumerable.Range(0, DiskSet.Devices).Select(i => new NewDevice("acme", $"device-{i:d4}", profile.Model))])
            .Select(added => added.Device.DeviceKey)];
    }

    // Order, place and bytes of every record, and the samples in them.
    private static ulong Checksum(BlockLog log, out long samples)
    {
        BatchDecoder decoder = new();
        (ulong sum, samples) = (0, 0);
        using LogReader reader = log.OpenReader();
        while (reader.TryRead(out LogRecord record))
        {
            sum = (sum * 0x9E3779B97F4A7C15) ^ (ulong)record.Position ^ ((ulong)Wire.Crc32C.Compute(record.Payload.Span) << 32) ^ record.DeviceKey;
            if (record.Kind == LogRecordKind.Batch && decoder.Check(record.Payload.Span, out _, out long ofBatch) == Wire.Ingest.RefusalReason.None) samples += ofBatch;
        }

        return sum;
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.EnumerateFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    private static void Print(DiskSetResult set)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{set.Name}: {set.Samples:N0} samples"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  verbatim         {set.BytesPerSampleVerbatim:F4} B/sample"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  compacted        {set.BytesPerSampleCompacted:F4} B/sample, {(set.IsEqual ? "every record equal" : "NOT EQUAL")}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  compaction       {set.CompactionCpuSecondsPerMillionSamples:F3} core-s a million samples, proof of equality included"));
        if (set.BoundBytesPerSample is { } bound) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  bound            {bound:F4} B/sample: what the noise itself holds"));
        foreach (PeerSize peer in set.Peers) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {peer.Name,-16} {peer.BytesPerSample:F4} B/sample"));
    }

    private sealed record DiskSetResult(string Name, long Samples, double BytesPerSampleVerbatim, double BytesPerSampleCompacted, double CompactionCpuSecondsPerMillionSamples, bool IsEqual, double? BoundBytesPerSample, IReadOnlyList<PeerSize> Peers);

    private sealed record PeerSize(string Name, double BytesPerSample);
}
