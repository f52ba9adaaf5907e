using System.Buffers;
using Telemetry.Log.Disk;
using Telemetry.Log.Format;

namespace Telemetry.Log.Rewriting;

/// <summary>The records of one segment in memory, by position: of a plain or a packed one, of all devices or of one.</summary>
/// <remarks>Takes at most the bytes of the segment's records, and 40 bytes each. Filled once, then read by one thread.</remarks>
internal sealed class SegmentRecords
{
    private const int ScanBufferBytes = 1 << 20;

    private readonly ArrayBufferWriter<byte> _payloads = new();
    private readonly List<StoredRecord> _records = [];

    public int Count => _records.Count;

    /// <summary>What the records took as they were appended.</summary>
    public long Bytes { get; private set; }

    /// <summary>Bytes that hold no intact record.</summary>
    public long DamagedBytes { get; private set; }

    /// <summary>Stretches of them.</summary>
    public int DamagedSpans { get; private set; }

    public StoredRecord this[int index] => _records[index];

    public ReadOnlyMemory<byte> PayloadOf(in StoredRecord record) => _payloads.WrittenMemory.Slice(record.PayloadAt, record.Header.Length);

    /// <summary>Reads a sealed segment.</summary>
    /// <param name="file">The segment's file.</param>
    /// <param name="header">Its header, read from that file.</param>
    /// <param name="deviceKey">0 = every device.</param>
    /// <param name="nextOffset">Where the device's next record may stand, from an offset on; -1 = nowhere, null = reads all.</param>
    /// <param name="keepsRunsFrom">Leaves long runs that begin at or behind this position whole, each as one record at the position of its first batch, for who wants
    /// rows and not batches. Of one that begins before it, a reader from this position wants some batches only.</param>
    public static SegmentRecords Load(ILogFile file, in SegmentHeader header, uint deviceKey = 0, Func<long, long>? nextOffset = null, long keepsRunsFrom = long.MaxValue)
    {
        SegmentRecords records = new();
        records.Add(file, header, deviceKey, nextOffset, keepsRunsFrom);
        records.Sort();
        return records;
    }

    /// <summary>Adds the records of a sealed segment, of one behind those that are here.</summary>
    /// <param name="file">The segment's file.</param>
    /// <param name="header">Its header, read from that file.</param>
    public void Add(ILogFile file, in SegmentHeader header) => Add(file, header, deviceKey: 0, nextOffset: null, keepsRunsFrom: long.MaxValue);

    private void Add(ILogFile file, in SegmentHeader header, uint deviceKey, Func<long, long>? nextOffset, long keepsRunsFrom)
    {
        long limit = Math.Min(file.Length, header.MaxFileBytes);
        SegmentScanner scanner = new(file, header, new byte[ScanBufferBytes]);
        while (TrySkip(scanner, header, nextOffset) && scanner.TryNext(limit, out RecordHeader record, out ReadOnlyMemory<byte> payload))
        {
            if (deviceKey != 0 && record.DeviceKey != deviceKey) continue;
            long position = scanner.Position - RecordFormat.SizeOf(record.Length);
            if (!header.IsPacked) Add(position, record, payload.Span);
            else if (record.Kind == LogRecordKind.LongRun && record.ReceivedUnixMs >= keepsRunsFrom) Add(record.ReceivedUnixMs, record, payload.Span);
            else if (!Run.TryRead(record, payload.Span, this)) CountDamage(payload.Length);
        }

        CountDamage(scanner.DamagedBytes, scanner.DamagedSpans);
    }

    public void Add(long position, in RecordHeader header, ReadOnlySpan<byte> payload)
    {
        _records.Add(new StoredRecord(position, header, _payloads.WrittenCount));
        _payloads.Write(payload);
        Bytes += RecordFormat.SizeOf(header.Length);
    }

    /// <summary>Brings what was added into the order of the log.</summary>
    public void Sort() => _records.Sort(static (left, right) => left.Position.CompareTo(right.Position));

    /// <summary>Index of the first record at or behind a position; <see cref="Count"/> = none.</summary>
    public int IndexOf(long position)
    {
        int low = 0;
        for (int high = Count; low < high;)
        {
            int middle = (low + high) >>> 1;
            if (_records[middle].Position < position) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    private static bool TrySkip(SegmentScanner scanner, in SegmentHeader header, Func<long, long>? nextOffset)
    {
        if (nextOffset is null) return true;
        long next = nextOffset(scanner.Offset);
        if (next > scanner.Offset) scanner.Seek(header.BasePosition + next);
        return next >= 0;
    }

    private void CountDamage(long bytes, int spans = 1)
    {
        DamagedBytes += bytes;
        DamagedSpans += spans;
    }
}

/// <summary>One of them.</summary>
/// <param name="Position">Where it stands in the log, whatever its place in the file is.</param>
/// <param name="Header">As it was appended.</param>
/// <param name="PayloadAt">Where its payload stands in memory.</param>
internal readonly record struct StoredRecord(long Position, RecordHeader Header, int PayloadAt)
{
    /// <summary>Where the next record may begin.</summary>
    public long NextPosition => Position + RecordFormat.SizeOf(Header.Length);

    /// <summary>As a reader of the log sees it.</summary>
    public LogRecord ToLogRecord(ReadOnlyMemory<byte> payload) =>
        new(Position, NextPosition, Header.Kind, Header.Reason, Header.DeviceKey, Header.ReceivedUnixMs, payload);
}
