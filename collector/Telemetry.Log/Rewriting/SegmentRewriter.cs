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
    /// <summary>Behind the name of a file that is being written. One that is found at a start is what a crash left.</summary>
    public const string WritingSuffix = ".rewriting";

    /// <summary>Rewrites a segment without the records that <paramref name="drops"/> names.</summary>
    /// <param name="disk">The log's folder.</param>
    /// <param name="segment">Sealed: nobody writes to it.</param>
    /// <param name="drops">Asked about batches and dead letters; null = nothing goes.</param>
    /// <param name="compacts">Puts batches into long runs; a segment once compacted stays so.</param>
    /// <returns>What was done. Without a new segment the file is as it was: nothing was to go, and compaction would not have made it shorter.</returns>
    /// <exception cref="IOException">The disk refuses; the old file stands.</exception>
    /// <exception cref="InvalidDataException">The new file does not yield the same records: a defect of the writer. The old file stands.</exception>
    public static RewrittenSegment Rewrite(ILogDisk disk, LogSegment segment, Func<LogRecord, bool>? drops, bool compacts)
    {
        SegmentRecords present = Load(disk, segment.Header.FileName, segment.Header.BasePosition, out SegmentHeader header, out long bytesBefore);
        DropLedger dropped = new();
        SegmentRecords kept = drops is null ? present : Without(present, drops, dropped);
        RewrittenSegment unchanged = new(null, dropped, present.DamagedBytes, bytesBefore, bytesBefore);
        bool isDue = compacts && !header.IsCompacted && present.DamagedBytes == 0; // damage stays where it can be looked at
        if (dropped.Bytes == 0 && !isDue) return unchanged;

        SegmentHeader packed = header with { Seed = NewSeed(), IsPacked = true, IsCompacted = header.IsCompacted || isDue, RecordBytes = kept.Bytes };
        (SegmentIndex index, long bytes) = Write(disk, packed, kept);
        if (dropped.Bytes == 0 && bytes >= bytesBefore)
        {
            disk.Delete(packed.FileName + WritingSuffix);
            return unchanged;
        }

        PutInPlace(disk, packed, kept);
        disk.FlushDirectory();
        return new RewrittenSegment(new LogSegment(packed, index), dropped, present.DamagedBytes, bytesBefore, bytes);
    }

    /// <summary>Writes neighbours as one compacted segment in the place of the first. The files of the others stay, for the caller to remove once the folder was flushed.</summary>
    /// <param name="disk">The log's folder.</param>
    /// <param name="parts">Sealed, each beginning where the one before ends.</param>
    /// <param name="segmentBytes">What the records of one segment may take; these take no more.</param>
    /// <returns>What was done. Without a new segment all files are as they were: one holds damage, and is marked.</returns>
    /// <exception cref="IOException">The disk refuses; the old files stand.</exception>
    /// <exception cref="InvalidDataException">The new file does not yield the same records: a defect of the writer. The old files stand.</exception>
    public static RewrittenSegment Merge(ILogDisk disk, ReadOnlySpan<LogSegment> parts, long segmentBytes)
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
        (SegmentIndex index, long bytes) = Write(disk, merged, records);
        PutInPlace(disk, merged, records);
        return new RewrittenSegment(new LogSegment(merged, index), new DropLedger(), 0, bytesBefore, bytes);
    }

    /// <summary>Removes what a crash left of a rewriting.</summary>
    public static void RemoveLeftovers(ILogDisk disk)
    {
        foreach (string name in disk.ListFiles())
        {
            if (name.EndsWith(WritingSuffix, StringComparison.Ordinal)) disk.Delete(name);
        }
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

    private static (SegmentIndex Index, long Bytes) Write(ILogDisk disk, in SegmentHeader header, SegmentRecords records)
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
            if (header.IsCompacted) writer.WriteCompacted(records, byDevice.AsSpan(from..to));
            else writer.WriteVerbatim(records, byDevice.AsSpan(from..to));
        }

        file.Flush();
        return (writer.Index, writer.Bytes);
    }

    private static void PutInPlace(ILogDisk disk, in SegmentHeader header, SegmentRecords expected)
    {
        string writing = header.FileName + WritingSuffix;
        RequireSame(expected, Load(disk, writing, header.BasePosition, out _, out _));
        disk.Rename(writing, header.FileName);
    }

    // Read back from the disk, every record of the new file must be the one it stands for: place, header and bytes.
    private static void RequireSame(SegmentRecords expected, SegmentRecords found)
    {
        bool isSame = expected.Count == found.Count && found.DamagedBytes == 0;
        for (int i = 0; isSame && i < expected.Count; i++)
        {
            isSame = expected[i].Position == found[i].Position && expected[i].Header == found[i].Header
                && expected.PayloadOf(expected[i]).Span.SequenceEqual(found.PayloadOf(found[i]).Span);
        }

        if (!isSame) throw new InvalidDataException("The rewritten segment does not yield the records of the old one; the old one stays.");
    }
}

/// <summary>What the rewriting of one segment did.</summary>
/// <param name="Segment">The new one; null when nothing was to be done.</param>
/// <param name="Dropped">What is gone.</param>
/// <param name="DamagedBytes">Bytes of the old file that held no intact record.</param>
/// <param name="BytesBefore">Length of the old file.</param>
/// <param name="BytesAfter">Length of the file that holds now.</param>
internal readonly record struct RewrittenSegment(LogSegment? Segment, DropLedger Dropped, long DamagedBytes, long BytesBefore, long BytesAfter);
