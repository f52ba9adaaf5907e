using Telemetry.Log;
using Telemetry.Wire.Batches;

namespace Telemetry.Influx;

/// <summary>
/// Places the batches of devices that did not know the time when they sealed: by a clock reading of the same boot, or, when none comes
/// within <see cref="InfluxOptions.ClockWait"/> of log time or the device boots again, by the collector's receive time.
/// </summary>
/// <remarks>
/// A batch that waits holds the cursor back, so after a restart it is met again and placed by the same rule over the same log: the same
/// points with the same timestamps. Bounded: <see cref="MaxWaiting"/> batches, <see cref="MaxKnown"/> readings. One owner.
/// </remarks>
internal sealed class ClockPlacement(InfluxOptions options)
{
    /// <summary>Batches that wait at once; one more places the oldest by its receive time.</summary>
    public const int MaxWaiting = 1024;

    /// <summary>Devices whose last clock reading is remembered, about 100 bytes each.</summary>
    public const int MaxKnown = 65_536;

    private readonly Dictionary<uint, (uint Epoch, uint Boot, long ToUnixMs)> _known = [];
    private readonly LinkedList<WaitingBatch> _waiting = [];

    /// <summary>Position of the oldest batch that waits, or null.</summary>
    public long? OldestWaiting => _waiting.First?.Value.Position;

    /// <summary>Forgets everything; the reader begins again at the cursor.</summary>
    public void Reset()
    {
        _known.Clear();
        _waiting.Clear();
    }

    /// <summary>What is added to the uptimes of a batch to make them Unix time.</summary>
    /// <returns>False when the batch must wait; <see cref="Wait"/> then takes it.</returns>
    public bool TryPlace(in LogRecord record, in BatchHeader header, out long toUnixMs)
    {
        if (header.Clock.IsSet)
        {
            toUnixMs = header.Clock.WallUnixMs - header.Clock.UptimeMs;
            if (_known.Count >= MaxKnown && !_known.ContainsKey(record.DeviceKey)) _known.Clear();
            _known[record.DeviceKey] = (header.Epoch, header.Boot, toUnixMs);
            return true;
        }

        bool isKnown = _known.TryGetValue(record.DeviceKey, out var reading) && reading.Epoch == header.Epoch && reading.Boot == header.Boot;
        toUnixMs = reading.ToUnixMs;
        return isKnown;
    }

    /// <summary>Lets a batch wait.</summary>
    public void Wait(in LogRecord record, in BatchHeader header) =>
        _waiting.AddLast(new WaitingBatch(record.Position, record.DeviceKey, header.Epoch, header.Boot, record.ReceivedUnixMs, record.ReceivedUnixMs - header.Clock.UptimeMs));

    /// <summary>Takes out a batch whose waiting ends with this record, oldest first.</summary>
    /// <param name="record">The record now read.</param>
    /// <param name="header">Its header; null for a record that is no good batch.</param>
    /// <param name="batch">Where the batch stands and how to place it.</param>
    /// <returns>False when no further one ends.</returns>
    public bool TryEndWait(in LogRecord record, BatchHeader? header, out PlacedBatch batch)
    {
        for (LinkedListNode<WaitingBatch>? node = _waiting.First; node is not null; node = node.Next)
        {
            WaitingBatch waiting = node.Value;
            bool sameDevice = header is not null && waiting.DeviceKey == record.DeviceKey;
            bool sameBoot = sameDevice && header!.Value.Epoch == waiting.Epoch && header.Value.Boot == waiting.Boot;
            bool isPlaced = sameBoot && header!.Value.Clock.IsSet;
            bool isOver = (sameDevice && !sameBoot) || _waiting.Count > MaxWaiting
                || record.ReceivedUnixMs - waiting.ReceivedUnixMs > (long)options.ClockWait.TotalMilliseconds;
            if (!isPlaced && !isOver) continue;

            _waiting.Remove(node);
            long toUnixMs = isPlaced ? header!.Value.Clock.WallUnixMs - header.Value.Clock.UptimeMs : waiting.ByReceiveTime;
            batch = new PlacedBatch(waiting.Position, toUnixMs, IsByReceiveTime: !isPlaced);
            return true;
        }

        batch = default;
        return false;
    }

    private readonly record struct WaitingBatch(long Position, uint DeviceKey, uint Epoch, uint Boot, long ReceivedUnixMs, long ByReceiveTime);
}

/// <summary>A batch whose waiting is over.</summary>
internal readonly record struct PlacedBatch(long Position, long ToUnixMs, bool IsByReceiveTime);
