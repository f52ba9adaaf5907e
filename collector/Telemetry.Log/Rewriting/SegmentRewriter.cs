using System.Security.Cryptography;
using Telemetry.Log.Disk;
using Telemetry.Log.Format;

namespace Telemetry.Log.Rewriting;

/// <summary>
/// Writes a sealed segment, or several neighbours as one, anew beside itself, proves that the new file yields what it must, and puts it in the old one's place in one step.
/// Until that step, and after a crash at any write, the old file holds.
/// </summary>
internal static class SegmentRewriter
{
    /// <summary>Behind the name of a file that is being written. One that is found at a start, or before the next rewriting, is what a crash or a full disk left.</summary>
    public const string WritingSuffix = ".rewriting";

    /// <summary>Rewrites a segment without the records that <paramref name="drops"/> names.</summary>
    /// <param name="disk">The log's folder.</param>
    /// <param name="segment">Sealed: nobody writes to it.</param>
    /// <param name="drops">Asked about batches and dead letters; null = nothing goes.</param>
    /// <param name="compacts">Puts batches into long runs; a segment once compacted stays so.</param>
    /// <param name="oddDevices">Devices of which a batch did not come out of a run as it went in, since another encoder packed it. Gets those found now.</param>
    /// <returns>What was done. Without a new segment the file is as it was: nothing was to go, and compaction would not have made it shorter.</returns>
    /// <exception cref="IOException">The disk refuses; the old file stands.</exception>
    /// <exception cref="InvalidDataException">The new file does not yield the same records: a defect of the writer. The old file stands.</exception>
    public static RewrittenSegment Rewrite(ILogDisk disk, LogSegment segment, Func<LogRecord, bool>? drops, bool compacts, HashSet<uint> oddDevices)
    {
        SegmentRecords present = Load(disk, segment.Header.FileName, segment.Header.BasePosition, out SegmentHeader header, out long bytesBefore);
        DropLedger dropped = new();
        SegmentRecords kept = drops is null ? present : Without(present, drops, dropped);
        RewrittenSegment unchanged = new(null, dropped, present.DamagedBytes, bytesBefore, bytesBefore);
        bool isDue = compacts && !header.IsCompacted && present.DamagedBytes == 0; // damage stays where it can be looked at
        if (dropped.Bytes == 0 && !isDue) return unchanged;

        SegmentHeader packed = header with { Seed = NewSeed(), IsPacked = true, IsCompacted = header.IsCompacted || isDue, RecordBytes = kept.Bytes };
        (LogSegment written, long bytes) = WriteProven(disk, packed, kept, oddDevices);
        if (dropped.Bytes == 0 && bytes >= bytesBefore)
        {
            disk.Delete(packed.FileName + WritingSuffix);
            return unchanged;
        }

        disk.Rename(packed.FileName + WritingSuffix, packed.FileName);
        disk.FlushDirectory();
        return new RewrittenSegment(written, dropped, present.DamagedBytes, bytesBefore, bytes);
    }

    /// <summary>Writes neighbours as one compacted segment in the place of the first. The files of the others stay, for the caller to remove once the folder was flushed.</summary>
    /// <param name="disk">The log's folder.</param>
    /// <param name="parts">Sealed, each beginning where the one before ends.</param>
    /// <param name="segmentBytes">What the records of one segment may take; these take no more.</param>
    /// <param name="oddDevices">As with <see cref="Rewrite"/>.</param>
    /// <returns>What was done. Without a new segment all files are as they were: one holds damage, and is marked.</returns>
    /// <exception cref="IOException">The disk refuses; the old files stand.</exception>
    /// <exception cref="InvalidDataException">The new file does not yield the same records: a defect of the writer. The old files stand.</exception>
    public static RewrittenSegment Merge(ILogDisk disk, ReadOnlySpan<LogSegment> parts, long segmentBytes, HashSet<uint> oddDevices)
    {
        SegmentRecords records = new();
        long bytesBefore = 0;
        foreach (LogSegment part in parts)
        {
            using ILogFile file = OpenSegment(disk, part.Header.FileName, part.Header.BasePosition, out SegmentHeader header);
            records.Add(file, header);
            bytesBefore += file.Length;
            part.StaysAsItIs = records.DamagedBytes > 0;
            if (part.StaysAsItIs) return default;
        }

        records.Sort();
        SegmentHeader first = parts[0].Header;
        SegmentHeader merged = new(first.BasePosition, segmentBytes, NewSeed(), first.CreatedUnixMs, IsPacked: true, IsCompacted: true)
        {
            RecordBytes = records.Bytes, SpanBytes = parts[^1].Header.EndPosition - first.BasePosition,
        };
        (LogSegment written, long bytes) = WriteProven(disk, merged, records, oddDevices);
        disk.Rename(merged.FileName + WritingSuffix, merged.FileName);
        return new RewrittenSegment(written, new DropLedger(), 0, bytesBefore, bytes);
    }

    private static SegmentRecords Load(ILogDisk disk, string name, long basePosition, out SegmentHeader header, out long bytes)
    {
        using ILogFile file = OpenSegment(disk, name, basePosition, out header);
        bytes = file.Length;
        return SegmentRecords.Load(file, header);
    }

    private static ILogFile OpenSegment(ILogDisk disk, string name, long basePosition, out SegmentHeader header)
    {
        ILogFile file = disk.Open(name, forWriting: false);
        if (SegmentHeader.TryRead(file, basePosition, out header)) return file;
        file.Dispose();
        throw new InvalidDataException($"Segment {name} has no intact header.");
    }

    private static uint NewSeed() => BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(sizeof(uint)));

    private static SegmentRecords Without(SegmentRecords present, Func<LogRecord, bool> drops, DropLedger dropped)
    {
        SegmentRecords kept = new();
        for (int i = 0; i < present.Count; i++)
        {
            StoredRecord record = present[i];
            ReadOnlyMemory<byte> payload = present.PayloadOf(record);
            bool isDroppable = record.Header.Kind is LogRecordKind.Batch or LogRecordKind.DeadLetter;
            if (isDroppable && drops(record.ToLogRecord(payload))) dropped.Add(record, payload.Span);
            else kept.Add(record.Position, record.Header, payload.Span);
        }

        dropped.AddTo(kept);
        kept.Sort();
        return kept;
    }

    // Packing a batch again to see whether it comes out the same costs as much as all the rest, and the proof does it anyway: so batches are thought to until the
    // proof says of whose that is not so. Theirs are then tried one by one.
    private static (LogSegment Segment, long Bytes) WriteProven(ILogDisk disk, in SegmentHeader header, SegmentRecords records, HashSet<uint> oddDevices)
    {
        string writing = header.FileName + WritingSuffix;
        while (true)
        {
            (LogSegment Segment, long Bytes) written = Write(disk, header, records, oddDevices);
            HashSet<uint> unlike = Unlike(records, Load(disk, writing, header.BasePosition, out _, out _));
            if (unlike.Count == 0) return written;
            disk.Delete(writing);
            if (unlike.IsSubsetOf(oddDevices)) throw new InvalidDataException("The rewritten segment does not yield the records of the old one; the old one stays.");
            oddDevices.UnionWith(unlike);
        }
    }

    private static (LogSegment Segment, long Bytes) Write(ILogDisk disk, in SegmentHeader header, SegmentRecords records, HashSet<uint> oddDevices)
    {
        int[] byDevice = new int[records.Count];
        for (int i = 0; i < byDevice.Length; i++) byDevice[i] = i;
        Array.Sort(byDevice, (left, right) => (records[left].Header.DeviceKey, left).CompareTo((records[right].Header.DeviceKey, right)));

        using ILogFile file = disk.Create(header.FileName + WritingSuffix);
        PackedSegmentWriter writer = new(file, header);
        for (int from = 0, to; from < byDevice.Length; from = to)
        {
            uint deviceKey = records[byDevice[from]].Header.DeviceKey;
            for (to = from; to < byDevice.Length && records[byDevice[to]].Header.DeviceKey == deviceKey;) to++;
            if (header.IsCompacted) writer.WriteCompacted(records, byDevice.AsSpan(from..to), tries: oddDevices.Contains(deviceKey));
            else writer.WriteVerbatim(records, byDevice.AsSpan(from..to));
        }

        file.Flush();
        return (new LogSegment(header, writer.Index) { Times = writer.Times.ToTable() }, writer.Bytes);
    }

    // Read back from the disk, every record of the new file must be the one it stands for: place, header and bytes. The devices of which one is not.
    private static HashSet<uint> Unlike(SegmentRecords expected, SegmentRecords found)
    {
        HashSet<uint> devices = [];
        for (int i = 0; i < expected.Count; i++)
        {
            StoredRecord record = expected[i];
            int at = found.IndexOf(record.Position);
            bool isSame = at < found.Count && found[at].Position == record.Position && found[at].Header == record.Header
                && found.PayloadOf(found[at]).Span.SequenceEqual(expected.PayloadOf(record).Span);
            if (!isSame) devices.Add(record.Header.DeviceKey);
        }

        bool hasMore = found.Count > expected.Count || found.DamagedBytes > 0;
        if (devices.Count == 0 && hasMore) throw new InvalidDataException("The rewritten segment yields more than the records of the old one; the old one stays.");
        return devices;
    }
}

/// <summary>What the rewriting of one segment did.</summary>
/// <param name="Segment">The new one; null when nothing was to be done.</param>
/// <param name="Dropped">What is gone.</param>
/// <param name="DamagedBytes">Bytes of the old file that held no intact record.</param>
/// <param name="BytesBefore">Length of the old file.</param>
/// <param name="BytesAfter">Length of the file that holds now.</param>
internal readonly record struct RewrittenSegment(LogSegment? Segment, DropLedger Dropped, long DamagedBytes, long BytesBefore, long BytesAfter);
