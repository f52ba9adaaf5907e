using System.Buffers.Binary;
using Telemetry.Log;
using Telemetry.Log.Disk;
using Telemetry.Log.Rewriting;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest;

/// <summary>What a stopped log folder holds: the log's own state, and whether its batches keep the promises.</summary>
/// <param name="Log">Segments, damage and cursors.</param>
/// <param name="Batches">Batch records.</param>
/// <param name="DeadLetters">Dead letter records.</param>
/// <param name="UnsettledDeadLetters">Those that are neither replayed nor stored by a later copy.</param>
/// <param name="UnreadableBatches">Intact records whose batch is not: must be 0.</param>
/// <param name="Duplicates">Batches stored more than once: must be 0.</param>
/// <param name="Devices">Devices with batches.</param>
/// <param name="Epochs">Their epochs.</param>
/// <param name="Missing">Seqs that never came below the highest that did.</param>
/// <param name="Dropped">Batches that came and went again, by erasure or retention.</param>
/// <param name="Gaps">The first <see cref="MaxGaps"/> of their ranges.</param>
public sealed record FolderInspection(
    LogInspection Log, long Batches, long DeadLetters, long UnsettledDeadLetters, long UnreadableBatches, long Duplicates,
    long Devices, long Epochs, long Missing, long Dropped, IReadOnlyList<DeviceGap> Gaps)
{
    /// <summary>Ranges listed at most.</summary>
    public const int MaxGaps = 1_000;

    /// <summary>True when no byte is damaged and no batch stored twice. Gaps and dead letters are facts, not faults.</summary>
    public bool IsSound => Log.DamagedBytes == 0 && Log.UnreadableSegments.Count == 0 && UnreadableBatches == 0 && Duplicates == 0;

    /// <summary>Reads a whole stopped log folder without changing it.</summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public static FolderInspection Of(ILogDisk disk) => new Walk().Run(disk);

    private sealed class Walk
    {
        private readonly SortedDictionary<(uint Device, uint Epoch), SortedSet<ulong>> _ahead = [];
        private readonly Dictionary<(uint Device, uint Epoch), ulong> _contiguous = [];
        private readonly HashSet<(uint Device, uint Epoch, ulong Seq)> _awaitingProfile = [];
        private readonly HashSet<long> _unsettled = [];
        private readonly Dictionary<(uint Device, uint Epoch, ulong Seq), long> _letterOf = [];
        private long _batches;
        private long _letters;
        private long _unreadable;
        private long _duplicates;
        private long _dropped;

        public FolderInspection Run(ILogDisk disk)
        {
            LogInspection log = LogInspector.Inspect(disk, Take);
            List<DeviceGap> gaps = [];
            long missing = 0;
            foreach (((uint device, uint epoch), SortedSet<ulong> ahead) in _ahead)
            {
                ulong next = _contiguous[(device, epoch)] + 1;
                foreach (ulong seq in ahead)
                {
                    if (seq > next)
                    {
                        missing += (long)(seq - next);
                        if (gaps.Count < MaxGaps) gaps.Add(new DeviceGap(device, epoch, next, seq - 1));
                    }

                    next = seq + 1;
                }
            }

            return new FolderInspection(
                log, _batches, _letters, _unsettled.Count, _unreadable, _duplicates, _contiguous.Keys.Select(key => key.Device).Distinct().Count(), _contiguous.Count, missing, _dropped, gaps);
        }

        private void Take(LogRecord record)
        {
            ReadOnlySpan<byte> payload = record.Payload.Span;
            switch (record.Kind)
            {
                case LogRecordKind.Batch:
                    TakeBatch(record.DeviceKey, payload);
                    break;
                case LogRecordKind.DeadLetter:
                    TakeDeadLetter(record, payload);
                    break;
                case LogRecordKind.DeadLetterSettled when payload.Length >= sizeof(long):
                    _unsettled.Remove(BinaryPrimitives.ReadInt64LittleEndian(payload));
                    break;
                case LogRecordKind.SeqsDropped:
                    TakeDropped(record.DeviceKey, payload);
                    break;
                default:
                    break;
            }
        }

        private void TakeBatch(uint device, ReadOnlySpan<byte> payload)
        {
            _batches++;
            if (BatchReader.ReadHeader(payload, out BatchHeader header, out _) != DecodeStatus.Done)
            {
                _unreadable++;
                return;
            }

            (uint, uint, ulong) key = (device, header.Epoch, header.Seq);
            if (_awaitingProfile.Remove(key)) _unsettled.Remove(_letterOf[key]);
            else if (!Settle(device, header.Epoch, header.Seq)) _duplicates++;
        }

        private void TakeDeadLetter(in LogRecord record, ReadOnlySpan<byte> payload)
        {
            _letters++;
            _unsettled.Add(record.Position);
            if (record.Reason != (byte)RefusalReason.UnknownProfile || BatchReader.ReadHeader(payload, out BatchHeader header, out _) != DecodeStatus.Done) return;
            if (!Settle(record.DeviceKey, header.Epoch, header.Seq)) return;
            _awaitingProfile.Add((record.DeviceKey, header.Epoch, header.Seq));
            _letterOf[(record.DeviceKey, header.Epoch, header.Seq)] = record.Position;
        }

        // Erased or expired: they came, so they are not missing.
        private void TakeDropped(uint device, ReadOnlySpan<byte> payload)
        {
            (uint epoch, IReadOnlyList<(ulong First, ulong Last)> ranges) = DroppedSeqs.Read(payload);
            foreach ((ulong first, ulong last) in ranges)
            {
                for (ulong seq = first; seq <= last; seq++)
                {
                    _dropped++;
                    Settle(device, epoch, seq);
                }
            }
        }

        // An exact account, seq by seq: it checks what the window of the running service claims.
        private bool Settle(uint device, uint epoch, ulong seq)
        {
            (uint, uint) key = (device, epoch);
            ulong mark = _contiguous.GetValueOrDefault(key);
            if (!_ahead.TryGetValue(key, out SortedSet<ulong>? ahead))
            {
                _contiguous[key] = mark;
                _ahead.Add(key, ahead = []);
            }

            if (seq <= mark || !ahead.Add(seq)) return false;
            while (ahead.Remove(mark + 1)) mark++;
            _contiguous[key] = mark;
            return true;
        }
    }
}

/// <summary>Seqs of a device that never came, both ends included.</summary>
public readonly record struct DeviceGap(uint DeviceKey, uint Epoch, ulong First, ulong Last);
