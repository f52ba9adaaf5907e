using Telemetry.Log.Disk;
using Telemetry.Log.Format;

namespace Telemetry.Log;

/// <content>Opening: find the segments, read the last one, and make what it holds durable before anyone relies on it.</content>
public sealed partial class BlockLog
{
    private const int ScanBufferBytes = 1 << 20;

    private LogRecoveryReport Recover()
    {
        List<string> unreadable = [];
        List<LogSegment> segments = [];
        long endOfAll = 0, endOfPacked = 0;
        foreach (long basePosition in SegmentBases())
        {
            string name = SegmentHeader.FileNameOf(basePosition);
            if (basePosition < endOfPacked) continue; // merged into the one before; its file goes below
            if (TryReadHeader(name, basePosition, out SegmentHeader header, out long fileBytes))
            {
                segments.Add(new LogSegment(header, null) { RecordsEnd = header.IsPacked ? header.EndPosition : basePosition + Math.Min(fileBytes, header.SegmentBytes) });
                endOfAll = header.EndPosition;
                if (header.IsPacked) endOfPacked = endOfAll;
            }
            else if (IsBlank(name))
            {
                // A power cut came between the file's creation and its first flush: nothing was ever acknowledged from it.
                _disk.Delete(name);
            }
            else
            {
                LogEvents.SegmentUnreadable(_logger, name);
                unreadable.Add(name);
                endOfAll = basePosition + _options.SegmentBytes;
            }
        }

        _segments = [.. segments];
        RemoveLeftovers();
        LogRecoveryReport report = segments is [.., LogSegment last] && last.Header.EndPosition == endOfAll && !last.Header.IsPacked
            ? RecoverTail(last, unreadable)
            : BeginAt(endOfAll, unreadable);
        _durablePosition = _nextPosition;
        _flushingEnd = _nextPosition;
        LogEvents.Opened(_logger, report.Segments, report.TailRecords, _nextPosition);
        return report;
    }

    private List<long> SegmentBases()
    {
        List<long> bases = [];
        foreach (string name in _disk.ListFiles())
        {
            if (SegmentHeader.TryParseFileName(name, out long basePosition)) bases.Add(basePosition);
        }

        bases.Sort();
        return bases;
    }

    private LogRecoveryReport BeginAt(long basePosition, List<string> unreadable)
    {
        _appendSegment = NewSegment(basePosition);
        _nextPosition = _appendSegment.FirstRecordPosition;
        return new LogRecoveryReport(_segments.Length, 0, 0, 0, unreadable);
    }

    // Only the last segment can be torn: each is begun after everything in the one before was flushed.
    private LogRecoveryReport RecoverTail(LogSegment last, List<string> unreadable)
    {
        SegmentHeader header = last.Header;
        SegmentIndex index = new(header);
        using ILogFile file = _disk.Open(header.FileName, forWriting: true);
        long limit = Math.Min(file.Length, header.SegmentBytes);
        SegmentScanner scanner = new(file, header, new byte[ScanBufferBytes]);
        long records = 0;
        long end = scanner.Offset;
        while (scanner.TryNext(limit, out RecordHeader record, out _))
        {
            end = scanner.Offset;
            index.Add(record.DeviceKey, end - RecordFormat.SizeOf(record.Length));
            records++;
        }

        last.Index = index;
        last.RecordsEnd = header.BasePosition + end;
        bool isTorn = scanner.Offset > end;

        // Records that a killed process wrote but did not flush are here now and will count as stored: make that true first.
        file.Flush();
        _disk.FlushDirectory();

        if (scanner.DamagedBytes > 0) LogEvents.TailDamaged(_logger, scanner.DamagedBytes);
        if (isTorn)
        {
            // Writing over a torn end could bring back an older record behind a new one; a fresh segment cannot.
            BeginAt(header.EndPosition, unreadable);
        }
        else
        {
            _appendSegment = header;
            _nextPosition = header.BasePosition + end;
        }

        return new LogRecoveryReport(_segments.Length, records, limit, scanner.DamagedBytes, unreadable);
    }

    private bool TryReadHeader(string name, long basePosition, out SegmentHeader header, out long fileBytes)
    {
        using ILogFile file = _disk.Open(name, forWriting: false);
        fileBytes = file.Length;
        return SegmentHeader.TryRead(file, basePosition, out header);
    }

    private bool IsBlank(string name)
    {
        using ILogFile file = _disk.Open(name, forWriting: false);
        byte[] buffer = new byte[ScanBufferBytes];
        for (long offset = 0; ;)
        {
            int count = file.Read(buffer, offset);
            if (count == 0) return true;
            // Bytes of a torn header alone are no record either.
            Span<byte> records = buffer.AsSpan(0, count);
            if (offset == 0) records = records[Math.Min(count, SegmentHeader.Bytes)..];
            if (records.ContainsAnyExcept((byte)0)) return false;
            offset += count;
        }
    }
}
