using System.Buffers;
using Telemetry.Log.Format;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Log.Rewriting;

/// <summary>Joins batches of one device into a long run.</summary>
/// <remarks>One thread. Holds the rows of one run: at most what 480 KiB of batches decode to.</remarks>
internal sealed class LongRunWriter
{
    // Long blocks take less than the batches they replace; should they not, the run is written verbatim, which then fits.
    private const int MaxSourceBytes = RecordFormat.MaxRunBytes - (32 * 1024);

    // Shorter stretches of whole seconds are counted in ms with their neighbours.
    private const int LeastSecondsRows = 512;

    // Fewer do not pay for the column's own beginning.
    private const int LeastSmoothRows = 64;

    private readonly BlockDecoder _decoder = new();
    private readonly BlockPacker _packer = new();
    private readonly BatchPacker _batch = new();
    private readonly ArrayBufferWriter<byte> _block = new();
    private readonly ArrayBufferWriter<byte> _smooth = new();
    private readonly RowBuffer _ledger = LongRun.NewLedger();
    private readonly RowBuffer _cuts = LongRun.NewCuts();
    private readonly RowBuffer _losses = LongRun.NewLosses();
    private readonly List<RowBuffer> _series = [];
    private readonly List<(BlockShape Shape, RowBuffer Rows)> _scratch = [];
    private int _scratchCount;
    private int _sourceBytes;
    private StoredRecord _last;
    private ClockReading _lastClock;
    private ulong _lastSeq;

    /// <summary>Batches of the open run.</summary>
    public int Count => _ledger.RowCount;

    /// <summary>Whether a batch, cut out of long blocks, will be the same bytes. What our SDK seals is; what other senders pack may not be.</summary>
    /// <remarks>Leaves the batch's rows ready for <see cref="TryAdd"/>.</remarks>
    public bool IsReproducible(ReadOnlySpan<byte> batch)
    {
        _scratchCount = 0;
        if (BatchReader.ReadHeader(batch, out BatchHeader header, out _) != DecodeStatus.Done) return false;
        _batch.Begin(header);
        foreach (LossEntry loss in BatchReader.Losses(batch)) _batch.AddLoss(loss);
        foreach (BlockSlice slice in BatchReader.Blocks(batch))
        {
            ReadOnlySpan<byte> block = batch.Slice(slice.Offset, slice.Length);
            if (slice.IsPlain || _decoder.Decode(block, isPlain: false) != RefusalReason.None) return false;
            (BlockShape shape, RowBuffer rows) = Scratch(BlockShape.Of(block));
            rows.Add(_decoder);
            _block.ResetWrittenCount();
            _packer.Pack(_block, rows, 0, rows.RowCount, shape.StepsInSeconds);
            _batch.AddBlock(_block.WrittenSpan);
        }

        return _batch.Seal().SequenceEqual(batch);
    }

    /// <summary>Adds the batch last found reproducible.</summary>
    /// <returns>False when the run is full: end it and add again.</returns>
    public bool TryAdd(in StoredRecord record, ReadOnlySpan<byte> batch)
    {
        BatchReader.ReadHeader(batch, out BatchHeader header, out _);
        bool isFull = Count == LongRun.MaxRows || _cuts.RowCount + header.BlockCount > LongRun.MaxRows || _losses.RowCount + header.LossCount > LongRun.MaxRows
            || _sourceBytes + batch.Length > MaxSourceBytes;
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
        return true;
    }

    /// <summary>Ends the run.</summary>
    /// <param name="output">Gets its payload.</param>
    public void End(ArrayBufferWriter<byte> output)
    {
        PutTable(output, _ledger);
        PutTable(output, _cuts);
        PutTable(output, _losses);
        foreach (RowBuffer series in _series) PutSeries(output, series);
        foreach (RowBuffer series in _series) series.Clear();
        _series.Clear();
        _ledger.Clear();
        _cuts.Clear();
        _losses.Clear();
        _sourceBytes = 0;
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

    private void PutTable(ArrayBufferWriter<byte> output, RowBuffer table)
    {
        _block.ResetWrittenCount();
        if (table.RowCount > 0) _packer.Pack(_block, table, 0, table.RowCount, stepsInSeconds: table.RowCount > 1);
        Run.PutFrame(output, _block.WrittenSpan);
    }

    private void PutSeries(ArrayBufferWriter<byte> output, RowBuffer series)
    {
        List<(int First, int Rows, bool InSeconds)> blocks = [];
        for (int first = 0; first < series.RowCount; first += blocks[^1].Rows) blocks.Add(NextLongBlock(series.TimesMs, first));
        Run.PutVarint(output, (ulong)blocks.Count);
        RowBuffer joined = series.NewLike();
        foreach ((int first, int rows, bool inSeconds) in blocks)
        {
            joined.Clear();
            joined.Add(series, first, rows);
            PutLongBlock(output, joined, inSeconds);
        }
    }

    // Columns that come out shorter against their running level are coded that way behind the block, which holds zeros in their place.
    private void PutLongBlock(ArrayBufferWriter<byte> output, RowBuffer rows, bool inSeconds)
    {
        _smooth.ResetWrittenCount();
        int smoothed = 0;
        PackLongBlock(rows, inSeconds);
        BlockLayout.Read(_block.WrittenSpan, out BlockLayout? layout);
        for (int column = 0; column < rows.ColumnCount; column++)
        {
            if (rows.Kind(column) == BlockPacker.RealKind || rows.RowCount < LeastSmoothRows) continue;
            byte[] stream = new byte[SmoothColumn.MaxBytes(rows.RowCount)];
            int bytes = SmoothColumn.Write(rows.Values(column), stream);
            if (bytes == 0 || bytes + (rows.RowCount / 256) > layout!.Columns[column].Bytes) continue;
            Run.PutVarint(_smooth, (ulong)column);
            Run.PutFrame(_smooth, stream.AsSpan(0, bytes));
            rows.LastValues(column, rows.RowCount).Clear();
            smoothed++;
        }

        if (smoothed > 0) PackLongBlock(rows, inSeconds);
        Run.PutFrame(output, _block.WrittenSpan);
        Run.PutVarint(output, (ulong)smoothed);
        output.Write(_smooth.WrittenSpan);
    }

    private void PackLongBlock(RowBuffer rows, bool inSeconds)
    {
        _block.ResetWrittenCount();
        _packer.Pack(_block, rows, 0, rows.RowCount, inSeconds);
    }

    // As many rows as one timeline can hold: times must not fall (a boot ends them), steps keep within their bound.
    private static (int First, int Rows, bool InSeconds) NextLongBlock(ReadOnlySpan<long> times, int first)
    {
        int most = Math.Min(WireLimits.MaxBlockRows, times.Length - first);
        int rows = 1, whole = 1;
        for (; rows < most; rows++)
        {
            long step = times[first + rows] - times[first + rows - 1];
            if (step is < 0 or > int.MaxValue) break;
            if (whole == rows && step % 1000 == 0) whole++;
        }

        return whole > 1 && (whole == rows || whole >= LeastSecondsRows) ? (first, whole, true) : (first, rows, false);
    }
}
