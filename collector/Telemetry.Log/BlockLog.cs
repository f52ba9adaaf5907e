using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Telemetry.Log.Disk;
using Telemetry.Log.Format;

namespace Telemetry.Log;

/// <summary>
/// The collector's append-only record of batches. Any thread appends into a bounded buffer; one writer thread flushes the
/// buffer as a group; a position is durable once its group is flushed, and readers see durable records only.
/// </summary>
/// <remarks>Thread-safe. Bytes, steps and failure cases: FORMAT.md.</remarks>
public sealed partial class BlockLog : IDisposable
{
    private readonly BlockLogOptions _options;
    private readonly ILogDisk _disk;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly IDisposable _folderLock;
    private readonly DurableWaiterPool _waiters = new();
    private readonly LogMetrics _metrics;

    // Guards everything an append touches; held for a copy and a checksum, never for I/O. The writer thread waits on it.
    private readonly object _appendLock = new();
    private volatile AppendBuffer _filling;
    private AppendBuffer _flushing;
    private SegmentHeader _appendSegment;
    private long _nextPosition;
    private long _generation;
    private int _wakeAtRecords = 1;
    private bool _isClosing;

    private long _durablePosition;
    private volatile LogSegment[] _segments = [];
    private volatile LogHealth _health;

    private BlockLog(BlockLogOptions options, ILogger? logger, TimeProvider? time)
    {
        options.Validate();
        _options = options;
        _logger = logger ?? NullLogger.Instance;
        _time = time ?? TimeProvider.System;
        _disk = options.Disk ?? new FileLogDisk(options.Folder);
        _folderLock = _disk.Lock();
        _health = new LogHealth(true, "", _time.GetUtcNow());
        try
        {
            Recovery = Recover();
        }
        catch
        {
            _folderLock.Dispose();
            throw;
        }

        _filling = new AppendBuffer(options.BufferBytes);
        _flushing = new AppendBuffer(options.BufferBytes);
        _metrics = new LogMetrics(this);
    }

    /// <summary>Opens the log of a folder, creating it where there is none, and starts its writer thread.</summary>
    /// <param name="options">Settings; not changed afterwards.</param>
    /// <param name="logger">Where events 1000-1099 go; null = nowhere.</param>
    /// <param name="time">Clock for durations and health; null = the system's.</param>
    /// <returns>The log, ready to append and read. Damage never keeps it from opening: see <see cref="Recovery"/>.</returns>
    /// <exception cref="ArgumentException">A setting is out of its range; the text names it.</exception>
    /// <exception cref="IOException">The folder cannot be read or another process holds it.</exception>
    public static BlockLog Open(BlockLogOptions options, ILogger<BlockLog>? logger = null, TimeProvider? time = null)
    {
        BlockLog log = new(options, logger, time);
        log.StartWriter();
        return log;
    }

    /// <summary>Opens without a writer thread, for tests that call <see cref="FlushPending"/> themselves.</summary>
    internal static BlockLog OpenManual(BlockLogOptions options, TimeProvider? time = null) => new(options, null, time);

    /// <summary>What opening found.</summary>
    public LogRecoveryReport Recovery { get; }

    /// <summary>Every record that begins before this position is flushed and readable.</summary>
    public long DurablePosition => Volatile.Read(ref _durablePosition);

    /// <summary>Where the next record will begin at the earliest.</summary>
    public long NextPosition
    {
        get
        {
            lock (_appendLock) return _nextPosition;
        }
    }

    /// <summary>Bytes that the durable records at or behind a position took as they were appended. Positions run on over what a segment left free at its end, and over what was erased; no byte is
    /// counted for the former. Within a packed segment, whose records do not say where they stood, the most it can be.</summary>
    public long BytesBehind(long position)
    {
        long durable = DurablePosition, bytes = 0;
        foreach (LogSegment segment in _segments) bytes += segment.RecordBytes(position, durable);
        return bytes;
    }

    /// <summary>Position of the first record the log still holds.</summary>
    public long FirstPosition => _segments is [LogSegment first, ..] ? first.Header.FirstRecordPosition : SegmentHeader.Bytes;

    /// <summary>Whether the disk takes writes, for readiness: also false while one flush takes longer than 3 s.</summary>
    public LogHealth Health
    {
        get
        {
            LogHealth health = _health;
            long started = Volatile.Read(ref _flushStarted);
            if (!health.IsWriting || started == 0) return health;
            TimeSpan underWay = _time.GetElapsedTime(started);
            return underWay < StalledAfter ? health : new LogHealth(false, $"A flush has been under way for {underWay.TotalSeconds:F0} s.", _time.GetUtcNow() - underWay);
        }
    }

    /// <summary>False from a refused flush to the next one that succeeds: what is appended meanwhile waits.</summary>
    public bool IsWriting => _health.IsWriting;

    /// <summary>Number of the group that is filling; grows by one with every flush. Admission measures shares per group.</summary>
    public long Generation => Volatile.Read(ref _generation);

    /// <summary>Bytes that may wait for one flush.</summary>
    public int BufferBytes => _options.BufferBytes;

    /// <summary>Bytes that wait for the next flush now.</summary>
    /// <remarks>Read without the lock: a moment old, never out of range.</remarks>
    public int WaitingBytes => _filling.Count;

    /// <summary>Appends one record: copies <paramref name="payload"/> into the buffer of the next flush. Does not wait and does not allocate.</summary>
    /// <param name="kind">What the payload is.</param>
    /// <param name="reason">With a dead letter, the numeric <c>RefusalReason</c>; else 0.</param>
    /// <param name="deviceKey">Whose it is.</param>
    /// <param name="receivedUnixMs">The collector's clock, ms since 1970.</param>
    /// <param name="payload">0 to 262,144 bytes (<c>WireLimits.MaxBatchBytes</c>).</param>
    /// <param name="position">Where the record begins; it is durable once <see cref="WaitDurableAsync"/> for it returned true.</param>
    /// <returns>False when the buffer is full or the log is closing: nothing was taken, come back after a flush.</returns>
    /// <exception cref="ArgumentException">The payload is too long.</exception>
    public bool TryAppend(LogRecordKind kind, byte reason, uint deviceKey, long receivedUnixMs, ReadOnlySpan<byte> payload, out long position)
    {
        if (payload.Length > RecordFormat.MaxPayloadBytes) ThrowTooLong(payload.Length);
        lock (_appendLock)
        {
            if (!TryTake(payload.Length, out Span<byte> record, out position)) return false;
            payload.CopyTo(record[RecordFormat.HeaderBytes..]);
            Finish(record, position, new RecordHeader(payload.Length, kind, reason, deviceKey, receivedUnixMs));
            return true;
        }
    }

    /// <inheritdoc cref="TryAppend(LogRecordKind, byte, uint, long, ReadOnlySpan{byte}, out long)"/>
    public bool TryAppend(LogRecordKind kind, byte reason, uint deviceKey, long receivedUnixMs, in ReadOnlySequence<byte> payload, out long position)
    {
        if (payload.IsSingleSegment) return TryAppend(kind, reason, deviceKey, receivedUnixMs, payload.FirstSpan, out position);
        if (payload.Length > RecordFormat.MaxPayloadBytes) ThrowTooLong(payload.Length);
        lock (_appendLock)
        {
            if (!TryTake((int)payload.Length, out Span<byte> record, out position)) return false;
            payload.CopyTo(record[RecordFormat.HeaderBytes..]);
            Finish(record, position, new RecordHeader((int)payload.Length, kind, reason, deviceKey, receivedUnixMs));
            return true;
        }
    }

    /// <summary>Waits until the record at <paramref name="position"/> and everything before it is flushed and readable.</summary>
    /// <returns>False when the log closed before that: then nothing may be acknowledged.</returns>
    /// <exception cref="ArgumentOutOfRangeException">No append has given out this position, nor is it the next one.</exception>
    /// <exception cref="OperationCanceledException">The wait was canceled; the record may still become durable.</exception>
    /// <remarks>Allocates nothing in the steady state. One wait for the last of many positions settles them all.</remarks>
    public ValueTask<bool> WaitDurableAsync(long position, CancellationToken cancellation = default)
    {
        if (position < Volatile.Read(ref _durablePosition)) return new ValueTask<bool>(true);
        DurableWaiter waiter;
        lock (_appendLock)
        {
            if (position < _durablePosition) return new ValueTask<bool>(true);
            if (_isClosed) return new ValueTask<bool>(false);
            if (position > _nextPosition)
            {
                throw new ArgumentOutOfRangeException(nameof(position), position, $"The log ends at {_nextPosition}; a position given by an append is expected.");
            }

            waiter = _waiters.Rent();
            (position < _flushingEnd ? _flushing : _filling).Waiters.Add(waiter);
        }

        if (cancellation.CanBeCanceled) waiter.CancelWith(cancellation);
        return waiter.Task;
    }

    /// <summary>Reads durable records from the first one at or after <paramref name="fromPosition"/> (0 = the beginning).</summary>
    public LogReader OpenReader(long fromPosition = 0) => new(this, fromPosition, deviceKey: 0);

    /// <summary>Reads the durable records of one device, passing over the parts of the log that hold none of its.</summary>
    /// <param name="fromPosition">0 = the beginning.</param>
    /// <param name="deviceKey">From 1.</param>
    public LogReader OpenDeviceReader(long fromPosition, uint deviceKey)
    {
        ArgumentOutOfRangeException.ThrowIfZero(deviceKey);
        return new LogReader(this, fromPosition, deviceKey);
    }

    /// <summary>Reads the rows of one device: decoded, and from compacted segments without packing the batches again.</summary>
    /// <param name="deviceKey">From 1.</param>
    /// <param name="before">Batches from this position on are not read.</param>
    public RowReader OpenRowReader(uint deviceKey, long before = long.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfZero(deviceKey);
        return new RowReader(new LogReader(this, 0, deviceKey, keepsRunsBefore: before), before);
    }

    /// <summary>The log's folder, for small files that share its fate (a consumer's checkpoint). Names that end in .seg, .idx, .times and .cursor are the log's.</summary>
    public ILogDisk Disk => _disk;

    internal ILogger Logger => _logger;

    internal LogMetrics Metrics => _metrics;

    internal LogSegment[] Segments => _segments;

    private bool TryTake(int payloadBytes, out Span<byte> record, out long position)
    {
        int size = RecordFormat.SizeOf(payloadBytes);
        position = _nextPosition;
        record = default;
        if (_isClosing || _filling.FreeBytes < size)
        {
            _metrics.AppendsRefused++;
            return false;
        }

        if (_beginsSegment || position + size > _appendSegment.EndPosition)
        {
            _beginsSegment = false;
            _appendSegment = NewSegment(_appendSegment.EndPosition);
            position = _appendSegment.FirstRecordPosition;
        }

        record = _filling.Take(_appendSegment, position, size);
        _nextPosition = position + size;
        return true;
    }

    private void Finish(Span<byte> record, long position, in RecordHeader header)
    {
        record[(RecordFormat.HeaderBytes + header.Length)..].Clear();
        RecordFormat.WriteHeader(record, _appendSegment.Seed, position, header);
        if (_filling.RecordCount == _wakeAtRecords || _filling.FreeBytes < _options.BufferBytes / 2) Monitor.Pulse(_appendLock);
    }

    private SegmentHeader NewSegment(long basePosition) =>
        new(basePosition, _options.SegmentBytes, BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(sizeof(uint))), _time.GetUtcNow().ToUnixTimeMilliseconds());

    [DoesNotReturn]
    private static void ThrowTooLong(long length) =>
        throw new ArgumentException($"Payload has {length} bytes; at most {RecordFormat.MaxPayloadBytes} are expected.", "payload");
}
