using Telemetry.Log.Disk;
using Telemetry.Log.Format;
using Telemetry.Log.Times;

namespace Telemetry.Log;

/// <summary>One segment file of an open log.</summary>
internal sealed class LogSegment(SegmentHeader header, SegmentIndex? index)
{
    private readonly Dictionary<uint, DateTimeOffset> _expiredBefore = [];
    private bool _isReplaced;
    private long _recordsEnd = header.EndPosition;

    public SegmentHeader Header { get; } = header;

    /// <summary>Where each device's records stand. Null once it is kept in its file beside the sealed segment.</summary>
    public SegmentIndex? Index { get; set; } = index;

    /// <summary>When each device's rows were measured. Null once it is kept in its file, and where nobody asked yet.</summary>
    public TimeTable? Times { get; set; }

    /// <summary>Position behind its last record: of the one that is being written, and where it is not known, the end of its positions.</summary>
    public long RecordsEnd
    {
        get => Volatile.Read(ref _recordsEnd);
        set => Volatile.Write(ref _recordsEnd, value);
    }

    /// <summary>The file under its name is another one now, or gone into a neighbour: a reader that stands in this one opens what holds its position.</summary>
    public bool IsReplaced
    {
        get => Volatile.Read(ref _isReplaced);
        set => Volatile.Write(ref _isReplaced, value);
    }

    /// <summary>Compaction was tried since the start, and found nothing to gain.</summary>
    public bool GainsNothing { get; set; }

    /// <summary>It was found to hold damage, or not to come out the same when packed: it stays as it is, where it can be looked at.</summary>
    public bool StaysAsItIs { get; set; }

    /// <summary>What its records took as they were appended. Of a sealed plain segment that is what its file holds, or, if the file was not cut off, the most it can be.</summary>
    public long RecordBytes(ILogDisk disk)
    {
        if (Header.IsPacked) return Header.RecordBytes;
        using ILogFile file = disk.Open(Header.FileName, forWriting: false);
        return file.Length - SegmentHeader.Bytes;
    }

    /// <summary>Bytes that its records between two positions took as they were appended. Of a packed segment, whose records stand elsewhere in the file, the most it can be.</summary>
    public long RecordBytes(long from, long to)
    {
        long bytes = Math.Max(0, Math.Min(to, RecordsEnd) - Math.Max(from, Header.FirstRecordPosition));
        return Header.IsPacked ? Math.Min(bytes, Header.RecordBytes) : bytes;
    }

    /// <summary>Whether retention has something to take of a device: all of it, or enough to be worth a rewriting.</summary>
    /// <param name="deviceKey">The device.</param>
    /// <param name="keptSince">From which receipt on its records are kept.</param>
    /// <param name="full">When the segment was full.</param>
    /// <param name="step">The least time of records to take from a segment that is not wholly due.</param>
    public bool IsDue(uint deviceKey, DateTimeOffset keptSince, DateTimeOffset full, TimeSpan step)
    {
        if (!_expiredBefore.TryGetValue(deviceKey, out DateTimeOffset from)) from = DateTimeOffset.FromUnixTimeMilliseconds(Header.CreatedUnixMs);
        else if (from > full) return false;
        return keptSince > from && (keptSince > full || keptSince - from >= step);
    }

    /// <summary>Notes what retention took, of the segment whose place this one takes too.</summary>
    public void NoteExpired(LogSegment before, IReadOnlyDictionary<uint, DateTimeOffset> keptSince)
    {
        foreach ((uint device, DateTimeOffset time) in before._expiredBefore) _expiredBefore[device] = time;
        foreach ((uint device, DateTimeOffset time) in keptSince) _expiredBefore[device] = time;
    }
}
