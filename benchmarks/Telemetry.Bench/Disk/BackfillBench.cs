using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Telemetry.Bench.Codec;
using Telemetry.Ingest;
using Telemetry.Log;
using Telemetry.Wire.Ingest;

namespace Telemetry.Bench.Disk;

/// <summary>
/// A month that comes late: newest batch first against oldest first, through ingest with its de-duplication, every batch flushed. Options: <c>--days N</c> (default 30),
/// <c>--seal-ms N</c> (default 300,000), <c>--rounds N</c> (default 21).
/// </summary>
internal static class BackfillBench
{
    /// <summary>Rounds each way.</summary>
    public const int Rounds = 21;

    // One device's month alone is some 20 ms of work.
    private const int Devices = 16;

    public static int Run(BenchOptions options)
    {
        CodecSeries month = ReadBench.Month(DiskSet.Wearable(options.DataPath, activities: 3).Series[0], options.Number("--days", 30));
        List<byte[]> batches = ReadBench.Sealed(month, options.Number("--seal-ms", 300_000));
        string folder = options.FreshFolder("backfill");
        BackfillResult result;
        try
        {
            result = MeasureAsync(folder, batches, options.Number("--rounds", Rounds)).GetAwaiter().GetResult();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        if (options.Json) Console.WriteLine(JsonSerializer.Serialize(result, JsonSerializerOptions.Web));
        else Print(result);
        return 0;
    }

    /// <summary>Measures both ways in turn, so that what else the machine does meets both alike.</summary>
    /// <param name="folder">Gets a log a round.</param>
    /// <param name="batches">One device's, oldest first; every device sends them.</param>
    /// <param name="rounds">Each way.</param>
    public static async Task<BackfillResult> MeasureAsync(string folder, List<byte[]> batches, int rounds)
    {
        List<byte[]> reversed = [.. batches.AsEnumerable().Reverse()];
        double[] oldestFirst = new double[rounds], newestFirst = new double[rounds];
        (long disk, long reversedDisk) = (0, 0);
        for (int round = 0; round < rounds; round++)
        {
            (oldestFirst[round], disk) = await SendAsync(Path.Combine(folder, $"oldest-first-{round}"), batches);
            (newestFirst[round], reversedDisk) = await SendAsync(Path.Combine(folder, $"newest-first-{round}"), reversed);
        }

        oldestFirst.Sort();
        newestFirst.Sort();
        double sent = Devices * batches.Count;
        return new BackfillResult(
            Devices, batches.Count, sent / oldestFirst[0], sent / newestFirst[0],
            oldestFirst[0] / newestFirst[0], oldestFirst[rounds / 2] / newestFirst[rounds / 2], reversedDisk / (double)disk);
    }

    private static async Task<(double CpuSeconds, long DiskBytes)> SendAsync(string folder, List<byte[]> batches)
    {
        try
        {
            using BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = folder });
            using IngestService ingest = new(log, new OpenDirectory());
            IngestSession[] sessions = [.. Enumerable.Range(1, Devices).Select(key => new IngestSession((uint)key, 1, "bench", $"{key}", false, "bench"))];
            TimeSpan before = Environment.CpuUsage.TotalTime;
            IngestTicket ticket = default;
            foreach (byte[] batch in batches)
            {
                foreach (IngestSession session in sessions)
                {
                    while ((ticket = ingest.Submit(session, new ReadOnlySequence<byte>(batch))).Outcome == IngestOutcome.Refused) await log.WaitDurableAsync(log.DurablePosition);
                    if (ticket.Outcome != IngestOutcome.Stored) throw new InvalidOperationException($"A batch was {ticket.Outcome}.");
                }
            }

            await log.WaitDurableAsync(ticket.Position);
            return ((Environment.CpuUsage.TotalTime - before).TotalSeconds, log.DurablePosition);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Print(BackfillResult result)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.Devices} devices, {result.BatchesPerDevice:N0} batches each"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  oldest first {result.OldestFirstBatchesPerCoreSecond / 1e3:F0} k batches/core-s, newest first {result.NewestFirstBatchesPerCoreSecond / 1e3:F0} k"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  newest first against oldest first: {result.SpeedRatio:F2}x the speed by the best rounds, {result.MedianSpeedRatio:F2}x by the middle ones, {result.DiskRatio:F3}x the disk"));
    }
}

/// <summary>Both ways of a backfill; speeds are of the best round each way unless said.</summary>
internal sealed record BackfillResult(
    int Devices, int BatchesPerDevice, double OldestFirstBatchesPerCoreSecond, double NewestFirstBatchesPerCoreSecond,
    double SpeedRatio, double MedianSpeedRatio, double DiskRatio);
