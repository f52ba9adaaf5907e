using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Telemetry.Ingest;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Wire.Ingest;

namespace Telemetry.Bench;

/// <summary>
/// Durable batches a core-second through Ingest and Log alone: 50 connections submit windows of batches and wait for the flush of
/// each, over real files with fdatasync, a real registry of 1,000 devices, distinct batches sealed beforehand. Then the state of a million devices.
/// Options: <c>--batches N</c> a run (default 1,000,000), as many before it that are not measured, <c>--devices N</c> for the second part (default 1,000,000), <c>--folder DIR</c>.
/// </summary>
internal static class IngestBench
{
    private const int Connections = 50;
    private const int Window = 64;
    private const int DevicesPerConnection = 20;
    private const uint Epoch = 0xBE9C0001;

    public static int Run(BenchOptions options)
    {
        int batches = options.Number("--batches", 1_000_000);
        int fleet = options.Number("--devices", 1_000_000);
        string folder = options.FreshFolder("ingest");
        try
        {
            // A collector runs for weeks: what compiles and recompiles its way to speed is not in the figure (it takes over half a second of CPU, most of a short run).
            Throughput(Path.Combine(folder, "warm"), 100, batches);
            List<IngestRun> runs = [];
            foreach (int payloadBytes in (int[])[100, 300]) runs.Add(Throughput(Path.Combine(folder, payloadBytes.ToString(CultureInfo.InvariantCulture)), payloadBytes, batches));
            (double bytesPerDevice, double startSeconds) = Fleet(Path.Combine(folder, "fleet"), fleet);
            Report(options, runs, fleet, bytesPerDevice, startSeconds);
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static IngestRun Throughput(string folder, int payloadBytes, int batches)
    {
        Directory.CreateDirectory(folder);
        using DeviceRegistry registry = DeviceRegistry.Open(Path.Combine(folder, "registry.db"), TimeProvider.System);
        List<Sender> senders = NewSenders(registry, payloadBytes, batches / Connections / DevicesPerConnection);
        using BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = Path.Combine(folder, "log") });
        using IngestService ingest = IngestService.Open(log, registry);

        GC.Collect();
        long allocatedBefore = GC.GetTotalAllocatedBytes();
        TimeSpan cpuBefore = Environment.CpuUsage.TotalTime;
        long started = Stopwatch.GetTimestamp();
        Task.WaitAll([.. senders.Select(sender => Task.Run(() => sender.RunAsync(ingest)))]);
        TimeSpan wall = Stopwatch.GetElapsedTime(started);
        double cpu = (Environment.CpuUsage.TotalTime - cpuBefore).TotalSeconds;
        long sent = senders.Sum(sender => sender.Count);
        IngestCounts counts = ingest.Counts;
        if (counts.Stored != sent || log.DurablePosition != log.NextPosition) throw new InvalidOperationException($"{sent} batches were sent and {counts} counted.");
        return new IngestRun(payloadBytes, sent / cpu, true, sent / wall.TotalSeconds, (GC.GetTotalAllocatedBytes() - allocatedBefore) / (double)sent);
    }

    private static List<Sender> NewSenders(DeviceRegistry registry, int payloadBytes, int batchesPerDevice)
    {
        registry.PutBrand("bench", "Bench");
        uint profile = registry.PutModel("bench", """{"model":"band","version":1,"signals":[{"id":1,"key":"heart_rate","unit":"/min","kind":"gauge","resolution":1,"min":20,"max":250,"privacy":"health","periodMs":1000}]}""").Profile.Hash;
        IReadOnlyList<NewCredentials> devices = registry.AddDevices([.. Enumerable.Range(0, Connections * DevicesPerConnection)
            .Select(number => new NewDevice("bench", $"d{number}", "band"))]);
        return [.. devices.Chunk(DevicesPerConnection).Select(own => new Sender(own, profile, payloadBytes, batchesPerDevice))];
    }

    private static (double BytesPerDevice, double StartSeconds) Fleet(string folder, int devices)
    {
        BlockLogOptions options = new() { Folder = folder };
        OpenDirectory directory = new();
        using (BlockLog log = BlockLog.Open(options))
        using (IngestService ingest = new(log, directory))
        {
            for (uint key = 1; key <= devices; key++)
            {
                IngestSession session = new(key, 1, "bench", "d", false, "bench");
                while (ingest.Submit(session, new ReadOnlySequence<byte>(SealedBatches.Seal(Epoch + key, 1, 100))) is { Outcome: IngestOutcome.Refused })
                {
                    ingest.WaitDurableAsync(log.DurablePosition, CancellationToken.None).AsTask().GetAwaiter().GetResult();
                }
            }
        }

        long started = Stopwatch.GetTimestamp();
        using BlockLog again = BlockLog.Open(options);
        using IngestService known = new(again, directory);
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        (long bytes, long epochs) = known.SequenceMemory;
        if (epochs != devices) throw new InvalidOperationException($"{epochs} of {devices} devices are known after the start.");
        return (bytes / (double)epochs, seconds);
    }

    private static void Report(BenchOptions options, List<IngestRun> runs, int fleet, double bytesPerDevice, double startSeconds)
    {
        if (options.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(
                new { runs, dedupBytesPerDevice = bytesPerDevice, startSecondsAt1M = startSeconds, devices = fleet }, JsonSerializerOptions.Web));
            return;
        }

        Console.WriteLine("bytes  durable batches/core-s  batches/s  allocated B/batch");
        foreach (IngestRun run in runs) Console.WriteLine($"{run.PayloadBytes,5}  {run.BatchesPerCoreSecond,22:N0}  {run.BatchesPerSecond,9:N0}  {run.AllocatedBytesPerBatch,17:N1}");
        Console.WriteLine($"{fleet:N0} devices known: {bytesPerDevice:N1} B each, start in {startSeconds:N2} s");
    }

    private sealed record IngestRun(int PayloadBytes, double BatchesPerCoreSecond, bool Durable, double BatchesPerSecond, double AllocatedBytesPerBatch);

    /// <summary>One connection: submits a window, waits until all of it is durable, goes on.</summary>
    private sealed class Sender
    {
        private readonly (IngestSession Session, byte[] Batch)[] _work;

        public Sender(IReadOnlyList<NewCredentials> devices, uint profile, int payloadBytes, int batchesPerDevice)
        {
            IngestSession[] sessions = [.. devices.Select(device => new IngestSession(
                device.Device.DeviceKey, device.Device.Description.BrandKey, "bench", device.Device.Description.Device, false, "bench"))];
            _work = new (IngestSession, byte[])[sessions.Length * batchesPerDevice];
            for (int i = 0; i < _work.Length; i++)
            {
                _work[i] = (sessions[i % sessions.Length], SealedBatches.Seal(Epoch, (ulong)(i / sessions.Length) + 1, payloadBytes, profile));
            }
        }

        public int Count => _work.Length;

        public async Task RunAsync(IngestService ingest)
        {
            for (int start = 0; start < _work.Length; start += Window)
            {
                long last = 0;
                for (int i = start; i < Math.Min(start + Window, _work.Length); i++)
                {
                    IngestTicket ticket = ingest.Submit(_work[i].Session, new ReadOnlySequence<byte>(_work[i].Batch));
                    if (ticket.Outcome != IngestOutcome.Stored) throw new InvalidOperationException($"A batch was {ticket.Outcome} ({ticket.Reason}).");
                    last = Math.Max(last, ticket.Position);
                }

                if (!await ingest.WaitDurableAsync(last, CancellationToken.None)) throw new InvalidOperationException("The log closed.");
            }
        }
    }
}
