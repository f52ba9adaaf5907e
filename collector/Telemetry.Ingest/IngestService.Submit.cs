using System.Buffers;
using Telemetry.Ingest.DeadLetters;
using Telemetry.Ingest.Sequences;
using Telemetry.Log;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest;

/// <content>One batch: admission, header, sequence, append, in that order.</content>
public sealed partial class IngestService
{
    private long _births;

    [ThreadStatic]
    private static byte[]? t_scratch;

    /// <inheritdoc/>
    public IngestTicket Submit(IngestSession session, in ReadOnlySequence<byte> batch)
    {
        if (batch.Length > WireLimits.MaxBatchBytes) return Refuse(session, RefusalReason.TooLarge, 0);
        if (!_log.IsWriting) return Refuse(session, RefusalReason.StorageUnavailable, _options.StorageRetryMs);
        if (!_shares.Admits(session.BrandKey, _log.Generation, _log.WaitingBytes, (int)batch.Length)) return RefuseOverloaded(session);
        if (batch.IsSingleSegment) return Take(session, batch.FirstSpan);

        byte[] scratch = t_scratch ??= GC.AllocateUninitializedArray<byte>(WireLimits.MaxBatchBytes);
        batch.CopyTo(scratch);
        return Take(session, scratch.AsSpan(0, (int)batch.Length));
    }

    /// <inheritdoc/>
    public void ReportLife(IngestSession session, in ReadOnlySequence<byte> message) => Interlocked.Increment(ref _births);

    /// <summary>Life messages (births and wills) so far.</summary>
    internal long LifeMessages => Volatile.Read(ref _births);

    private IngestTicket Take(IngestSession session, ReadOnlySpan<byte> batch)
    {
        if (BatchReader.ReadHeader(batch, out BatchHeader header, out RefusalReason reason) != DecodeStatus.Done) return TakeUnreadable(session, batch, reason);

        bool isKnownProfile = _directory.KnowsProfile(session.DeviceKey, header.ProfileHash);
        for (long askedAt = -1; ; )
        {
            switch (TrySettle(session, header, batch, isKnownProfile, askedAt, out IngestTicket ticket))
            {
                case Settlement.NewGap:
                    _commands.Notify(session.DeviceKey);
                    return ticket;
                case Settlement.TooManyEpochs:
                    return TakeUnreadable(session, batch, RefusalReason.LimitExceeded);
                case Settlement.AskTheLog:
                    if (LogHolds(session.DeviceKey, header.Epoch, header.Seq)) return CountDuplicate(session, ticket.Position);
                    askedAt = ticket.Position;
                    continue;
                default:
                    return ticket;
            }
        }
    }

    private Settlement TrySettle(
        IngestSession session, in BatchHeader header, ReadOnlySpan<byte> batch, bool isKnownProfile, long askedAt, out IngestTicket ticket)
    {
        uint deviceKey = session.DeviceKey;
        IngestShard shard = ShardOf(deviceKey);
        ticket = default;
        lock (shard.Lock)
        {
            if (_directory.IsErasedEpoch(deviceKey, header.Epoch))
            {
                ticket = shard.Count(IngestOutcome.Refused, RefusalReason.ErasedEpoch, 0, 0, batch.Length);
                return Settlement.Done;
            }

            int index = shard.Table.Find(deviceKey, header.Epoch, out int otherEpochs);
            if (index < 0 && otherEpochs >= SeqTable.MaxEpochsPerDevice) return Settlement.TooManyEpochs;
            SeqVerdict verdict = index < 0 ? SeqVerdict.New : shard.Look(index, header.Seq);
            if (verdict == SeqVerdict.Unsure)
            {
                long last = shard.Table[index].LastPosition;
                if (last >= _log.DurablePosition)
                {
                    // The log cannot be asked about what it has not flushed yet.
                    ticket = CountOverloaded(shard);
                    return Settlement.Done;
                }

                // The log's answer holds as long as the epoch took nothing since.
                if (askedAt != last)
                {
                    ticket = new IngestTicket(IngestOutcome.Duplicate, RefusalReason.None, last, 0);
                    return Settlement.AskTheLog;
                }
            }

            bool isReplay = verdict == SeqVerdict.Seen && isKnownProfile && _book.ReplayableCount > 0
                && _book.TryGet(DeadLetterBook.KeyOf(deviceKey, header.Epoch, header.Seq), out _);
            if (verdict == SeqVerdict.Seen && !isReplay)
            {
                ticket = shard.Count(IngestOutcome.Duplicate, RefusalReason.None, shard.Table[index].LastPosition, 0, batch.Length);
                return Settlement.Done;
            }

            return Store(session, shard, index, header, batch, isKnownProfile, isReplay, out ticket);
        }
    }

    // Under the shard's lock: the batch, or the dead letter of one whose profile is unknown, goes to the log, and its seq counts as settled.
    private Settlement Store(
        IngestSession session, IngestShard shard, int index, in BatchHeader header, ReadOnlySpan<byte> batch, bool isKnownProfile, bool isReplay, out IngestTicket ticket)
    {
        uint deviceKey = session.DeviceKey;
        long now = NowUnixMs();
        (LogRecordKind kind, RefusalReason reason) = isKnownProfile ? (LogRecordKind.Batch, RefusalReason.None) : (LogRecordKind.DeadLetter, RefusalReason.UnknownProfile);
        bool hasRoom = HasRoom(shard, index, batch.Length) && (isKnownProfile || _book.ReplayableCount < _options.MaxReplayable);
        if (!hasRoom || !_log.TryAppend(kind, (byte)reason, deviceKey, now, batch, out long position))
        {
            ticket = CountOverloaded(shard);
            return Settlement.Done;
        }

        if (index < 0)
        {
            index = shard.Table.Add(deviceKey, header.Epoch);
            _windows.OnDeviceAdded();
        }

        bool hasNewGap = false;
        if (isReplay) shard.Table[index].LastPosition = position;
        else hasNewGap = shard.Settle(index, header.Seq, position);
        Charge(shard, index, session.BrandKey, batch.Length);
        CheckpointIfDue(position);

        UInt128 key = DeadLetterBook.KeyOf(deviceKey, header.Epoch, header.Seq);
        if (isReplay) _book.Remove(key);
        else if (!isKnownProfile) _book.Add(key, new DeadLetter(position, deviceKey, reason, now, batch.Length));
        ticket = shard.Count(isKnownProfile ? IngestOutcome.Stored : IngestOutcome.DeadLettered, reason, position, 0, batch.Length);
        return hasNewGap ? Settlement.NewGap : Settlement.Done;
    }

    private IngestTicket TakeUnreadable(IngestSession session, ReadOnlySpan<byte> batch, RefusalReason reason)
    {
        UInt128 key = DeadLetterBook.KeyOf(session.DeviceKey, batch);
        IngestShard shard = ShardOf(session.DeviceKey);
        lock (shard.Lock)
        {
            if (_book.TryGet(key, out DeadLetter kept)) return shard.Count(IngestOutcome.Duplicate, kept.Reason, kept.Position, 0, batch.Length);
            long now = NowUnixMs();
            if (!_log.TryAppend(LogRecordKind.DeadLetter, (byte)reason, session.DeviceKey, now, batch, out long position))
            {
                return CountOverloaded(shard);
            }

            _shares.Charge(session.BrandKey, _log.Generation, batch.Length);
            _book.Add(key, new DeadLetter(position, session.DeviceKey, reason, now, batch.Length));
            return shard.Count(IngestOutcome.DeadLettered, reason, position, 0, batch.Length);
        }
    }

    private bool HasRoom(IngestShard shard, int index, int bytes)
    {
        if (index < 0) return true;
        ref SeqEntry entry = ref shard.Table[index];
        return entry.Group != (uint)_log.Generation || entry.GroupBytes + bytes <= _deviceShareBytes;
    }

    private void Charge(IngestShard shard, int index, uint brandKey, int bytes)
    {
        long group = _log.Generation;
        ref SeqEntry entry = ref shard.Table[index];
        entry.GroupBytes = entry.Group == (uint)group ? entry.GroupBytes + bytes : bytes;
        entry.Group = (uint)group;
        _shares.Charge(brandKey, group, bytes);
    }

    // Only for a device whose gaps are more than memory keeps apart.
    private bool LogHolds(uint deviceKey, uint epoch, ulong seq)
    {
        using LogReader reader = _log.OpenDeviceReader(0, deviceKey);
        while (reader.TryRead(out LogRecord record))
        {
            bool isBatch = record.Kind == LogRecordKind.Batch
                || (record.Kind == LogRecordKind.DeadLetter && record.Reason == (byte)RefusalReason.UnknownProfile);
            if (isBatch && BatchReader.ReadHeader(record.Payload.Span, out BatchHeader header, out _) == DecodeStatus.Done
                && header.Epoch == epoch && header.Seq == seq) return true;
        }

        return false;
    }

    private IngestTicket CountDuplicate(IngestSession session, long position)
    {
        IngestShard shard = ShardOf(session.DeviceKey);
        lock (shard.Lock) return shard.Count(IngestOutcome.Duplicate, RefusalReason.None, position, 0, 0);
    }

    private IngestTicket CountOverloaded(IngestShard shard) => shard.Count(IngestOutcome.Refused, RefusalReason.Overloaded, 0, _options.OverloadRetryMs, 0);

    private IngestTicket RefuseOverloaded(IngestSession session) => Refuse(session, RefusalReason.Overloaded, _options.OverloadRetryMs);

    private IngestTicket Refuse(IngestSession session, RefusalReason reason, int retryAfterMs)
    {
        IngestShard shard = ShardOf(session.DeviceKey);
        lock (shard.Lock) return shard.Count(IngestOutcome.Refused, reason, 0, retryAfterMs, 0);
    }

    private enum Settlement
    {
        Done,
        NewGap,
        TooManyEpochs,
        AskTheLog,
    }
}
