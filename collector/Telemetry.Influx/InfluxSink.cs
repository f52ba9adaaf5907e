using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Telemetry.Influx.Delivery;
using Telemetry.Influx.LineProtocol;
using Telemetry.Log;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.Profiles;

namespace Telemetry.Influx;

/// <summary>
/// Carries every batch of the log to InfluxDB as line protocol. Behind the log, never in front of it: a server that is slow or away costs
/// nothing but lag. The cursor moves after the server has taken the lines, so a crash at any point only sends points again, and a point
/// sent twice is the same point.
/// </summary>
/// <remarks>One loop: read records, write lines until a request is full or a second old, deliver, save the cursor.</remarks>
public sealed class InfluxSink : IDisposable
{
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RestartPause = TimeSpan.FromSeconds(5);

    private readonly BlockLog _log;
    private readonly InfluxOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly InfluxClient _client;
    private readonly LineDelivery _delivery;
    private readonly Settling _settling;
    private readonly SeriesCatalog _series;
    private readonly ClockPlacement _placement;
    private readonly LogCursor _cursor;
    private readonly SinkPlace _place;
    private readonly LineBatch _lines;
    private readonly BlockLines _blockLines;
    private readonly BlockDecoder _block = new();
    private readonly List<BlockSlice> _slices = [];
    private long _firstLineAt;
    private long _startedAt;
    private long _consumed;
    private long _committed;

    /// <summary>Makes a sink; <see cref="RunAsync"/> runs it.</summary>
    /// <param name="log">What to read; the sink's place in it is the cursor <see cref="InfluxOptions.CursorName"/>.</param>
    /// <param name="catalog">Names of devices and signals.</param>
    /// <param name="options">Checked here.</param>
    /// <param name="time">Default: the system's clock.</param>
    /// <param name="logger">Events 1500-1599.</param>
    /// <param name="handler">HTTP below; default: sockets.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public InfluxSink(
        BlockLog log, IDeviceCatalog catalog, InfluxOptions options, TimeProvider? time = null, ILogger<InfluxSink>? logger = null, HttpMessageHandler? handler = null)
    {
        options.Validate();
        _log = log;
        _options = options;
        _time = time ?? TimeProvider.System;
        _logger = logger ?? NullLogger<InfluxSink>.Instance;
        _client = new InfluxClient(options, _time, handler);
        _delivery = new LineDelivery(_client, Refused = new RefusedLines(options.RefusedFolder, _time), options, Metrics, _time, _logger);
        _place = new SinkPlace(_cursor = log.OpenCursor(options.CursorName), options);
        _settling = new Settling(_client, _place, options, _time, _logger);
        _series = new SeriesCatalog(catalog, options);
        _placement = new ClockPlacement(options);
        _lines = new LineBatch(options.MaxLinesPerRequest, options.MaxRequestBytes);
        _blockLines = new BlockLines(options);
    }

    /// <summary>Bytes of the log's records that are not yet known to be in the server.</summary>
    public long LagBytes => _log.BytesBehind(_cursor.Position);

    /// <summary>The process that takes the lines, by the instant of its start, where it is an InfluxDB 1; else, and before it is met for the first time, empty. Another one may have lost what
    /// this one took.</summary>
    public string ServerProcess => _place.Process;

    /// <summary>Position before which an InfluxDB 1 has everything in its data files.</summary>
    internal long FlushedBefore => _place.Flushed;

    internal InfluxMetrics Metrics { get; } = new();

    internal RefusedLines Refused { get; }

    /// <summary>Runs until <paramref name="stop"/> or the log closes; then brings what is durable to the server, for at most five seconds.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using CancellationTokenSource work = new(Timeout.InfiniteTimeSpan, _time);
        using CancellationTokenRegistration limit = stop.Register(() => work.CancelAfter(DrainLimit));
        Log.Starting(_logger, _cursor.Position, _options.Url!.Authority);
        while (true)
        {
            try
            {
                await ConsumeAsync(stop, work.Token);
                return;
            }
            catch (ServerRestartedException)
            {
                Log.ServerRestarted(_logger, _cursor.Position);
            }
            catch (OperationCanceledException) when (work.IsCancellationRequested)
            {
                return; // the rest waits in the log for the next start
            }
            catch (Exception failure)
            {
                // The log cannot be read, the refused file not written, or a defect: nothing was passed over, the cursor stands, ingest goes on.
                Log.Failed(_logger, RestartPause, failure);
                await Task.Delay(RestartPause, _time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (stop.IsCancellationRequested) return;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _client.Dispose();
        Metrics.Dispose();
    }

    /// <summary>The loop. <paramref name="stop"/> ends the waiting, <paramref name="work"/> ends everything.</summary>
    /// <exception cref="ServerRestartedException">It must begin again at the cursor: the server has forgotten what lies behind it.</exception>
    private async Task ConsumeAsync(CancellationToken stop, CancellationToken work)
    {
        using LogReader reader = _log.OpenReader(_place.Answered);
        _startedAt = _consumed = _committed = _place.Answered;
        _lines.Clear();
        _placement.Reset();
        _settling.Reset();
        bool isLast = false;
        while (true)
        {
            while (reader.TryRead(out LogRecord record))
            {
                await TakeAsync(record, work);
                _consumed = record.NextPosition;
                if (!_lines.IsEmpty && _time.GetElapsedTime(_firstLineAt) >= _options.FlushInterval) await SendAsync(work);
                if (_settling.DueIn == TimeSpan.Zero) await SettleAsync(work);
            }

            // Lines wait for company until they are due; without lines the log alone is waited for.
            if (_lines.IsEmpty) Commit();
            Awaited awaited = isLast ? Awaited.End : await WaitForMoreAsync(reader, stop);
            if (awaited == Awaited.End && isLast) break;
            isLast = awaited == Awaited.End;
            if (awaited != Awaited.Due) continue;
            if (RestOf(_firstLineAt) == TimeSpan.Zero) await SendAsync(work);
            if (_settling.DueIn == TimeSpan.Zero) await SettleAsync(work);
        }

        await SendAsync(work);
    }

    // How long the oldest line may wait yet; infinite without one.
    private TimeSpan RestOf(long firstLineAt)
    {
        if (_lines.IsEmpty) return Timeout.InfiniteTimeSpan;
        TimeSpan rest = _options.FlushInterval - _time.GetElapsedTime(firstLineAt);
        return rest > TimeSpan.Zero ? rest : TimeSpan.Zero;
    }

    private async ValueTask SettleAsync(CancellationToken cancellation)
    {
        if (await _settling.LookAsync(cancellation) is { } keptBefore) _place.Answer(keptBefore);
    }

    private async ValueTask<Awaited> WaitForMoreAsync(LogReader reader, CancellationToken stop)
    {
        (TimeSpan rest, TimeSpan settles) = (RestOf(_firstLineAt), _settling.DueIn);
        if (rest == Timeout.InfiniteTimeSpan || (settles != Timeout.InfiniteTimeSpan && settles < rest)) rest = settles;
        if (rest == TimeSpan.Zero) return Awaited.Due;
        using CancellationTokenSource due = new(rest, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(stop, due.Token);
        try
        {
            return await reader.WaitForMoreAsync(either.Token) ? Awaited.More : Awaited.End;
        }
        catch (OperationCanceledException)
        {
            return stop.IsCancellationRequested ? Awaited.End : Awaited.Due;
        }
    }

    private async ValueTask TakeAsync(LogRecord record, CancellationToken cancellation)
    {
        BatchHeader header = default;
        RefusalReason fault = RefusalReason.None;
        bool isBatch = record.Kind == LogRecordKind.Batch && BatchReader.ReadHeader(record.Payload.Span, out header, out fault) == DecodeStatus.Done;
        while (_placement.TryEndWait(record, isBatch ? header : null, out PlacedBatch placed)) await TakePlacedAsync(placed, cancellation);
        if (record.Kind != LogRecordKind.Batch) return;
        if (!isBatch) Skip(record, fault.ToString());
        else if (_placement.TryPlace(record, header, out long toUnixMs) || TryPlaceByEarlier(record, header, out toUnixMs)) await WriteAsync(record, header, toUnixMs, cancellation);
        else _placement.Wait(record, header);
    }

    /// <summary>Places a batch by a clock reading of its boot that the sink passed before it was started: the batch is late, or was asked for again.</summary>
    private bool TryPlaceByEarlier(in LogRecord record, in BatchHeader header, out long toUnixMs)
    {
        toUnixMs = 0;
        DeviceBoot boot = DeviceBoot.Of(record.DeviceKey, header);
        if (_startedAt == 0 || !_placement.TryBeginLookup(boot)) return false;
        using LogReader reader = _log.OpenDeviceReader(0, record.DeviceKey);
        while (reader.TryRead(out LogRecord earlier) && earlier.Position < _startedAt)
        {
            if (earlier.Kind != LogRecordKind.Batch || BatchReader.ReadHeader(earlier.Payload.Span, out BatchHeader known, out _) != DecodeStatus.Done) continue;
            if (DeviceBoot.Of(record.DeviceKey, known) == boot) _placement.Learn(record.DeviceKey, known);
        }

        return _placement.TryPlace(record, header, out toUnixMs);
    }

    /// <summary>Reads a batch that waited once more, now that its place in time is known.</summary>
    private async ValueTask TakePlacedAsync(PlacedBatch placed, CancellationToken cancellation)
    {
        using LogReader again = _log.OpenReader(placed.Position);
        if (!again.TryRead(out LogRecord record) || record.Position != placed.Position) return; // erased meanwhile
        if (BatchReader.ReadHeader(record.Payload.Span, out BatchHeader header, out _) != DecodeStatus.Done) return;
        if (placed.IsByReceiveTime) Metrics.BatchPlacedByReceiveTime();
        await WriteAsync(record, header, placed.ToUnixMs, cancellation);
    }

    private async ValueTask WriteAsync(LogRecord record, BatchHeader header, long toUnixMs, CancellationToken cancellation)
    {
        if (_series.Find(record.DeviceKey, header.ProfileHash) is not { } series)
        {
            Skip(record, "its device or profile is not registered");
            return;
        }

        _blockLines.BeginBatch(series, toUnixMs);
        _slices.Clear();
        foreach (BlockSlice slice in BatchReader.Blocks(record.Payload.Span)) _slices.Add(slice);
        foreach (BlockSlice slice in _slices)
        {
            RefusalReason fault = _block.Decode(record.Payload.Span.Slice(slice.Offset, slice.Length), slice.IsPlain);
            if (fault != RefusalReason.None)
            {
                Skip(record, fault.ToString());
                return;
            }

            _blockLines.Begin(_block);
            while (!WriteLines()) await SendAsync(cancellation);
            if (_blockLines.Unwritable > 0) Metrics.SamplesUnwritable(_blockLines.Unwritable);
        }
    }

    private bool WriteLines()
    {
        if (_lines.IsEmpty) _firstLineAt = _time.GetTimestamp();
        return _blockLines.Write(_lines);
    }

    private async ValueTask SendAsync(CancellationToken cancellation)
    {
        if (!_lines.IsEmpty)
        {
            await _settling.MeetAsync(cancellation);
            long retries = Metrics.Retries;
            await _delivery.DeliverAsync(_lines, cancellation);
            if (Metrics.Retries > retries) _settling.Doubt();
        }

        _lines.Clear();
        Commit();
    }

    /// <summary>Everything before the cursor is in the server, and stays there: up to the last whole record, but never past a batch that waits for a clock.</summary>
    private void Commit()
    {
        long safe = Math.Min(_consumed, _placement.OldestWaiting ?? long.MaxValue);
        if (safe <= Math.Max(_place.Answered, _committed)) return;
        _committed = safe;
        if (_settling.IsKept(safe)) _place.Answer(safe);
    }

    private void Skip(in LogRecord record, string reason)
    {
        Metrics.BatchSkipped();
        Log.BatchSkipped(_logger, record.DeviceKey, record.Position, reason);
    }

    private enum Awaited
    {
        /// <summary>Records to read.</summary>
        More,

        /// <summary>The oldest line has waited long enough.</summary>
        Due,

        /// <summary>No more will come, or the host stops: what is durable now is the last.</summary>
        End,
    }
}
