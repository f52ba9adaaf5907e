using System.Globalization;
using System.Text.Json;
using Telemetry.Bench.Codec;
using Telemetry.Collector.Series;
using Telemetry.Log;
using Telemetry.Wire.Profiles;

namespace Telemetry.Bench.Disk;

/// <summary>
/// Samples read a core-second: one device's month of real 1 Hz rows out of the log it shares with other devices, as they came and compacted; and as a question gets them, placed in
/// time, in order and in the signal's unit: the whole month, and one hour in the middle of it. And a month that
/// comes late, as <see cref="BackfillBench"/> has it. Options: <c>--days N</c> (default 30), <c>--seal-ms N</c> (default 300,000).
/// </summary>
internal static class ReadBench
{
    private const int Neighbours = 3;
    private const uint Device = 1;
    private const int Passes = 20; // the first ones are partly the compiler's
    private const int AnswerPasses = 3;
    private const int HourPasses = 100;

    public static int Run(BenchOptions options)
    {
        int days = options.Number("--days", 30);
        int sealMs = options.Number("--seal-ms", 300_000);
        CodecSeries month = Month(DiskSet.Wearable(options.DataPath, activities: 3).Series[0], days);
        List<byte[]> batches = Sealed(month, sealMs);
        ReadResult read = RunAsync(options, month, batches).GetAwaiter().GetResult();
        if (options.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(read, JsonSerializerOptions.Web));
            return 0;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{days} days, {read.Samples:N0} samples in {batches.Count:N0} batches"));
        foreach (AnswerRun run in read.Answers)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {run.Form,-12} {run.SamplesPerCoreSecond / 1e6:F1} M samples/core-s as a question gets them; one hour of it in {run.HourMs:F1} ms of CPU, {run.HourWithoutTableMs:F1} ms where the time table has yet to be made"));
        foreach (ReadRun run in read.Runs) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {run.Form,-12} {run.SamplesPerCoreSecond / 1e6:F1} M samples/core-s"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  backfill newest first against oldest first: {read.BackfillRatio:F2}x the speed, {read.BackfillDiskRatio:F3}x the disk"));
        return 0;
    }

    private static async Task<ReadResult> RunAsync(BenchOptions options, CodecSeries month, List<byte[]> batches)
    {
        string folder = options.FreshFolder("read");
        try
        {
            long samples = (long)month.TimesMs.Length * month.Columns.Length;
            List<ReadRun> runs = [];
            List<AnswerRun> answers = [];
            using (BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = Path.Combine(folder, "log") }))
            {
                foreach (byte[] batch in batches)
                {
                    for (uint device = Device; device <= Device + Neighbours; device++)
                    {
                        while (!log.TryAppend(LogRecordKind.Batch, 0, device, DiskSet.StartUnixMs, batch, out _)) await log.WaitDurableAsync(log.DurablePosition);
                    }
                }

                await log.SealAsync();
                long sum = Read(log, samples, "verbatim", runs);
                answers.Add(Answer(log, month, samples, sum, "verbatim"));
                await log.CompactAsync(DateTimeOffset.MaxValue);
                if (Read(log, samples, "compacted", runs) != sum) throw new InvalidOperationException("The compacted log reads other values.");
                answers.Add(Answer(log, month, samples, sum, "compacted"));
            }

            BackfillResult backfill = await BackfillBench.MeasureAsync(Path.Combine(folder, "backfill"), batches, BackfillBench.Rounds);
            return new ReadResult(samples, runs, answers, backfill.SpeedRatio, backfill.DiskRatio);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static long Read(BlockLog log, long samples, string form, List<ReadRun> runs)
    {
        (double best, long sum) = (double.MaxValue, 0);
        for (int pass = 0; pass < Passes; pass++)
        {
            (long found, sum) = (0, 0);
            TimeSpan before = Environment.CpuUsage.TotalTime;
            using RowReader reader = log.OpenRowReader(Device);
            while (reader.TryRead())
            {
                for (int column = 0; column < reader.ColumnCount; column++)
                {
                    ReadOnlySpan<long> values = reader.Values(column);
                    found += values.Length;
                    foreach (long value in values) sum += value;
                }
            }

            best = Math.Min(best, (Environment.CpuUsage.TotalTime - before).TotalSeconds);
            if (found != samples) throw new InvalidOperationException($"{found} samples were read of {samples}.");
        }

        runs.Add(new ReadRun(form, samples / best));
        return sum;
    }

    private static AnswerRun Answer(BlockLog log, CodecSeries month, long samples, long sum, string form)
    {
        const long HourMs = 3_600_000;
        BenchCatalog catalog = new(month.Columns.Length);
        double best = double.MaxValue, bestHour = double.MaxValue, bestFirst = double.MaxValue;
        for (int pass = 0; pass < AnswerPasses; pass++)
        {
            (long found, double total) = (0, 0);
            TimeSpan before = Environment.CpuUsage.TotalTime;
            foreach (SampleRow row in new SampleReader(log, catalog, long.MaxValue).Read(new SampleRange(Device, long.MinValue, long.MaxValue, ""))) (found, total) = (found + 1, total + row.Value);
            best = Math.Min(best, (Environment.CpuUsage.TotalTime - before).TotalSeconds);
            if (found != samples || total != sum) throw new InvalidOperationException($"{found} samples of {total} were answered, {samples} of {sum} stored.");
        }

        // Short questions, so more of them: the first ones are the compiler's. Then each without the time table, which the question makes on its way.
        long middle = month.TimesMs[^1] / 2;
        long ofHour = month.TimesMs.LongCount(time => time >= middle && time < middle + HourMs) * month.Columns.Length;
        for (int pass = 0; pass < HourPasses; pass++) bestHour = Math.Min(bestHour, AskHour());
        for (int pass = 0; pass < Passes; pass++)
        {
            foreach (string table in log.Disk.ListFiles().Where(name => name.EndsWith(".times", StringComparison.Ordinal))) log.Disk.Delete(table);
            bestFirst = Math.Min(bestFirst, AskHour());
        }

        return new AnswerRun(form, samples / best, bestHour, bestFirst);

        double AskHour()
        {
            TimeSpan before = Environment.CpuUsage.TotalTime;
            long found = new SampleReader(log, catalog, long.MaxValue).Read(new SampleRange(Device, DiskSet.StartUnixMs + middle, DiskSet.StartUnixMs + middle + HourMs, "")).LongCount();
            double ms = (Environment.CpuUsage.TotalTime - before).TotalMilliseconds;
            return found == ofHour ? ms : throw new InvalidOperationException($"{found} samples of the hour in the middle were answered, {ofHour} stored.");
        }
    }

    /// <summary>A device's series as the batches it seals.</summary>
    internal static List<byte[]> Sealed(CodecSeries series, int sealMs) => [.. SealedSeries.Of(series, 0xD15C0001, SealedBatches.Profile, DiskSet.StartUnixMs, sealMs).Select(batch => batch.Bytes)];

    /// <summary>So many days of a series, over and over.</summary>
    internal static CodecSeries Month(CodecSeries source, int days)
    {
        int rows = days * 86_400;
        long[] times = new long[rows];
        int[][] columns = [.. source.Columns.Select(_ => new int[rows])];
        long from = 0;
        for (int row = 0; row < rows; row++)
        {
            int at = row % source.TimesMs.Length;
            if (at == 0 && row > 0) from = times[row - 1] + 1000;
            times[row] = from + source.TimesMs[at];
            for (int column = 0; column < columns.Length; column++) columns[column][row] = source.Columns[column][at];
        }

        return new CodecSeries(times, columns);
    }

    // One model that has as many signals as the month has columns.
    private sealed class BenchCatalog(int signals) : IDeviceCatalog
    {
        private readonly ModelProfile _profile = new(
            "band", 1, SealedBatches.Profile, [.. Enumerable.Range(1, signals).Select(id => new SignalDefinition(id, $"signal_{id}", "1", SignalKind.Gauge, 1, 0, 1, PrivacyClass.Device, 1000))]);

        public DeviceDescription FindDevice(uint deviceKey) => new(deviceKey, 1, "bench", "band-1", "band");

        public ModelProfile FindProfile(uint deviceKey, uint profileHash) => _profile;
    }

    private sealed record AnswerRun(string Form, double SamplesPerCoreSecond, double HourMs, double HourWithoutTableMs);

    private sealed record ReadResult(long Samples, IReadOnlyList<ReadRun> Runs, IReadOnlyList<AnswerRun> Answers, double BackfillRatio, double BackfillDiskRatio);

    private sealed record ReadRun(string Form, double SamplesPerCoreSecond);
}
