using System.Buffers;
using Telemetry.Log;
using Telemetry.Log.Tests;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest.Tests;

/// <summary>Ingest over a log without a writer thread on a simulated disk: a flush happens when the test says so.</summary>
public abstract class IngestTestBase : IDisposable
{
    protected const uint Epoch = 0xE0000001;
    private BlockLog? _log;
    private IngestService? _service;

    private protected SimulatedDisk Disk { get; init; } = new(new Random(1));

    private protected FakeDirectory Directory { get; } = new();

    private protected IngestOptions Options { get; init; } = new();

    private protected BlockLog Log => _log ??= BlockLog.OpenManual(new BlockLogOptions { Disk = Disk, SegmentBytes = 1 << 20, BufferBytes = 1 << 20 });

    private protected IngestService Service => _service ??= new IngestService(Log, Directory, Options);

    public void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    /// <summary>An orderly stop: flush, checkpoint, close.</summary>
    private protected void Close()
    {
        if (_log is null) return;
        _log.FlushPending();
        _service?.Dispose();
        _log.Dispose();
        (_service, _log) = (null, null);
    }

    /// <summary>What a killed process leaves: no checkpoint, no last flush.</summary>
    private protected void Kill()
    {
        Disk.KillProcess();
        (_service, _log) = (null, null);
    }

    private protected IngestSession Session(string username = "brand-1/1", string endpoint = "mqtt") =>
        Service.AuthenticateAsync(username, "s"u8.ToArray(), endpoint, CancellationToken.None).AsTask().GetAwaiter().GetResult()!;

    private protected IngestTicket Submit(IngestSession session, byte[] batch) => Service.Submit(session, new ReadOnlySequence<byte>(batch));

    private protected IngestOutcome Send(ulong seq, uint epoch = Epoch) => Submit(Session(), Batches.Seal(epoch, seq)).Outcome;

    /// <summary>(device, epoch, seq) of every batch in the log, in order.</summary>
    private protected List<(uint Device, uint Epoch, ulong Seq)> Stored()
    {
        List<(uint, uint, ulong)> stored = [];
        using LogReader reader = Log.OpenReader();
        while (reader.TryRead(out LogRecord record))
        {
            if (record.Kind != LogRecordKind.Batch) continue;
            Assert.Equal(Wire.DecodeStatus.Done, BatchReader.ReadHeader(record.Payload.Span, out BatchHeader header, out _));
            stored.Add((record.DeviceKey, header.Epoch, header.Seq));
        }

        return stored;
    }
}
