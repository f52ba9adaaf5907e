using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Collector.Rights;

/// <summary>One stretch of time in which a device was a user's.</summary>
/// <param name="DeviceKey">The device.</param>
/// <param name="FromUnixMs">Inclusive.</param>
/// <param name="ToUnixMs">Exclusive.</param>
internal readonly record struct Tenure(uint DeviceKey, long FromUnixMs, long ToUnixMs);

/// <summary>A record of the log that holds something of a user.</summary>
/// <param name="Record">A batch or a dead letter; its payload holds until the next one.</param>
/// <param name="Header">Epoch and seq are 0 when it cannot be read.</param>
/// <param name="FirstUnixMs">Its first row; without rows, when it was received.</param>
/// <param name="LastUnixMs">Its last row.</param>
/// <param name="IsShared">Whether rows lie outside the user's time with the device.</param>
internal readonly record struct UserBatch(LogRecord Record, BatchHeader Header, long FirstUnixMs, long LastUnixMs, bool IsShared);

/// <summary>Finds the records of the log that hold anything of a user: by the times of their rows, as every consumer places them.</summary>
internal sealed class UserBatches(BlockLog log)
{
    private readonly BatchDecoder _decoder = new();

    /// <summary>The user's time with each device. From the beginning of time is before 1970 too, where rows of a device are whose clock was far off.</summary>
    public static IReadOnlyList<Tenure> TenuresOf(UserRecord user) =>
        [.. user.Bindings.Select(binding => new Tenure(binding.DeviceKey, binding.FromUnixMs == 0 ? long.MinValue : binding.FromUnixMs, binding.ToUnixMs)).OrderBy(tenure => tenure.DeviceKey).ThenBy(tenure => tenure.FromUnixMs)];

    /// <summary>The records that touch a user's time with devices; device by device, each in the order of the log.</summary>
    /// <exception cref="IOException">The log's disk refuses to read.</exception>
    public IEnumerable<UserBatch> Read(IReadOnlyList<Tenure> tenures)
    {
        foreach (IGrouping<uint, Tenure> device in tenures.GroupBy(tenure => tenure.DeviceKey))
        {
            BootClocks clocks = new(int.MaxValue);
            foreach ((LogRecord record, bool isRead) in Records(device.Key))
            {
                if (isRead) clocks.Learn(device.Key, _decoder.Header);
            }

            Tenure[] times = [.. device];
            foreach ((LogRecord record, bool isRead) in Records(device.Key))
            {
                (long first, long last) = isRead && record.Kind == LogRecordKind.Batch ? Span(record, clocks) : (record.ReceivedUnixMs, record.ReceivedUnixMs);
                if (!times.Any(time => first < time.ToUnixMs && last >= time.FromUnixMs)) continue;
                bool isShared = !times.Any(time => first >= time.FromUnixMs && last < time.ToUnixMs);
                yield return new UserBatch(record, isRead ? _decoder.Header : default, first, last, isShared);
            }
        }
    }

    private (long First, long Last) Span(in LogRecord record, BootClocks clocks)
    {
        PlacedClock clock = clocks.TryPlace(record.DeviceKey, _decoder.Header, out PlacedClock known) ? known : PlacedClock.ByReceipt(_decoder.Header, record.ReceivedUnixMs);
        long first = long.MaxValue, last = long.MinValue;
        foreach (BlockDecoder block in _decoder.Blocks(record.Payload.Span))
        {
            if (block.RowCount == 0) continue;
            first = Math.Min(first, clock.ToUnixMs(block.TimesMs[0]));
            last = Math.Max(last, clock.ToUnixMs(block.TimesMs[^1]));
        }

        return first <= last ? (first, last) : (record.ReceivedUnixMs, record.ReceivedUnixMs);
    }

    private IEnumerable<(LogRecord Record, bool IsRead)> Records(uint deviceKey)
    {
        using LogReader reader = log.OpenDeviceReader(0, deviceKey);
        while (reader.TryRead(out LogRecord record))
        {
            if (record.Kind is not (LogRecordKind.Batch or LogRecordKind.DeadLetter)) continue;
            yield return (record, _decoder.Open(record.Payload.Span, out RefusalReason _) == DecodeStatus.Done);
        }
    }
}
