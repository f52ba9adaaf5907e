using Telemetry.Log;
using Telemetry.Wire.Batches;

namespace Telemetry.Influx;

/// <summary>
/// Places the batches of devices that did not know the time when they sealed: by a clock reading of the same boot, or, when none comes
/// within <see cref="InfluxOptions.ClockWait"/> of log time or the device boots again, by the collector's receive time.
/// </summary>
/// <remarks>
/// A batch that waits holds the cursor back, so after a restart it is met again and placed by the same rule over the same log: the same
/// points with the same timestamps; a reading that stands before the cursor, and so is not met again, is looked up in the log. The rule is that of <see cref="BootClocks"/>.
/// Bounded: <see cref="MaxWaiting"/> batches, <see cref="MaxLookedUp"/> boots. One owner.
/// </remarks>
internal sealed class ClockPlacement(InfluxOptions options)
{
    /// <summary>Batches that wait at once; one more places the oldest by its receive time.</summary>
    public const int MaxWaiting = 1024;

    /// <summary>Boots that are remembered as looked up; one more and all are forgotten, and looked up once more.</summary>
    public const int MaxLookedUp = 65_536;

    private readonly BootClocks _clocks = new();
    private readonly HashSet<DeviceBoot> _lookedUp = [];
    private readonly LinkedList<WaitingBatch> _waiting = [];

    /// <summary>Position of the oldest batch that waits, or null.</summary>
    public long? OldestWaiting => _waiting.First?.Value.Position;

    /// <summary>Forgets everything; the reader begins again at the cursor.</summary>
    public void Reset()
    {
        _clocks.Clear();
        _lookedUp.Clear();
        _waiting.Clear();
    }

    /// <summary>What is added to the uptimes of a batch to make them Unix time.</summary>
    /// <returns>False when the batch must wait; <see cref="Wait"/> then takes it.</returns>
    public bool TryPlace(in LogRecord record, in BatchHeader header, out long toUnixMs)
    {
        _clocks.Learn(record.DeviceKey, header);
        bool isPlaced = _clocks.TryPlace(record.DeviceKey, header, out PlacedClock clock);
        toUnixMs = clock.BootUnixMs;
        return isPlaced;
    }

    /// <summary>Learns the clock reading of a batch that stands before the cursor.</summary>
    public void Learn(uint deviceKey, in BatchHeader header) => _clocks.Learn(deviceKey, header);

    /// <summary>Whether to look before the cursor for a reading of this boot: the first time that a batch of it cannot be placed.</summary>
    public bool TryBeginLookup(in DeviceBoot boot)
    {
        if (_lookedUp.Count >= MaxLookedUp) _lookedUp.Clear();
        return _lookedUp.Add(boot);
    }

    /// <summary>Lets a batch wait.</summary>
    public void Wait(in LogRecord record, in BatchHeader header) =>
        _waiting.AddLast(new WaitingBatch(record.Position, DeviceBoot.Of(record.DeviceKey, header), record.ReceivedUnixMs, PlacedClock.ByReceipt(header, record.ReceivedUnixMs).BootUnixMs));

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
            bool sameDevice = header is not null && waiting.Boot.DeviceKey == record.DeviceKey;
            bool sameBoot = sameDevice && DeviceBoot.Of(record.DeviceKey, header!.Value) == waiting.Boot;
            bool isPlaced = sameBoot && header!.Value.Clock.IsSet;
            bool isOver = (sameDevice && !sameBoot) || _waiting.Count > MaxWaiting
                || record.ReceivedUnixMs - waiting.ReceivedUnixMs > (long)options.ClockWait.TotalMilliseconds;
            if (!isPlaced && !isOver) continue;

            _waiting.Remove(node);
            long toUnixMs = isPlaced ? PlacedClock.Of(header!.Value.Clock).BootUnixMs : waiting.ByReceiveTime;
            batch = new PlacedBatch(waiting.Position, toUnixMs, IsByReceiveTime: !isPlaced);
            return true;
        }

        batch = default;
        return false;
    }

    private readonly record struct WaitingBatch(long Position, DeviceBoot Boot, long ReceivedUnixMs, long ByReceiveTime);
}

/// <summary>A batch whose waiting is over.</summary>
internal readonly record struct PlacedBatch(long Position, long ToUnixMs, bool IsByReceiveTime);
