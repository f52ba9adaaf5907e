using System.Buffers;
using System.Runtime.InteropServices;
using Telemetry.Log.Disk;
using Telemetry.Log.Format;
using Telemetry.Log.Times;

namespace Telemetry.Log.Rewriting;

/// <summary>Writes the file of a packed segment: header, then runs, each checked like a record in its place of the file.</summary>
/// <remarks>One thread.</remarks>
internal sealed class PackedSegmentWriter
{
    private readonly ILogFile _file;
    private readonly SegmentHeader _header;
    private readonly ArrayBufferWriter<byte> _run = new();
    private readonly ArrayBufferWriter<byte> _longRun = new();
    private readonly LongRunWriter _long = new();
    private readonly RecordRows _rows = new();
    private byte[] _record = [];
    private long _offset = SegmentHeader.Bytes;

    /// <param name="file">Empty; stays the caller's.</param>
    /// <param name="header">Of the packed segment.</param>
    public PackedSegmentWriter(ILogFile file, in SegmentHeader header)
    {
        (_file, _header) = (file, header);
        Index = new SegmentIndex(header);
        Times = new TimeTableBuilder(header);
        header.Write(file);
    }

    /// <summary>Where each device's runs stand.</summary>
    public SegmentIndex Index { get; }

    /// <summary>When their rows were measured.</summary>
    public TimeTableBuilder Times { get; }

    /// <summary>Bytes written.</summary>
    public long Bytes => _offset;

    /// <summary>Writes records of one device verbatim, in as many runs as their bytes need.</summary>
    /// <param name="records">Where they are.</param>
    /// <param name="device">Their indexes, by position.</param>
    public void WriteVerbatim(SegmentRecords records, ReadOnlySpan<int> device)
    {
        StoredRecord? first = null, last = null;
        TimeBounds bounds = TimeBounds.None;
        foreach (int index in device)
        {
            StoredRecord record = records[index];
            if (last is not null && _run.WrittenCount + Run.MaxVerbatimOverhead + record.Header.Length > RecordFormat.MaxRunBytes)
            {
                EndRun(LogRecordKind.VerbatimRun, first!.Value, bounds);
                (first, last, bounds) = (null, null, TimeBounds.None);
            }

            Run.WriteVerbatim(_run, record, records.PayloadOf(record).Span, last);
            first ??= record;
            (last, bounds) = (record, bounds.Plus(BoundsOf(records, record)));
        }

        if (first is { } begun) EndRun(LogRecordKind.VerbatimRun, begun, bounds);
    }

    /// <summary>Writes records of one device as long runs; those that would not come out the same, and those that would not get shorter, verbatim.</summary>
    /// <param name="records">Where they are.</param>
    /// <param name="device">Their indexes, by position.</param>
    /// <param name="tries">Packs each batch again to see whether it comes out the same; else all are thought to.</param>
    public void WriteCompacted(SegmentRecords records, ReadOnlySpan<int> device, bool tries)
    {
        List<int> run = [], rest = [];
        foreach (int index in device)
        {
            StoredRecord record = records[index];
            ReadOnlySpan<byte> payload = records.PayloadOf(record).Span;
            if (record.Header.Kind != LogRecordKind.Batch || record.Header.Reason != 0 || !_long.TryTake(payload) || (tries && !_long.IsReproducible(payload)))
            {
                rest.Add(index);
                continue;
            }

            if (!_long.TryAdd(record, payload))
            {
                EndLongRun();
                _long.TryAdd(record, payload);
            }

            run.Add(index);
        }

        EndLongRun();
        rest.Sort();
        WriteVerbatim(records, CollectionsMarshal.AsSpan(rest));

        void EndLongRun()
        {
            if (run.Count == 0) return;
            _longRun.ResetWrittenCount();
            _long.End(_longRun);
            int verbatim = run.Sum(index => records[index].Header.Length + 8);
            if (_longRun.WrittenCount < verbatim && _longRun.WrittenCount <= RecordFormat.MaxRunBytes)
            {
                _run.Write(_longRun.WrittenSpan);
                EndRun(LogRecordKind.LongRun, records[run[0]], run.Aggregate(TimeBounds.None, (bounds, index) => bounds.Plus(BoundsOf(records, records[index]))));
            }
            else
            {
                rest.AddRange(run);
            }

            run.Clear();
        }
    }

    private TimeBounds BoundsOf(SegmentRecords records, in StoredRecord record)
    {
        _rows.Open(record.Header, records.PayloadOf(record));
        return _rows.TryNextBatch() ? TimeBounds.Of(_rows) : TimeBounds.None;
    }

    private void EndRun(LogRecordKind kind, in StoredRecord first, in TimeBounds bounds)
    {
        int size = RecordFormat.SizeOf(_run.WrittenCount);
        if (_record.Length < size) _record = new byte[Math.Max(size, 2 * _record.Length)];
        Span<byte> record = _record.AsSpan(0, size);
        _run.WrittenSpan.CopyTo(record[RecordFormat.HeaderBytes..]);
        record[(RecordFormat.HeaderBytes + _run.WrittenCount)..].Clear();
        RecordFormat.WriteHeader(record, _header.Seed, _header.BasePosition + _offset, new RecordHeader(_run.WrittenCount, kind, 0, first.Header.DeviceKey, first.Position));
        _file.Write(record, _offset);
        Index.Add(first.Header.DeviceKey, _offset);
        Times.Add(first.Header.DeviceKey, _offset, _offset + size, bounds);
        _offset += size;
        _run.ResetWrittenCount();
    }
}
