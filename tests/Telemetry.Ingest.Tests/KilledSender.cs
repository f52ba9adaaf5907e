using System.Buffers;
using System.Globalization;
using Telemetry.Log;
using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest.Tests;

/// <summary>A collector and its devices in one process, over real files. Prints "acked DEVICE SEQ" for every batch once it is durable, until it is killed.</summary>
internal static class KilledSender
{
    public const int Devices = 6;
    private const int Window = 20;

    /// <param name="folder">Of the log.</param>
    /// <param name="firstUnacked">Per device, the first seq it was not acked for: it sends from there on again.</param>
    public static async Task<int> RunAsync(string folder, ReadOnlyMemory<string> firstUnacked)
    {
        using BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = folder, SegmentBytes = 1 << 20, BufferBytes = 1 << 20 });
        using IngestService service = new(log, new FakeDirectory(), new IngestOptions { CheckpointBytes = 1 << 20 });
        await Task.WhenAll(Enumerable.Range(0, Devices).Select(device => SendAsync(service, (uint)device + 1, ulong.Parse(firstUnacked.Span[device], CultureInfo.InvariantCulture))));
        return 1;
    }

    private static async Task SendAsync(IngestService service, uint device, ulong seq)
    {
        IngestSession session = new(device, 1, "brand-1", device.ToString(CultureInfo.InvariantCulture), false, "mqtt");
        while (true)
        {
            long last = 0;
            for (ulong next = seq; next < seq + Window; next++)
            {
                IngestTicket ticket = service.Submit(session, new ReadOnlySequence<byte>(Batches.Seal(7, next, fill: 1 + (int)(next * 37 % 900))));
                last = Math.Max(last, ticket.Position);
            }

            if (!await service.WaitDurableAsync(last, CancellationToken.None)) return;
            for (ulong next = seq; next < seq + Window; next++) Console.WriteLine($"acked {device} {next}");
            seq += Window;
        }
    }
}
