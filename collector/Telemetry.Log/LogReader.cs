using Telemetry.Log.Disk;
using Telemetry.Log.Format;
using Telemetry.Log.Rewriting;
using Telemetry.Log.Times;

namespace Telemetry.Log;

/// <summary>Reads durable records in order, in its own time: it shares nothing with the writer but the durable position.</summary>
/// <remarks>One thread at a time. Holds one open file and a buffer of 1 MiB.</remarks>
public sealed class LogReader : IDisposable
{
    private const int BufferBytes = 1 << 20;
    private readonly BlockLog _log;
    private readonly uint _deviceKey;
    private readonly long _keepsRunsBefore;
    private readonly Func<SegmentHeader, List<TimeStride>?>? _wanted;
    private readonly byte[] _buffer = new byte[BufferBytes];
    private LogSegment? _segment;
    private SegmentHeader _header; // of the open file; the list of segments may not show it yet
    private ILogFile? _file;
    private SegmentScanner? _scanner;
    private Func<long, long>? _nextOffset;
    private SegmentRecords? _packed;
    private int _nextPacked;
    private long _position;
    private long _reportedDamage;
    private long _durable;

    /// <param name="log">The log.</param>
    /// <param name="fromPosition">Where to begin.</param>
    /// <param name="deviceKey">0 = every device.</param>
    /// <param name="keepsRunsBefore">In segments that end before this position a long run is one record.</param>
    /// <param name="wanted">Says of a segment which strides of the device are to be read; null, or null in answer = all.</param>
    internal LogReader(BlockLog log, long fromPosition, uint deviceKey, long keepsRunsBefore = 0, Func<SegmentHeader, List<TimeStride>?>? wanted = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fromPosition);
        _log = log;
        _position = fromPosition;
        _deviceKey = deviceKey;
        _keepsRunsBefore = keepsRunsBefore;
        _wanted = wanted;
    }

    /// <summary>Where the next read begins.</summary>
    public long Position => _position;

    /// <summary>Bytes passed over because no intact record holds them.</summary>
    public long DamagedBytes { get; private set; }

    /// <summary>Reads the next durable record, passing over damage and erased records.</summary>
    /// <param name="record">Its payload holds until the next call.</param>
    /// <returns>False at the durable end; <see cref="WaitForMoreAsync"/> waits for more.</returns>
    /// <exception cref="IOException">The disk refuses to read.</exception>
    public bool TryRead(out LogRecord record)
    {
        _durable = _log.DurablePosition;
        // Where a run is one record, no position tells which of its batches are behind us: rows in memory are read to their end.
        if (_segment is { IsReplaced: true } && !(_packed is not null && KeepsRuns)) Leave();
        while (TryEnter())
        {
            if (_packed is not null)
            {
                if (TryReadPacked(out record)) return true;
                if (!TryLeave()) break;
                continue;
            }

            long limit = Math.Min(_durable - _header.BasePosition, _header.SegmentBytes);
            while (TrySkip(limit) && _scanner!.TryNext(limit, out RecordHeader header, out ReadOnlyMemory<byte> payload))
            {
                _position = _scanner.Position;
                ReportDamage();
                if (header.Kind == LogRecordKind.Erased || (_deviceKey != 0 && header.DeviceKey != _deviceKey)) continue;
                record = new LogRecord(
                    _position - RecordFormat.SizeOf(header.Length), _position, header.Kind, header.Reason, header.DeviceKey, header.ReceivedUnixMs, payload);
                return true;
            }

            _position = Math.Max(_position, _scanner!.Position);
            ReportDamage();
            if (!TryLeave()) break;
        }

        record = default;
        return false;
    }

    /// <summary>Waits until something was flushed that the last <see cref="TryRead"/> had not seen.</summary>
    /// <returns>False when the log closed.</returns>
    public ValueTask<bool> WaitForMoreAsync(CancellationToken cancellation) =>
        _log.WaitDurableAsync(_durable, cancellation);

    public void Dispose() => _file?.Dispose();

    // Where a run is one record it is read whole: that will not do in the segment in which the reader's interest ends.
    private bool KeepsRuns => _header.EndPosition <= _keepsRunsBefore;

    private bool TryReadPacked(out LogRecord record)
    {
        while (_nextPacked < _packed!.Count)
        {
            StoredRecord stored = _packed[_nextPacked++];
            _position = stored.NextPosition;
            if (stored.Header.Kind == LogRecordKind.Erased) continue;
            record = stored.ToLogRecord(_packed.PayloadOf(stored));
            return true;
        }

        record = default;
        return false;
    }

    // Opens the segment that holds the position, or the first one behind it.
    private bool TryEnter()
    {
        while (_segment is null)
        {
            LogSegment? next = _log.Segments.FirstOrDefault(segment => segment.Header.EndPosition > _position);
            if (next is null || next.Header.FirstRecordPosition >= _durable) return false;
            if (_wanted?.Invoke(next.Header) is { Count: 0 })
            {
                _position = next.Header.EndPosition;
                continue;
            }

            try
            {
                _file?.Dispose(); // of a try that the disk refused
                _file = _log.Disk.Open(next.Header.FileName, forWriting: false);
            }
            catch (FileNotFoundException) when (next.IsReplaced)
            {
                // It was merged since the list was looked at: the list shows now into what.
                continue;
            }

            Enter(next, _file);
            _segment = next;
        }

        return true;
    }

    private void Enter(LogSegment segment, ILogFile file)
    {
        // The file may be a rewritten one that the list of segments does not show yet: what it says of itself holds.
        if (!SegmentHeader.TryRead(file, segment.Header.BasePosition, out _header)) _header = segment.Header;
        _nextOffset = _deviceKey == 0 ? null : _wanted?.Invoke(_header) is { } strides ? DeviceTimes.OffsetsIn(strides) : OffsetsOfDevice(segment, file);
        _reportedDamage = 0;
        if (_header.IsPacked)
        {
            _packed = SegmentRecords.Load(file, _header, _deviceKey, _nextOffset, keepsRunsFrom: KeepsRuns ? _position : long.MaxValue);
            _nextPacked = _packed.IndexOf(_position);
            ReportDamage(_packed.DamagedBytes);
            return;
        }

        _scanner = new SegmentScanner(file, _header, _buffer);
        _scanner.Seek(_position);
    }

    private Func<long, long> OffsetsOfDevice(LogSegment segment, ILogFile file)
    {
        SegmentIndex index = (_header == segment.Header ? segment.Index : null) ?? SegmentIndex.LoadOrBuild(_log.Disk, file, _header);
        return offset => index.NextOffset(_deviceKey, offset);
    }

    // True once a later segment holds durable records: then this one is complete and read to its end.
    private bool TryLeave()
    {
        long end = _header.EndPosition;
        if (_durable <= end) return false;
        _position = end;
        Leave();
        return true;
    }

    private void Leave()
    {
        _file!.Dispose();
        (_file, _segment, _scanner, _packed) = (null, null, null, null);
    }

    // With a device: goes to where the next record of it may stand.
    private bool TrySkip(long limit)
    {
        if (_nextOffset is null) return true;
        long next = _nextOffset(_scanner!.Offset);
        if (next >= 0 && next < limit)
        {
            if (next > _scanner.Offset) _scanner.Seek(_header.BasePosition + next);
            return true;
        }

        if (limit > _scanner.Offset && limit < _header.SegmentBytes) _scanner.Seek(_header.BasePosition + limit);
        return false;
    }

    private void ReportDamage()
    {
        long damage = _scanner!.DamagedBytes - _reportedDamage;
        _reportedDamage = _scanner.DamagedBytes;
        ReportDamage(damage);
    }

    private void ReportDamage(long damage)
    {
        if (damage == 0) return;
        DamagedBytes += damage;
        _log.Metrics.CountDamage(damage);
        LogEvents.ReaderMetDamage(_log.Logger, damage, _header.BasePosition);
    }
}
