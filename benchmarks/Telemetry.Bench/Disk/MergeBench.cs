using System.Globalization;
using System.Text.Json;
using Telemetry.Log;
using Telemetry.Wire;

namespace Telemetry.Bench.Disk;

/// <summary>
/// What a small fleet's log costs: 10 devices with the recorded 1 Hz activities, a segment an hour. Bytes a sample, indexes and file system blocks included, as it came, with every
/// hour compacted for itself, and with the hours merged. Options: <c>--seal-ms N</c> (default 300,000, the SDK's).
/// </summary>
internal static class MergeBench
{
    private const int Devices = 10;
    private const long HourMs = 3_600_000;

    public static int Run(BenchOptions options)
    {
        MergeResult result = RunAsync(options).GetAwaiter().GetResult();
        if (options.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(result, JsonSerializerOptions.Web));
            return result.IsEqual ? 0 : 1;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Devices} devices, {result.Samples:N0} samples"));
        foreach (MergeForm form in result.Forms) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {form.Name,-10} {form.Files,4} files  {form.BytesPerSample:F4} B/sample"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {(result.IsEqual ? "every record equal" : "NOT EQUAL")}; merging took {result.MergeCoreSeconds:F2} core-s and wrote {result.Rewritten:F2} times what came"));
        return result.IsEqual ? 0 : 1;
    }

    private static async Task<MergeResult> RunAsync(BenchOptions options)
    {
        string folder = options.FreshFolder("merge"), merged = Path.Combine(folder, "merged"), alone = Path.Combine(folder, "alone");
        try
        {
            DiskSet set = DiskSet.Wearable(options.DataPath, activities: 3);
            var hours = set.Batches(SealedBatches.Profile, options.Number("--seal-ms", 300_000)).Where(batch => batch.Device < Devices)
                .GroupBy(batch => (batch.ReceivedUnixMs - DiskSet.StartUnixMs) / HourMs).Select(hour => hour.ToArray()).ToArray();
            double samples = set.SamplesOf(Devices);
            List<MergeForm> forms = [];

            // A log of its own for every hour: nothing to merge it with.
            foreach (var hour in hours)
            {
                using BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = Path.Combine(alone, hour[0].ReceivedUnixMs.ToString(CultureInfo.InvariantCulture)) });
                await FillAsync(log, hour);
                await log.CompactAsync(DateTimeOffset.MaxValue);
            }

            bool isEqual;
            double coreSeconds = 0, rewritten = 0;
            using (BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = merged }))
            {
                foreach (var hour in hours) await FillAsync(log, hour);
                ulong before = Checksum(log);
                long verbatim = SealedBytes(merged);
                forms.Add(new MergeForm("verbatim", Files(merged), verbatim / samples));
                forms.Add(new MergeForm("alone", Files(alone) - hours.Length, Directory.EnumerateDirectories(alone).Sum(SealedBytes) / samples));
                TimeSpan started = Environment.CpuUsage.TotalTime;
                LogCompaction done = await log.CompactAsync(DateTimeOffset.MaxValue);
                coreSeconds = (Environment.CpuUsage.TotalTime - started).TotalSeconds;
                rewritten = done.BytesBefore / (double)verbatim;
                isEqual = Checksum(log) == before;
            }

            forms.Add(new MergeForm("merged", Files(merged), SealedBytes(merged) / samples));
            return new MergeResult((long)samples, forms, isEqual, coreSeconds, rewritten);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task FillAsync(BlockLog log, (int Device, long ReceivedUnixMs, byte[] Batch)[] hour)
    {
        foreach ((int device, long received, byte[] batch) in hour)
        {
            while (!log.TryAppend(LogRecordKind.Batch, 0, (uint)device + 1, received, batch, out _)) await log.WaitDurableAsync(log.DurablePosition);
        }

        await log.SealAsync();
    }

    // Segments and indexes but the last segment, which is reserved in full for what comes.
    private static long SealedBytes(string folder)
    {
        string last = Directory.EnumerateFiles(folder, "*.seg").Max(StringComparer.Ordinal)!;
        return Directory.EnumerateFiles(folder).Where(file => file != last && Path.GetExtension(file) is (".seg" or ".idx" or ".times")).Sum(DiskUse.Of);
    }

    private static int Files(string folder) => Directory.EnumerateFiles(folder, "*.seg", SearchOption.AllDirectories).Count();

    private static ulong Checksum(BlockLog log)
    {
        ulong sum = 0;
        using LogReader reader = log.OpenReader();
        while (reader.TryRead(out LogRecord record)) sum = (sum * 0x9E3779B97F4A7C15) ^ (ulong)record.Position ^ ((ulong)Crc32C.Compute(record.Payload.Span) << 32) ^ record.DeviceKey;
        return sum;
    }

    private sealed record MergeResult(long Samples, IReadOnlyList<MergeForm> Forms, bool IsEqual, double MergeCoreSeconds, double Rewritten);

    private sealed record MergeForm(string Name, int Files, double BytesPerSample);
}
