using Telemetry.Log.Format;
using Telemetry.Log.Rewriting.Coding;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;

namespace Telemetry.Log.Rewriting;

/// <summary>A long run, decoded: the rows of its batches behind one another, and a walk over the batches that says which rows are whose.</summary>
/// <remarks>One thread; buffers are reused. Rows are decoded when the first of them are asked for: what the batches say of themselves stands in front and is had without.</remarks>
internal sealed class LongRunTables
{
    private readonly ColumnReader _columns = new();
    private readonly RowBuffer _ledger = LongRun.NewLedger();
    private readonly RowBuffer _cuts = LongRun.NewCuts();
    private readonly RowBuffer _losses = LongRun.NewLosses();
    private readonly List<(RowBuffer Rows, int Next)> _series = [];
    private readonly List<RowBuffer> _buffers = []; // of the run before: most runs repeat its shapes
    private long[] _scratchColumn = [];
    private int _row;
    private int _cut;
    private int _loss;
    private bool _hasRows;
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

    /// <summary>Opens a run and stands before its first batch.</summary>
    /// <returns>False when what it says of its batches does not follow the format.</returns>
    public bool TryOpen(in RecordHeader run, ReadOnlySpan<byte> payload)
    {
        Position = run.ReceivedUnixMs;
        (_row, _cut, _loss, _received, _seq, _uptime, _wallAgainstUptime) = (-1, 0, 0, 0, 0, 0, 0);
        _hasRows = false;
        return _columns.TryOpen(payload) && TryReadTable(_ledger) && TryReadTable(_cuts) && TryReadTable(_losses);
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
    /// <returns>False when the run says of more rows than it holds, or they do not follow the format.</returns>
    public bool TryNextBlock(out RowSlice slice)
    {
        slice = default;
        return (_hasRows || TryReadRows()) && TryCut(out slice);
    }

    /// <summary>Passes over blocks, without decoding them if nothing was decoded yet.</summary>
    public void Skip(int blocks)
    {
        if (!_hasRows) _cut += blocks;
        else while (blocks-- > 0 && TryCut(out _)) { }
    }

    // All of the run's, and over those that were passed.
    private bool TryReadRows()
    {
        if (!TryReadAllSeries() || !_columns.IsWhole) return false;
        _hasRows = true;
        int passed = _cut;
        _cut = 0;
        Skip(passed);
        return _cut == passed;
    }

    private bool TryCut(out RowSlice slice)
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

    private bool TryReadTable(RowBuffer table)
    {
        table.Clear();
        int rows = (int)_columns.ReadNumber(LongRun.TableRowBits);
        if (rows > LongRun.MaxRows) return false;
        table.Grow(rows);
        for (int column = 0; column < table.ColumnCount; column++)
        {
            if (!_columns.TryReadIntegers(table.ValuesToSet(column))) return false;
        }

        return true;
    }

    private bool TryReadAllSeries()
    {
        _series.Clear();
        int left = LongRun.MaxNumbers;
        for (long series = _columns.ReadNumber(LongRun.TableRowBits); series > 0; series--)
        {
            if (!TryReadSeries(ref left)) return false;
        }

        return true;
    }

    private bool TryReadSeries(ref int left)
    {
        int[] signals = new int[_columns.ReadNumber(LongRun.ColumnBits) + 1];
        byte[] kinds = new byte[signals.Length];
        for (int column = 0; column < signals.Length; column++)
        {
            signals[column] = (int)_columns.ReadNumber(LongRun.SignalBits);
            kinds[column] = (byte)_columns.ReadNumber(LongRun.KindBits);
        }

        int rows = (int)_columns.ReadNumber(LongRun.SeriesRowBits) + 1;
        if (rows > left / (signals.Length + 1)) return false;
        left -= rows * (signals.Length + 1);
        RowBuffer series = Buffer(_series.Count, signals, kinds);
        series.Grow(rows);
        _series.Add((series, 0));
        if (!TryReadTimes(series.TimesToSet) || !TryReadQuality(series.QualityToSet)) return false;
        for (int column = 0; column < signals.Length; column++)
        {
            Span<long> values = series.ValuesToSet(column);
            if (!(kinds[column] == BlockPacker.RealKind ? _columns.TryReadReals(values) : _columns.TryReadIntegers(values))) return false;
        }

        return true;
    }

    private RowBuffer Buffer(int number, int[] signals, byte[] kinds)
    {
        if (number == _buffers.Count) _buffers.Add(new RowBuffer(signals, kinds));
        else if (_buffers[number].HasShape(signals, kinds)) _buffers[number].Clear();
        else _buffers[number] = new RowBuffer(signals, kinds);
        return _buffers[number];
    }

    private bool TryReadTimes(Span<long> times)
    {
        times[0] = _columns.ReadNumber(LongRun.TimeBits);
        bool inSeconds = _columns.ReadNumber(1) != 0;
        Span<long> steps = times[1..];
        if (!_columns.TryReadIntegers(steps)) return false;
        if (inSeconds)
        {
            Span<long> left = ScratchColumn(steps.Length);
            if (!_columns.TryReadIntegers(left)) return false;
            for (int i = 0; i < steps.Length; i++) steps[i] = (steps[i] * LongRun.MsPerSecond) + left[i];
        }

        for (int row = 1; row < times.Length; row++) times[row] += times[row - 1];
        return true;
    }

    private bool TryReadQuality(Span<byte> quality)
    {
        if (_columns.ReadNumber(1) == 0)
        {
            quality.Clear();
            return true;
        }

        Span<long> column = ScratchColumn(quality.Length);
        if (!_columns.TryReadIntegers(column)) return false;
        for (int row = 0; row < quality.Length; row++) quality[row] = (byte)column[row];
        return true;
    }

    private Span<long> ScratchColumn(int rows)
    {
        if (_scratchColumn.Length < rows) _scratchColumn = new long[rows];
        return _scratchColumn.AsSpan(0, rows);
    }
}

/// <summary>Neighbouring rows of a series.</summary>
/// <param name="Series">Where they are.</param>
/// <param name="First">Index of the first.</param>
/// <param name="Rows">How many.</param>
/// <param name="StepsInSeconds">How their original block counted its steps.</param>
internal readonly record struct RowSlice(RowBuffer Series, int First, int Rows, bool StepsInSeconds);
