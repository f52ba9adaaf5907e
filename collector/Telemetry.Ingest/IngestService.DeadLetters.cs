using System.Buffers.Binary;
using Telemetry.Ingest.DeadLetters;
using Telemetry.Ingest.Sequences;
using Telemetry.Log;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest;

/// <summary>What a replay of dead letters did.</summary>
/// <param name="Stored">Are batches now.</param>
/// <param name="Duplicates">Were stored by another copy already.</param>
/// <param name="Remaining">Are still not understood.</param>
public readonly record struct ReplayResult(long Stored, long Duplicates, long Remaining);

/// <content>Dead letters: listed, read verbatim, replayed once after the fix.</content>
public sealed partial class IngestService
{
    // i64 position, u128 key
    private const int SettledBytes = sizeof(long) + 16;

    /// <summary>The dead letters that are not settled, in log order, at most <paramref name="limit"/> behind <paramref name="afterPosition"/>.</summary>
    public IReadOnlyList<DeadLetter> ListDeadLetters(long afterPosition = -1, int limit = 1000) =>
        [.. _book.List().Select(entry => entry.Value).Where(letter => letter.Position > afterPosition).Take(limit)];

    /// <summary>Forgets dead letters whose records were erased from the log.</summary>
    public void ForgetDeadLetters(IEnumerable<long> positions)
    {
        HashSet<long> erased = [.. positions];
        foreach ((UInt128 key, DeadLetter letter) in _book.List())
        {
            if (erased.Contains(letter.Position)) _book.Remove(key);
        }
    }

    /// <summary>The original bytes of a dead letter; null when the log no longer holds them intact or they are not flushed yet.</summary>
    public byte[]? ReadDeadLetter(in DeadLetter letter)
    {
        using LogReader reader = _log.OpenReader(letter.Position);
        return reader.TryRead(out LogRecord record) && record.Position == letter.Position && record.Kind == LogRecordKind.DeadLetter
            ? record.Payload.ToArray()
            : null;
    }

    /// <summary>Takes every dead letter that is understood by now (its profile was registered, a reader was repaired) as the batch it is, once,
    /// with the time it was received. Returns when the result is durable.</summary>
    /// <param name="cancellation">Ends it between two letters; what was replayed stays.</param>
    public async ValueTask<ReplayResult> ReplayDeadLettersAsync(CancellationToken cancellation)
    {
        long stored = 0, duplicates = 0, remaining = 0, last = -1;
        foreach ((UInt128 key, DeadLetter letter) in _book.List())
        {
            cancellation.ThrowIfCancellationRequested();
            if (ReadDeadLetter(letter) is not { } batch || !IsUnderstood(letter.DeviceKey, batch, out BatchHeader header))
            {
                remaining++;
                continue;
            }

            IngestOutcome? outcome;
            while ((outcome = TryReplay(key, letter, header, batch, ref last)) is null)
            {
                // The buffer is full: go on behind the flush under way.
                if (!await _log.WaitDurableAsync(_log.DurablePosition, cancellation).ConfigureAwait(false)) return new ReplayResult(stored, duplicates, remaining + 1);
            }

            if (outcome == IngestOutcome.Stored) stored++;
            else duplicates++;
        }

        if (last >= 0) await _log.WaitDurableAsync(last, cancellation).ConfigureAwait(false);
        IngestEvents.Replayed(_logger, stored, duplicates, remaining);
        return new ReplayResult(stored, duplicates, remaining);
    }

    private bool IsUnderstood(uint deviceKey, ReadOnlySpan<byte> batch, out BatchHeader header) =>
        BatchReader.ReadHeader(batch, out header, out _) == DecodeStatus.Done && _directory.KnowsProfile(deviceKey, header.ProfileHash);

    // The batch first, its settlement second: a crash between leaves a letter that the next replay finds to be a duplicate.
    private IngestOutcome? TryReplay(UInt128 key, in DeadLetter letter, in BatchHeader header, ReadOnlySpan<byte> batch, ref long last)
    {
        IngestShard shard = ShardOf(letter.DeviceKey);
        lock (shard.Lock)
        {
            // A fenced epoch's letter is settled without its bytes coming back.
            IngestOutcome outcome = IngestOutcome.Duplicate;
            if (_book.TryGet(key, out _) && !_directory.IsErasedEpoch(letter.DeviceKey, header.Epoch))
            {
                int index = shard.Table.Find(letter.DeviceKey, header.Epoch, out _);
                if (index < 0) index = shard.Table.Add(letter.DeviceKey, header.Epoch);
                bool isOwnSeq = letter.Reason == RefusalReason.UnknownProfile;
                if (isOwnSeq || shard.Look(index, header.Seq) == SeqVerdict.New)
                {
                    if (!_log.TryAppend(LogRecordKind.Batch, 0, letter.DeviceKey, letter.ReceivedUnixMs, batch, out last)) return null;
                    if (isOwnSeq) shard.Table[index].LastPosition = last;
                    else shard.Settle(index, header.Seq, last);
                    shard.CountReplay();
                    outcome = IngestOutcome.Stored;
                }
            }

            Span<byte> settled = stackalloc byte[SettledBytes];
            BinaryPrimitives.WriteInt64LittleEndian(settled, letter.Position);
            BinaryPrimitives.WriteUInt128LittleEndian(settled[sizeof(long)..], key);
            if (_log.TryAppend(LogRecordKind.DeadLetterSettled, 0, letter.DeviceKey, NowUnixMs(), settled, out long settledAt)) last = settledAt;
            _book.Remove(key);
            return outcome;
        }
    }
}
