using Telemetry.Log.Format;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Log.Rewriting;

/// <summary>A long run, decoded: the rows of its batches behind one another, and a walk over the batches that says which rows are whose.</summary>
/// <remarks>One thread; buffers are reused.</remarks>
internal sealed class LongRunTables
{
    private readonly BlockDecoder _decoder = new();
    private readonly RowBuffer _ledger = LongRun.NewLedger();
    private readonly RowBuffer _cuts = LongRun.NewCuts();
    private readonly RowBuffer _losses = LongRun.NewLosses();
    private readonly List<(RowBuffer Rows, int Next)> _series = [];
    private int _row;
    private int _cut;
    private int _loss;
    private long _received;
    private long _seq;
    private long _uptime;
    private long _wallAgainstUptime;

    /// <summary>Where the batch last moved to begins, once the caller has told the lengths of those before.</summary>
    public long Position { get; private set; }

    /// <summary>When it was received.</summary>
    public long ReceivedUnixMs => _received;

    /// <summary>What it said of itself.</summary>
    public BatchHeader Header { get; private set; }

    /// <summary>Decodes a run and stands before its first batch.</summary>
    /// <returns>False when it does not follow the format.</returns>
    public bool TryOpen(in RecordHeader run, ReadOnlySpan<byte> payload)
    {
        Position = run.ReceivedUnixMs;
        (_row, _cut, _loss, _received, _seq, _uptime, _wallAgainstUptime) = (-1, 0, 0, 0, 0, 0, 0);
        return TryReadTable(ref payload, _ledger) && TryReadTable(ref payload, _cuts) && TryReadTable(ref payload, _losses) && TryReadSeries(payload);
    }

    /// <summary>Moves to the next batch.</summary>
    /// <param name="lengthBefore">Bytes that the record before this one takes; 0 before the first, or where positions do not matter.</param>
    /// <returns>False behind the last one.</returns>
    public bool TryNextBatch(long lengthBefore)
    {
        if (++_row >= _ledger.RowCount) return false;
        Position += lengthBefore + (Ledger(LongRun.Columns.Gap) * RecordFormat.Alignment);
        _received += Ledger(LongRun.Columns.Received);
        _seq += Ledger(LongRun.Columns.Seq);
        _uptime += Ledger(LongRun.Columns.Uptime);
        _wallAgainstUptime += Ledger(LongRun.Columns.WallAgainstUptime);
        ClockReading clock = new(_uptime + _wallAgainstUptime, _uptime, (uint)Ledger(LongRun.Columns.Error), (int)Ledger(LongRun.Columns.Source));
        Header = new BatchHeader(
            (uint)Ledger(LongRun.Columns.Epoch), (ulong)_seq, (uint)Ledger(LongRun.Columns.Boot), (uint)Ledger(LongRun.Columns.Profile), clock,
            (int)Ledger(LongRun.Columns.Blocks), (int)Ledger(LongRun.Columns.Losses));
        return true;
    }

    /// <summary>The next entry of the present batch's loss ledger; to be called <see cref="BatchHeader.LossCount"/> times, before its blocks.</summary>
    public bool TryNextLoss(out LossEntry loss)
    {
        loss = default;
        if (_loss >= _losses.RowCount) return false;
        loss = new LossEntry((int)_losses.Values(0)[_loss], (int)_losses.Values(1)[_loss], _losses.Values(2)[_loss]);
        _loss++;
        return true;
    }

    /// <summary>The rows of the present batch's next block; to be called <see cref="BatchHeader.BlockCount"/> times.</summary>
    /// <returns>False when the run says of more rows than it holds.</returns>
    public bool TryNextBlock(out RowSlice slice)
    {
        slice = default;
        if (_cut >= _cuts.RowCount) return false;
        (long which, long rows, long inSeconds) = (_cuts.Values(0)[_cut], _cuts.Values(1)[_cut], _cuts.Values(2)[_cut]);
        _cut++;
        if (which < 0 || which >= _series.Count) return false;
        (RowBuffer series, int next) = _series[(int)which];
        if (rows is < 1 or > LongRun.MaxRows || rows > series.RowCount - next) return false;
        slice = new RowSlice(series, next, (int)rows, inSeconds != 0);
        _series[(int)which] = (series, next + (int)rows);
        return true;
    }

    private long Ledger(LongRun.Columns column) => _ledger.Values((int)column)[_row];

    private bool TryReadTable(ref ReadOnlySpan<byte> rest, RowBuffer table)
    {
        table.Clear();
        if (!Run.TryTakeFrame(ref rest, out ReadOnlySpan<byte> block)) return false;
        if (block.IsEmpty) return true;
        if (_decoder.Decode(block, isPlain: false) != RefusalReason.None || _decoder.ColumnCount != table.ColumnCount) return false;
        table.Add(_decoder);
        return true;
    }

    private bool TryReadSeries(ReadOnlySpan<byte> rest)
    {
        _series.Clear();
        while (!rest.IsEmpty)
        {
            RowBuffer? series = null;
            if (!Run.TryTakeVarint(ref rest, out ulong blocks)) return false;
            for (; blocks > 0; blocks--)
            {
                if (!Run.TryTakeFrame(ref rest, out ReadOnlySpan<byte> block) || _decoder.Decode(block, isPlain: false) != RefusalReason.None) return false;
                series ??= BlockShape.Of(block).NewRows();
                if (_decoder.ColumnCount != series.ColumnCount) return false;
                series.Add(_decoder);
                if (!TryReadSmoothed(ref rest, series, _decoder.RowCount)) return false;
            }

            if (series is null) return false;
            _series.Add((series, 0));
        }

        return true;
    }

    private static bool TryReadSmoothed(ref ReadOnlySpan<byte> rest, RowBuffer series, int rows)
    {
        if (!Run.TryTakeVarint(ref rest, out ulong smoothed)) return false;
        for (; smoothed > 0; smoothed--)
        {
            if (!Run.TryTakeVarint(ref rest, out ulong column) || column >= (ulong)series.ColumnCount || !Run.TryTakeFrame(ref rest, out ReadOnlySpan<byte> stream)) return false;
            if (!SmoothColumn.TryRead(stream, series.LastValues((int)column, rows))) return false;
        }

        return true;
    }
}

/// <summary>Neighbouring rows of a series.</summary>
/// <param name="Series">Where they are.</param>
/// <param name="First">Index of the first.</param>
/// <param name="Rows">How many.</param>
/// <param name="StepsInSeconds">How their original block counted its steps.</param>
internal readonly record struct RowSlice(RowBuffer Series, int First, int Rows, bool StepsInSeconds);
