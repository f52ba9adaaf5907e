using Telemetry.Log.Disk;
using Telemetry.Log.Format;
using Telemetry.Log.Rewriting;

namespace Telemetry.Log;

/// <summary>What a stopped log's folder holds, record by record.</summary>
/// <param name="Segments">Each segment, in order.</param>
/// <param name="UnreadableSegments">Files whose header is damaged in both copies.</param>
/// <param name="Cursors">Each consumer's place and how many bytes it has yet to read.</param>
/// <param name="EndPosition">Where the next record would begin.</param>
public sealed record LogInspection(
    IReadOnlyList<SegmentInspection> Segments, IReadOnlyList<string> UnreadableSegments, IReadOnlyList<CursorInspection> Cursors, long EndPosition)
{
    /// <summary>Intact records of all segments.</summary>
    public long Records => Segments.Sum(segment => segment.Records);

    /// <summary>Bytes that hold no intact record.</summary>
    public long DamagedBytes => Segments.Sum(segment => segment.DamagedBytes);
}

/// <summary>One segment.</summary>
/// <param name="File">Its name.</param>
/// <param name="Records">Intact records, erased ones included.</param>
/// <param name="Bytes">Bytes of those records; of a packed segment, of its file.</param>
/// <param name="DamagedSpans">Stretches without an intact record.</param>
/// <param name="DamagedBytes">Their bytes.</param>
public sealed record SegmentInspection(string File, long Records, long Bytes, int DamagedSpans, long DamagedBytes);

/// <summary>One consumer.</summary>
/// <param name="Consumer">Its name.</param>
/// <param name="Position">Where it goes on; -1 when neither slot is intact.</param>
/// <param name="LagBytes">Bytes of the records it has yet to read, as they were appended.</param>
public sealed record CursorInspection(string Consumer, long Position, long LagBytes);

/// <summary>Reads a stopped log without changing anything in its folder.</summary>
public static class LogInspector
{
    /// <summary>Walks every segment and checks every record's CRC.</summary>
    /// <param name="disk">The log's folder; no log may be open on it.</param>
    /// <param name="onRecord">Gets every intact record but erased ones, in log order; its payload holds until it returns.</param>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public static LogInspection Inspect(ILogDisk disk, Action<LogRecord> onRecord)
    {
        List<SegmentInspection> segments = [];
        List<string> unreadable = [];
        List<CursorInspection> cursors = ReadCursors(disk);
        long end = 0, endOfPacked = 0;
        foreach (string name in disk.ListFiles().Order(StringComparer.Ordinal))
        {
            if (!SegmentHeader.TryParseFileName(name, out long basePosition) || basePosition < endOfPacked) continue; // the latter were merged into the one before
            using ILogFile file = disk.Open(name, forWriting: false);
            if (!SegmentHeader.TryRead(file, basePosition, out SegmentHeader header))
            {
                unreadable.Add(name);
                continue;
            }

            segments.Add(header.IsPacked ? InspectPacked(file, header, Take, out end) : InspectSegment(file, header, Take, out end));
            if (header.IsPacked) endOfPacked = end;
        }

        return new LogInspection(segments, unreadable, cursors, end);

        void Take(LogRecord record)
        {
            for (int i = 0; i < cursors.Count; i++)
            {
                if (record.Position >= cursors[i].Position) cursors[i] = cursors[i] with { LagBytes = cursors[i].LagBytes + RecordFormat.SizeOf(record.Payload.Length) };
            }

            onRecord(record);
        }
    }

    private static SegmentInspection InspectSegment(ILogFile file, SegmentHeader header, Action<LogRecord> onRecord, out long end)
    {
        long limit = Math.Min(file.Length, header.SegmentBytes);
        SegmentScanner scanner = new(file, header, new byte[1 << 20]);
        (long records, long bytes) = (0, 0);
        end = scanner.Position;
        while (scanner.TryNext(limit, out RecordHeader record, out ReadOnlyMemory<byte> payload))
        {
            int size = RecordFormat.SizeOf(record.Length);
            end = scanner.Position;
            (records, bytes) = (records + 1, bytes + size);
            if (record.Kind == LogRecordKind.Erased) continue;
            onRecord(new LogRecord(end - size, end, record.Kind, record.Reason, record.DeviceKey, record.ReceivedUnixMs, payload));
        }

        return new SegmentInspection(header.FileName, records, bytes, scanner.DamagedSpans, scanner.DamagedBytes);
    }

    private static SegmentInspection InspectPacked(ILogFile file, in SegmentHeader header, Action<LogRecord> onRecord, out long end)
    {
        SegmentRecords records = SegmentRecords.Load(file, header);
        for (int i = 0; i < records.Count; i++) onRecord(records[i].ToLogRecord(records.PayloadOf(records[i])));
        end = header.EndPosition;
        return new SegmentInspection(header.FileName, records.Count, file.Length, records.DamagedSpans, records.DamagedBytes);
    }

    private static List<CursorInspection> ReadCursors(ILogDisk disk)
    {
        List<CursorInspection> cursors = [];
        foreach (string name in disk.ListFiles().Order(StringComparer.Ordinal))
        {
            if (LogCursor.TryReadFile(disk, name, out string? consumer, out long position)) cursors.Add(new CursorInspection(consumer, position, LagBytes: 0));
        }

        return cursors;
    }
}
