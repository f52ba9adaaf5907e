using System.Buffers;
using System.Runtime.InteropServices;
using Telemetry.Log.Format;
using Telemetry.Log.Rewriting.Coding;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Log.Rewriting;

/// <summary>Joins batches of one device into a long run.</summary>
/// <remarks>One thread. Holds the rows of one run: at most <see cref="LongRun.MaxNumbers"/>.</remarks>
internal sealed class LongRunWriter
{
    // Long columns take less than the batches they replace; should they not, the run is written verbatim, which then fits.
    private const int MaxSourceBytes = RecordFormat.MaxRunBytes - (32 * 1024);

    // Steps are counted in seconds when fewer than one in so many is not whole.
    private const int WholeToRest = 16;

    private readonly BlockDecoder _decoder = new();
    private readonly BlockPacker _packer = new();
    private readonly BatchPacker _batch = new();
    private readonly ArrayBufferWriter<byte> _block = new();
    private readonly ColumnWriter _columns = new();
    private readonly RowBuffer _ledger = LongRun.NewLedger();
    private readonly RowBuffer _cuts = LongRun.NewCuts();
    private readonly RowBuffer _losses = LongRun.NewLosses();
    private readonly List<RowBuffer> _series = [];
    private readonly List<(BlockShape Shape, RowBuffer Rows)> _scratch = [];
    private int _scratchCount;
    private int _sourceBytes;
    private int _numbers;
    private int _scratchNumbers;
    private long[] _scratchColumn = [];
    private StoredRecord _last;
    private ClockReading _lastClock;
    private ulong _lastSeq;

    /// <summary>Batches of the open run.</summary>
    public int Count => _ledger.RowCount;

    /// <summary>Unpacks a batch, ready for <see cref="TryAdd"/>.</summary>
    /// <returns>False when it cannot stand in a run: a damaged one, or one with plain blocks.</returns>
    public bool TryTake(ReadOnlySpan<byte> batch)
    {
        (_scratchCount, _scratchNumbers) = (0, 0);
        if (BatchReader.ReadHeader(batch, out _, out _) != DecodeStatus.Done) return false;
        foreach (BlockSlice slice in BatchReader.Blocks(batch))
        {
            ReadOnlySpan<byte> block = batch.Slice(slice.Offset, slice.Length);
            if (slice.IsPlain || _decoder.Decode(block, isPlain: false) != RefusalReason.None) return false;
            _scratchNumbers += _decoder.RowCount * (_decoder.ColumnCount + 1);
            if (_scratchNumbers > LongRun.MaxNumbers) return false;
            Scratch(BlockShape.Of(block)).Rows.Add(_decoder);
        }

        return true;
    }

    /// <summary>Whether the batch last taken, cut out of a run, will be the same bytes. What our SDK seals is; what other senders pack may not be.</summary>
    public bool IsReproducible(ReadOnlySpan<byte> batch)
    {
        BatchReader.ReadHeader(batch, out BatchHeader header, out _);
        _batch.Begin(header);
        foreach (LossEntry loss in BatchReader.Losses(batch)) _batch.AddLoss(loss);
        foreach ((BlockShape shape, RowBuffer rows) in CollectionsMarshal.AsSpan(_scratch)[.._scratchCount])
        {
            _block.ResetWrittenCount();
            _packer.Pack(_block, rows, 0, rows.RowCount, shape.StepsInSeconds);
            _batch.AddBlock(_block.WrittenSpan);
        }

        return _batch.Seal().SequenceEqual(batch);
    }

    /// <summary>Adds the batch last taken.</summary>
    /// <returns>False when the run is full: end it and add again.</returns>
    public bool TryAdd(in StoredRecord record, ReadOnlySpan<byte> batch)
    {
        BatchReader.ReadHeader(batch, out BatchHeader header, out _);
        bool isFull = Count == LongRun.MaxRows || _cuts.RowCount + header.BlockCount > LongRun.MaxRows || _losses.RowCount + header.LossCount > LongRun.MaxRows
            || _sourceBytes + batch.Length > MaxSourceBytes || _numbers + _scratchNumbers > LongRun.UsualNumbers;
        if (isFull && Count > 0) return false;

        bool isFirst = Count == 0;
        ClockReading clock = header.Clock;
        _ledger.Add(
            Count * 1000L, 0,
            isFirst ? 0 : (record.Position - _last.NextPosition) / RecordFormat.Alignment,
            record.Header.ReceivedUnixMs - (isFirst ? 0 : _last.Header.ReceivedUnixMs),
            header.Epoch,
            (long)(header.Seq - (isFirst ? 0 : _lastSeq)),
            header.Boot,
            header.ProfileHash,
            clock.UptimeMs - (isFirst ? 0 : _lastClock.UptimeMs),
            clock.WallUnixMs - clock.UptimeMs - (isFirst ? 0 : _lastClock.WallUnixMs - _lastClock.UptimeMs),
            clock.ErrorMs,
            clock.Source,
            header.LossCount,
            header.BlockCount);
        foreach (LossEntry loss in BatchReader.Losses(batch)) _losses.Add(_losses.RowCount * 1000L, 0, loss.SignalId, loss.Reason, loss.Count);
        for (int i = 0; i < _scratchCount; i++)
        {
            (BlockShape shape, RowBuffer rows) = _scratch[i];
            int which = SeriesOf(shape);
            _cuts.Add(_cuts.RowCount * 1000L, 0, which, rows.RowCount, shape.StepsInSeconds ? 1 : 0);
            _series[which].Add(rows, 0, rows.RowCount);
        }

        (_last, _lastClock, _lastSeq) = (record, clock, header.Seq);
        _sourceBytes += batch.Length;
        _numbers += _scratchNumbers;
        return true;
    }

    /// <summary>Ends the run.</summary>
    /// <param name="output">Gets its payload.</param>
    public void End(ArrayBufferWriter<byte> output)
    {
        PutTable(_ledger);
        PutTable(_cuts);
        PutTable(_losses);
        _columns.WriteNumber(_series.Count, LongRun.TableRowBits);
        foreach (RowBuffer series in _series) PutSeries(series);
        _columns.End(output);
        _series.Clear();
        _ledger.Clear();
        _cuts.Clear();
        _losses.Clear();
        (_sourceBytes, _numbers) = (0, 0);
    }

    private (BlockShape Shape, RowBuffer Rows) Scratch(BlockShape shape)
    {
        // Most batches repeat the shapes of the one before.
        int at = _scratchCount++;
        if (at < _scratch.Count && _scratch[at].Rows.HasShape(shape.Signals, shape.Kinds))
        {
            _scratch[at].Rows.Clear();
            return _scratch[at] = (shape, _scratch[at].Rows);
        }

        (BlockShape, RowBuffer) fresh = (shape, shape.NewRows());
        if (at < _scratch.Count) _scratch[at] = fresh;
        else _scratch.Add(fresh);
        return fresh;
    }

    private int SeriesOf(BlockShape shape)
    {
        int which = _series.FindIndex(series => series.HasShape(shape.Signals, shape.Kinds));
        if (which >= 0) return which;
        _series.Add(shape.NewRows());
        return _series.Count - 1;
    }

    private void PutTable(RowBuffer table)
    {
        _columns.WriteNumber(table.RowCount, LongRun.TableRowBits);
        for (int column = 0; column < table.ColumnCount; column++) _columns.WriteIntegers(table.Values(column));
    }

    private void PutSeries(RowBuffer series)
    {
        _columns.WriteNumber(series.ColumnCount - 1, LongRun.ColumnBits);
        for (int column = 0; column < series.ColumnCount; column++)
        {
            _columns.WriteNumber(series.SignalId(column), LongRun.SignalBits);
            _columns.WriteNumber(series.Kind(column), LongRun.KindBits);
        }

        _columns.WriteNumber(series.RowCount - 1, LongRun.SeriesRowBits);
        PutTimes(series.TimesMs);
        PutQuality(series.Quality);
        for (int column = 0; column < series.ColumnCount; column++)
        {
            if (series.Kind(column) == BlockPacker.RealKind) _columns.WriteReals(series.Values(column));
            else _columns.WriteIntegers(series.Values(column));
        }
    }

    private void PutTimes(ReadOnlySpan<long> times)
    {
        int steps = times.Length - 1, notWhole = 0;
        for (int i = 0; i < steps; i++) notWhole += (times[i + 1] - times[i]) % LongRun.MsPerSecond == 0 ? 0 : 1;
        bool inSeconds = notWhole * WholeToRest < steps;
        _columns.WriteNumber(times[0], LongRun.TimeBits);
        _columns.WriteNumber(inSeconds ? 1 : 0, 1);
        Span<long> column = ScratchColumn(steps);
        for (int i = 0; i < steps; i++)
        {
            long step = times[i + 1] - times[i];
            column[i] = inSeconds ? FloorSeconds(step) : step;
        }

        _columns.WriteIntegers(column);
        if (!inSeconds) return;
        for (int i = 0; i < steps; i++) column[i] = times[i + 1] - times[i] - (column[i] * LongRun.MsPerSecond);
        _columns.WriteIntegers(column);
    }

    private void PutQuality(ReadOnlySpan<byte> quality)
    {
        bool hasQuality = quality.ContainsAnyExcept((byte)0);
        _columns.WriteNumber(hasQuality ? 1 : 0, 1);
        if (!hasQuality) return;
        Span<long> column = ScratchColumn(quality.Length);
        for (int i = 0; i < column.Length; i++) column[i] = quality[i];
        _columns.WriteIntegers(column);
    }

    private Span<long> ScratchColumn(int rows)
    {
        if (_scratchColumn.Length < rows) _scratchColumn = new long[rows];
        return _scratchColumn.AsSpan(0, rows);
    }

    private static long FloorSeconds(long ms) => (ms - (((ms % LongRun.MsPerSecond) + LongRun.MsPerSecond) % LongRun.MsPerSecond)) / LongRun.MsPerSecond;
}
