using System.Buffers.Binary;
using Telemetry.Ingest.DeadLetters;
using Telemetry.Ingest.Sequences;
using Telemetry.Log;
using Telemetry.Log.Rewriting;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest;

/// <content>What is known of sequences is a fold over the log: a checkpoint, then the records behind it.</content>
public sealed partial class IngestService
{
    // A checkpoint costs its own size: it is written when at least this many times its bytes came in.
    private const int CheckpointFactor = 4;

    private static readonly TimeSpan LastCheckpointLimit = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _closing;
    private long _checkpointAt;
    private int _isCheckpointing;
    private int _isDisposed;
    private Task _checkpoint = Task.CompletedTask;

    private void Rebuild()
    {
        bool isLoaded = SeqCheckpoint.TryLoad(_log.Disk, _log.DurablePosition, ShardOf, _book, out long position, out string? fault);
        if (!isLoaded && fault is not null) IngestEvents.CheckpointUnusable(_logger, fault);
        long fromCheckpoint = SequenceMemory.Epochs;
        long records = 0;
        using (LogReader reader = _log.OpenReader(position))
        {
            for (; reader.TryRead(out LogRecord record); records++) Apply(record);
        }

        _checkpointAt = _log.DurablePosition + _options.CheckpointBytes;
        IngestEvents.Rebuilt(_logger, SequenceMemory.Epochs, fromCheckpoint, records);
    }

    // Applying a record twice changes nothing, so a checkpoint may hold more than its position says.
    private void Apply(in LogRecord record)
    {
        ReadOnlySpan<byte> payload = record.Payload.Span;
        switch (record.Kind)
        {
            case LogRecordKind.Batch when BatchReader.ReadHeader(payload, out BatchHeader header, out _) == DecodeStatus.Done:
                Apply(record, header);
                _book.Remove(DeadLetterBook.KeyOf(record.DeviceKey, header.Epoch, header.Seq));
                break;
            case LogRecordKind.DeadLetter:
                ApplyDeadLetter(record, payload);
                break;
            case LogRecordKind.DeadLetterSettled when payload.Length == SettledBytes:
                _book.Remove(BinaryPrimitives.ReadUInt128LittleEndian(payload[sizeof(long)..]));
                break;
            case LogRecordKind.SeqsDropped:
                ApplyDropped(record, payload);
                break;
            default:
                break;
        }
    }

    private void Apply(in LogRecord record, in BatchHeader header) => Apply(record, header.Epoch, header.Seq, header.Seq);

    private void ApplyDropped(in LogRecord record, ReadOnlySpan<byte> payload)
    {
        (uint epoch, IReadOnlyList<(ulong First, ulong Last)> ranges) = DroppedSeqs.Read(payload);
        foreach ((ulong first, ulong last) in ranges) Apply(record, epoch, first, last);
    }

    private void Apply(in LogRecord record, uint epoch, ulong first, ulong last)
    {
        IngestShard shard = ShardOf(record.DeviceKey);
        int index = shard.Table.Find(record.DeviceKey, epoch, out _);
        if (index < 0) index = shard.Table.Add(record.DeviceKey, epoch);
        for (ulong seq = first; seq <= last; seq++)
        {
            if (shard.Look(index, seq) != SeqVerdict.Seen) shard.Settle(index, seq, record.Position);
        }
    }

    private void ApplyDeadLetter(in LogRecord record, ReadOnlySpan<byte> payload)
    {
        RefusalReason reason = (RefusalReason)record.Reason;
        UInt128 key;
        if (reason == RefusalReason.UnknownProfile && BatchReader.ReadHeader(payload, out BatchHeader header, out _) == DecodeStatus.Done)
        {
            Apply(record, header);
            key = DeadLetterBook.KeyOf(record.DeviceKey, header.Epoch, header.Seq);
        }
        else
        {
            key = DeadLetterBook.KeyOf(record.DeviceKey, payload);
        }

        _book.Add(key, new DeadLetter(record.Position, record.DeviceKey, reason, record.ReceivedUnixMs, payload.Length));
    }

    // Called for every stored batch: one comparison.
    private void CheckpointIfDue(long position)
    {
        if (position < Volatile.Read(ref _checkpointAt) || Interlocked.Exchange(ref _isCheckpointing, 1) != 0) return;
        _checkpoint = Task.Run(() => WriteCheckpointAsync(_closing.Token));
    }

    internal async Task WriteCheckpointAsync(CancellationToken cancellation = default)
    {
        // Whatever the sections hold beyond this position is applied again at the next start.
        long position = _log.NextPosition;
        List<ReadOnlyMemory<byte>> sections = SeqCheckpoint.Take(_shards, _book);
        long end = _log.NextPosition;
        long bytes = 0;
        try
        {
            // A seq may be remembered as seen only if its batch cannot be lost any more.
            if (!await _log.WaitDurableAsync(end - 1, cancellation).ConfigureAwait(false)) return;
            bytes = SeqCheckpoint.Save(_log.Disk, position, sections);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            IngestEvents.CheckpointFailed(_logger, exception.Message);
        }
        finally
        {
            Volatile.Write(ref _checkpointAt, end + Math.Max(_options.CheckpointBytes, CheckpointFactor * bytes));
            Volatile.Write(ref _isCheckpointing, 0);
        }
    }

    /// <summary>Writes a last checkpoint, so that the next start reads nothing twice; goes without it when the disk refuses for 5 s. Dispose before the log.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        if (_log.IsWriting) _closing.CancelAfter(LastCheckpointLimit);
        else _closing.Cancel();
        if (Interlocked.Exchange(ref _isCheckpointing, 1) == 0) _checkpoint = Task.Run(() => WriteCheckpointAsync(_closing.Token));
        _checkpoint.GetAwaiter().GetResult();
        _directory.CommandChanged -= _commands.Notify;
        _windows.Dispose();
        _metrics.Dispose();
        _closing.Dispose();
    }
}
