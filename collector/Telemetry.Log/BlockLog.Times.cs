using Telemetry.Log.Disk;
using Telemetry.Log.Format;
using Telemetry.Log.Times;

namespace Telemetry.Log;

/// <content>Where a device's rows lie in time, so that a question about an hour reads little more than the hour.</content>
public sealed partial class BlockLog
{
    // Guards the files of time tables: who makes one on the way of a question must not put it beside a segment that was rewritten meanwhile.
    private readonly Lock _tablesLock = new();

    /// <summary>Finds where the rows of a device lie in time. Of sealed segments a table beside them tells; it is made here where there is none. Of the segment that is being written, the
    /// device's batches are read, their times alone.</summary>
    /// <param name="deviceKey">From 1.</param>
    /// <param name="before">Batches from this position on are not asked about.</param>
    /// <exception cref="IOException">The disk refuses to read.</exception>
    public DeviceTimes FindTimes(uint deviceKey, long before = long.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfZero(deviceKey);
        DeviceTimes times = new(deviceKey, before);
        long position = 0, end = Math.Min(before, DurablePosition);
        while (Array.Find(_segments, segment => segment.Header.EndPosition > position) is { } segment && segment.Header.FirstRecordPosition < end)
        {
            try
            {
                (SegmentHeader header, List<TimeStride> strides) = StridesIn(segment, deviceKey);
                times[(header.BasePosition, header.Seed)] = strides;
                position = header.EndPosition;
            }
            catch (FileNotFoundException) when (segment.IsReplaced)
            {
                // It was merged since the list was looked at: the list shows now into what.
                continue;
            }
        }

        if (times.HasUnplaced) PlaceByPairs(times);
        return times;
    }

    /// <summary>Reads the rows of one device that may lie in a range of time; of what stands near them in the log, others too.</summary>
    /// <param name="times">Where they are.</param>
    /// <param name="fromUnixMs">Inclusive.</param>
    /// <param name="toUnixMs">Exclusive.</param>
    public RowReader OpenRowReader(DeviceTimes times, long fromUnixMs, long toUnixMs) =>
        new(new LogReader(this, 0, times.DeviceKey, keepsRunsBefore: times.Before, segment => times.FindTouching(segment, fromUnixMs, toUnixMs)), times.Before);

    private (SegmentHeader Header, List<TimeStride> Strides) StridesIn(LogSegment segment, uint deviceKey)
    {
        List<TimeStride> strides = [];
        bool isSealed = segment.Header.IsPacked || segment != _segments[^1];
        if (isSealed && (segment.Times ?? TimeTable.TryLoad(_disk, segment.Header))?.TryFind(deviceKey, strides) == true) return (segment.Header, strides);

        using ILogFile file = _disk.Open(segment.Header.FileName, forWriting: false);
        if (!SegmentHeader.TryRead(file, segment.Header.BasePosition, out SegmentHeader header)) header = segment.Header;
        if (!isSealed)
        {
            Func<long, long>? nextOffset = segment.Index is { } index ? offset => index.NextOffset(deviceKey, offset) : null;
            TimeTable.Build(file, header, DurablePosition - header.BasePosition, deviceKey, nextOffset).TryFind(deviceKey, strides);
            return (header, strides);
        }

        // The file may be a rewritten one that the list of segments does not show yet, with a table of its own.
        if (header != segment.Header && TimeTable.TryLoad(_disk, header)?.TryFind(deviceKey, strides) == true) return (header, strides);
        TimeTable made = TimeTable.Build(file, header, long.MaxValue);
        made.TryFind(deviceKey, strides);
        if (header == segment.Header) KeepTimes(segment, made);
        return (header, strides);
    }

    private void KeepTimes(LogSegment segment, TimeTable table)
    {
        try
        {
            lock (_tablesLock)
            {
                if (!segment.IsReplaced) table.Save(_disk);
            }
        }
        catch (IOException exception)
        {
            LogEvents.IndexNotKept(_logger, segment.Header.BasePosition, exception.Message);
        }
    }

    // A batch sealed before its device knew the time is placed by a pair that may stand anywhere: what the device's batches say of themselves is read, and then the times of the strides that hold such batches.
    private void PlaceByPairs(DeviceTimes times)
    {
        using (RowReader rows = OpenRowReader(times.DeviceKey, times.Before))
        {
            while (rows.TryReadBatch()) times.Learn(rows.Header);
        }

        foreach ((long BasePosition, uint Seed) segment in times.Unplaced) times[segment] = Placed(segment, times);
    }

    private List<TimeStride> Placed((long BasePosition, uint Seed) segment, DeviceTimes times)
    {
        List<TimeStride> strides = times[segment];
        List<TimeStride> unplaced = strides.FindAll(stride => stride.HasUnplaced);
        TimeBounds[] bounds = new TimeBounds[unplaced.Count];
        Array.Fill(bounds, TimeBounds.None);
        using ILogFile? file = TryOpenSame(segment, out SegmentHeader header);
        if (file is null) return [.. strides.Select(stride => stride.HasUnplaced ? stride with { FromUnixMs = long.MinValue, ToUnixMs = long.MaxValue, HasUnplaced = false } : stride)];

        BatchWalk walk = new(file, header, Math.Min(file.Length, header.MaxFileBytes), times.DeviceKey, DeviceTimes.OffsetsIn(unplaced));
        for (int at = 0; walk.TryNext();)
        {
            while (unplaced[at].EndOffset <= walk.Offset) at++;
            bounds[at] = bounds[at].Plus(TimeBounds.Of(walk.Rows, times.Place));
        }

        int next = 0;
        return [.. strides.Select(stride => stride.HasUnplaced ? stride with { FromUnixMs = bounds[next].FromUnixMs, ToUnixMs = bounds[next++].ToUnixMs, HasUnplaced = false } : stride)];
    }

    // Null when the file was replaced since its strides were found.
    private ILogFile? TryOpenSame((long BasePosition, uint Seed) segment, out SegmentHeader header)
    {
        header = default;
        ILogFile file;
        try
        {
            file = _disk.Open(SegmentHeader.FileNameOf(segment.BasePosition), forWriting: false);
        }
        catch (FileNotFoundException)
        {
            return null;
        }

        if (SegmentHeader.TryRead(file, segment.BasePosition, out header) && header.Seed == segment.Seed) return file;
        file.Dispose();
        return null;
    }
}
