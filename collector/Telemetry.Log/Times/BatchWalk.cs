using Telemetry.Log.Disk;
using Telemetry.Log.Format;
using Telemetry.Log.Rewriting;

namespace Telemetry.Log.Times;

/// <summary>Walks the batches of one segment's file in the order of the file, those in runs too, and says where the record stands that holds each.</summary>
/// <remarks>One thread.</remarks>
/// <param name="file">The segment's file.</param>
/// <param name="header">Its header, read from that file.</param>
/// <param name="limit">Nothing from this offset on is read.</param>
/// <param name="deviceKey">0 = every device.</param>
/// <param name="nextOffset">Where to go on from an offset, -1 = nowhere; null = reads all.</param>
internal sealed class BatchWalk(ILogFile file, SegmentHeader header, long limit, uint deviceKey = 0, Func<long, long>? nextOffset = null)
{
    private readonly SegmentScanner _scanner = new(file, header, new byte[1 << 20]);
    private readonly RecordRows _rows = new();
    private SegmentRecords _run = new(); // what a verbatim run holds
    private int _nextOfRun;

    /// <summary>Where the record begins that holds the batch.</summary>
    public long Offset { get; private set; }

    /// <summary>Where it ends.</summary>
    public long EndOffset { get; private set; }

    /// <summary>Whose the batch is.</summary>
    public uint DeviceKey { get; private set; }

    /// <summary>The batch.</summary>
    public RecordRows Rows => _rows;

    /// <summary>Moves to the next batch.</summary>
    /// <returns>False at the end.</returns>
    public bool TryNext()
    {
        while (!_rows.TryNextBatch())
        {
            if (_nextOfRun < _run.Count)
            {
                StoredRecord stored = _run[_nextOfRun++];
                _rows.Open(stored.Header, _run.PayloadOf(stored));
                continue;
            }

            if (!TrySkip() || !_scanner.TryNext(limit, out RecordHeader record, out ReadOnlyMemory<byte> payload)) return false;
            if (deviceKey != 0 && record.DeviceKey != deviceKey) continue;
            (Offset, EndOffset, DeviceKey) = (_scanner.Offset - RecordFormat.SizeOf(record.Length), _scanner.Offset, record.DeviceKey);
            if (record.Kind == LogRecordKind.VerbatimRun)
            {
                (_run, _nextOfRun) = (new SegmentRecords(), 0);
                Run.TryRead(record, payload.Span, _run);
            }
            else
            {
                _rows.Open(record, payload);
            }
        }

        return true;
    }

    private bool TrySkip()
    {
        if (nextOffset is null) return true;
        long next = nextOffset(_scanner.Offset);
        if (next > _scanner.Offset) _scanner.Seek(header.BasePosition + next);
        return next >= 0;
    }
}
