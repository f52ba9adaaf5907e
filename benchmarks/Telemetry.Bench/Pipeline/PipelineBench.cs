using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Telemetry.Bench.Grpc;
using Telemetry.Insights.Store;

namespace Telemetry.Bench.Pipeline;

/// <summary>
/// The whole way a core-second carries: a collector in its own process takes real one-second wearable data of many users over gRPC, and every sample is durable,
/// de-duplicated, decoded, folded into minutes and named by scenario, with and without the InfluxDB sink. CPU is the collector's, from /proc, until its last
/// consumer has done the last batch; samples folded, minutes named and lines written are checked against what was sent.
/// Options: <c>--users N</c> (default 256), <c>--days N</c> each (default 1), <c>--rows N</c> a block and <c>--sink none|influx</c> (default: every run).
/// </summary>
internal static class PipelineBench
{
    private const string NoSink = "none", LineSink = "influx";
    private const int WarmUpUsers = 128, WarmUpRounds = 3;

    private static readonly (string Sink, int RowsPerBlock)[] s_runs = [(NoSink, 60), (NoSink, 360), (LineSink, 60)];

    public static int Run(BenchOptions options) => RunAsync(options).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(BenchOptions options)
    {
        int users = options.Number("--users", 256), days = options.Number("--days", 1);
        WearableRows rows = WearableRows.Read(options.DataPath);
        List<PipelineRun> runs = [];
        foreach ((string sink, int rowsPerBlock) in s_runs.Where(run => options.Number("--rows", run.RowsPerBlock) == run.RowsPerBlock && (options.Text("--sink") ?? run.Sink) == run.Sink))
        {
            string folder = options.FreshFolder($"pipeline-{sink}-{rowsPerBlock}");
            try
            {
                runs.Add(await MeasureAsync(folder, rows, sink, rowsPerBlock, users, days));
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        Report(options, runs);
        return 0;
    }

    private static async Task<PipelineRun> MeasureAsync(string folder, WearableRows rows, string sink, int rowsPerBlock, int users, int days)
    {
        await using LineCounter counter = await LineCounter.StartAsync();
        PipelineFleet fleet = PipelineFleet.Register(folder, rows, (WarmUpRounds * WarmUpUsers) + users, days);
        PipelineRun run;
        using (CollectorProcess collector = CollectorProcess.Start(folder, sink == LineSink ? counter.Url : null))
        {
            // A collector runs for weeks: what compiles its way to speed is not in the figure. After one round a quarter of the counted CPU was still the compiler's.
            long warmSamples = 0;
            for (int round = 0; round < WarmUpRounds; round++)
            {
                warmSamples += await SendAsync(collector, fleet, Enumerable.Range(round * WarmUpUsers, WarmUpUsers), rowsPerBlock);
                await collector.CaughtUpAsync();
                await collector.IdleAsync();
            }

            List<(GrpcLoadStream Stream, long Samples)> streams = Prepare(collector, fleet, Enumerable.Range(WarmUpRounds * WarmUpUsers, users), rowsPerBlock);
            long samples = streams.Sum(stream => stream.Samples);
            GC.Collect();

            double cpuBefore = collector.CpuSeconds;
            long started = Stopwatch.GetTimestamp();
            await PlayAsync(streams);
            double sendSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds, sendCpu = collector.CpuSeconds - cpuBefore;
            CollectorFigures end = await collector.CaughtUpAsync();
            double cpu = collector.CpuSeconds - cpuBefore;
            run = new PipelineRun(
                sink, Math.Round(samples / cpu), rowsPerBlock, samples, Math.Round(cpu, 2), Math.Round(sendCpu, 2), Math.Round(sendSeconds, 2),
                Math.Round(Stopwatch.GetElapsedTime(started).TotalSeconds, 2), collector.RssBytes);
            CheckCounts(end, await collector.MetricsAsync(), warmSamples + samples);
            if (sink == LineSink && counter.Lines != warmSamples + samples) throw new InvalidOperationException($"{warmSamples + samples} samples were sent and {counter.Lines} lines written.");
        }

        CheckSegments(folder, fleet, days);
        return run;
    }

    private static async Task<long> SendAsync(CollectorProcess collector, PipelineFleet fleet, IEnumerable<int> devices, int rowsPerBlock)
    {
        List<(GrpcLoadStream Stream, long Samples)> streams = Prepare(collector, fleet, devices, rowsPerBlock);
        await PlayAsync(streams);
        return streams.Sum(stream => stream.Samples);
    }

    private static List<(GrpcLoadStream Stream, long Samples)> Prepare(CollectorProcess collector, PipelineFleet fleet, IEnumerable<int> devices, int rowsPerBlock)
    {
        List<(GrpcLoadStream, long)> streams = [];
        foreach (int device in devices)
        {
            GrpcLoadStream stream = new(collector.GrpcPort, fleet.Devices[device].Username, fleet.Devices[device].Secret);
            PipelineRecording recording = fleet.Record(device, epoch: 1, rowsPerBlock);
            for (int i = 0; i < recording.Batches.Count; i++) stream.AddMessage((ulong)i + 1, [recording.Batches[i]]);
            streams.Add((stream, recording.Samples));
        }

        return streams;
    }

    private static async Task PlayAsync(List<(GrpcLoadStream Stream, long Samples)> streams)
    {
        await Task.WhenAll(streams.Select(one => Task.Run(one.Stream.RunAsync)));
        foreach ((GrpcLoadStream stream, _) in streams) stream.Dispose();
    }

    private static void CheckCounts(in CollectorFigures figures, string metrics, long samples)
    {
        if (figures.Stored != figures.Received) throw new InvalidOperationException($"{figures.Received} batches were received and {figures.Stored} stored.");
        string line = metrics.Split('\n').Single(one => one.StartsWith("telemetry_scenarios_samples", StringComparison.Ordinal));
        long folded = (long)double.Parse(line.AsSpan(line.LastIndexOf(' ')), CultureInfo.InvariantCulture);
        if (folded != samples) throw new InvalidOperationException($"{samples} samples were sent and {folded} folded.");
    }

    // Every minute of every user's days has a name.
    private static void CheckSegments(string folder, PipelineFleet fleet, int days)
    {
        using InsightsStore store = InsightsStore.Open(Path.Combine(folder, "insights.db"));
        foreach (PipelineDevice device in fleet.Devices)
        {
            int minutes = store.Segments(device.User, 0, int.MaxValue).Sum(stored => stored.Segment.Minutes);
            if (minutes != days * 1440) throw new InvalidOperationException($"{minutes} of {days * 1440} minutes of a user have a scenario.");
        }
    }

    private static void Report(BenchOptions options, List<PipelineRun> runs)
    {
        if (options.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { runs }, JsonSerializerOptions.Web));
            return;
        }

        Console.WriteLine("sink    rows/block  samples/core-s      samples  CPU s (while sending)  sent in s  done in s  resident MB");
        foreach (PipelineRun run in runs)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{run.Sink,-6}  {run.RowsPerBlock,10}  {run.SamplesPerCoreSecond,14:N0}  {run.Samples,11:N0}  {run.CpuSeconds,5:F2} ({run.CpuSecondsWhileSending:F2})  {run.SendSeconds,9:F2}  {run.Seconds,9:F2}  {run.RssBytes / 1e6,11:F0}"));
        }
    }
}

/// <summary>One row of the result.</summary>
internal sealed record PipelineRun(
    string Sink, double SamplesPerCoreSecond, int RowsPerBlock, long Samples, double CpuSeconds, double CpuSecondsWhileSending, double SendSeconds, double Seconds, long RssBytes);
