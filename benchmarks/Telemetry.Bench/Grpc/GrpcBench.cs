using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Telemetry.Bench.Grpc;

/// <summary>
/// Durable samples a core-second over gRPC: a server in its own process (Kestrel, endpoint, ingest, registry, log with fdatasync) and streams that send
/// real one-second wearable data, sealed beforehand, each batch distinct. CPU is the server's, from /proc; each answer is checked to say "stored".
/// Options: <c>--batches N</c> a run (default 400,000), <c>--streams N</c> (default 8).
/// </summary>
internal static class GrpcBench
{
    /// <summary>Rows of a block, and sealed batches (of one block each) in one message.</summary>
    private static readonly (int Rows, int BatchesPerMessage)[] Shapes = [(60, 1), (60, 16), (360, 1), (360, 16)];

    public static int Run(BenchOptions options) => RunAsync(options).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(BenchOptions options)
    {
        int batches = options.Number("--batches", 400_000);
        int streams = options.Number("--streams", 8);
        WearableRows rows = WearableRows.Read(options.DataPath);
        using GrpcServerProcess server = await GrpcServerProcess.StartAsync(streams);
        uint epoch = 1;
        // The server compiles its hot paths in steps: a round that is not counted brings it to where it stays.
        foreach ((int rowsPerBlock, int batchesPerMessage) in Shapes) await MeasureAsync(server, rows, rowsPerBlock, batchesPerMessage, batches, epoch++);
        List<GrpcRun> runs = [];
        foreach ((int rowsPerBlock, int batchesPerMessage) in Shapes)
        {
            runs.Add(await MeasureAsync(server, rows, rowsPerBlock, batchesPerMessage, batches, epoch++));
        }

        Report(options, runs);
        return 0;
    }

    private static async Task<GrpcRun> MeasureAsync(GrpcServerProcess server, WearableRows rows, int rowsPerBlock, int batchesPerMessage, int batches, uint epoch)
    {
        List<(byte[] Block, int Rows)> blocks = rows.Blocks(rowsPerBlock);
        int perStream = Math.Max(batchesPerMessage, batches / server.Devices.Count / batchesPerMessage * batchesPerMessage);
        List<GrpcLoadStream> streams = [];
        long samples = 0;
        foreach ((string username, string secret) in server.Devices)
        {
            GrpcLoadStream stream = new(server.Port, username, secret);
            for (int seq = 1; seq <= perStream; seq += batchesPerMessage)
            {
                samples += stream.AddMessage(epoch, (ulong)seq, batchesPerMessage, server.Profile, blocks) * WearableRows.Columns;
            }

            streams.Add(stream);
        }

        GC.Collect();
        TimeSpan before = server.CpuTime;
        long started = Stopwatch.GetTimestamp();
        await Task.WhenAll(streams.Select(stream => Task.Run(stream.RunAsync)));
        TimeSpan wall = Stopwatch.GetElapsedTime(started);
        double cpu = (server.CpuTime - before).TotalSeconds;
        foreach (GrpcLoadStream stream in streams) stream.Dispose();
        long sent = (long)perStream * streams.Count;
        return new GrpcRun(rowsPerBlock, samples / cpu, true, batchesPerMessage, sent / cpu, samples / wall.TotalSeconds, samples, cpu);
    }

    private static void Report(BenchOptions options, List<GrpcRun> runs)
    {
        if (options.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { runs }, JsonSerializerOptions.Web));
            return;
        }

        Console.WriteLine("rows/block  batches/message  samples/core-s  batches/core-s  samples/s  CPU s");
        foreach (GrpcRun run in runs)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{run.RowsPerBlock,10}  {run.BatchesPerMessage,15}  {run.SamplesPerCoreSecond,14:N0}  {run.BatchesPerCoreSecond,14:N0}  {run.SamplesPerSecond,9:N0}  {run.CpuSeconds:F2}"));
        }
    }
}

/// <summary>One row of the result.</summary>
internal sealed record GrpcRun(
    int RowsPerBlock, double SamplesPerCoreSecond, bool Durable, int BatchesPerMessage, double BatchesPerCoreSecond, double SamplesPerSecond, long Samples, double CpuSeconds);
