using Telemetry.Log.Format;
using Telemetry.Log.Rewriting;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Log;

/// <summary>The rows that one record holds: those of a batch as it came, or of all batches of a long run, batch by batch and block by block.</summary>
/// <remarks>One thread; buffers are reused. Nothing is decoded before it is asked for.</remarks>
internal sealed class RecordRows
{
    private readonly BlockDecoder _decoder = new();
    private readonly LongRunTables _run = new();
    private readonly List<BlockSlice> _slices = [];
    private ReadOnlyMemory<byte> _batch;
    private RowSlice _slice;
    private int _columns;
    private int _next; // block
    private int _blocks;
    private bool _isRun;
    private bool _isAhead; // the one batch of a record has yet to be moved to

    public BatchHeader Header { get; private set; }

    public long ReceivedUnixMs { get; private set; }

    public int ColumnCount => _isRun ? _slice.Series.ColumnCount : _decoder.ColumnCount;

    /// <summary>Values of the block, known with its times.</summary>
    public int SampleCount => TimesMs.Length * (_isRun ? _slice.Series.ColumnCount : _columns);

    public ReadOnlySpan<long> TimesMs => _isRun ? _slice.Series.TimesMs.Slice(_slice.First, _slice.Rows) : _decoder.TimesMs;

    public ReadOnlySpan<byte> Quality => _isRun ? _slice.Series.Quality.Slice(_slice.First, _slice.Rows) : _decoder.Quality;

    public int SignalId(int column) => _isRun ? _slice.Series.SignalId(column) : _decoder.SignalId(column);

    public bool IsReal(int column) => _isRun ? _slice.Series.Kind(column) == BlockPacker.RealKind : _decoder.IsReal(column);

    public ReadOnlySpan<long> Values(int column) => _isRun ? _slice.Series.Values(column).Slice(_slice.First, _slice.Rows) : _decoder.Integers(column);

    /// <summary>Stands before the first batch of a record; before none, if it holds none that can be read.</summary>
    /// <param name="record">Its header.</param>
    /// <param name="payload">Must hold until the next call.</param>
    public void Open(in RecordHeader record, ReadOnlyMemory<byte> payload)
    {
        (_next, _blocks, _isAhead) = (0, 0, false);
        _isRun = record.Kind == LogRecordKind.LongRun && _run.TryOpen(record, payload.Span);
        if (record.Kind != LogRecordKind.Batch || BatchReader.ReadHeader(payload.Span, out BatchHeader header, out _) != DecodeStatus.Done) return;
        (Header, ReceivedUnixMs, _batch, _isAhead) = (header, record.ReceivedUnixMs, payload, true);
    }

    /// <summary>Moves to the next batch, over what is left of this one.</summary>
    public bool TryNextBatch()
    {
        if (_isRun)
        {
            _run.Skip(_blocks - _next);
            _isRun = _run.TryNextBatch(lengthBefore: 0);
            if (_isRun) (Header, ReceivedUnixMs) = (_run.Header, _run.ReceivedUnixMs);
            (_next, _blocks) = (0, _isRun ? Header.BlockCount : 0);
            return _isRun;
        }

        if (!_isAhead)
        {
            _blocks = _next;
            return false;
        }

        _isAhead = false;
        _slices.Clear();
        foreach (BlockSlice slice in BatchReader.Blocks(_batch.Span)) _slices.Add(slice);
        (_next, _blocks) = (0, _slices.Count);
        return true;
    }

    /// <summary>Moves to the next block of this batch, and decodes its times.</summary>
    /// <returns>False behind the last one, and behind one that cannot be decoded.</returns>
    public bool TryReadTimes()
    {
        if (_next == _blocks) return false;
        BlockSlice slice = _isRun ? default : _slices[_next];
        _next++;
        if (_isRun ? _run.TryNextBlock(out _slice) : _decoder.DecodeTimes(_batch.Span.Slice(slice.Offset, slice.Length), slice.IsPlain, out _columns) == RefusalReason.None) return true;
        EndBatch();
        return false;
    }

    /// <summary>Moves to the next block of this batch, and decodes all of it.</summary>
    /// <returns>As <see cref="TryReadTimes"/>.</returns>
    public bool TryReadBlock()
    {
        if (_isRun) return TryReadTimes();
        if (_next == _blocks) return false;
        _next++;
        return TryReadColumns();
    }

    /// <summary>Decodes the columns of the block that was moved to.</summary>
    /// <returns>False when they cannot be decoded: then no more of the batch can.</returns>
    public bool TryReadColumns()
    {
        if (_isRun) return true;
        BlockSlice slice = _slices[_next - 1];
        if (_decoder.Decode(_batch.Span.Slice(slice.Offset, slice.Length), slice.IsPlain) == RefusalReason.None) return true;
        EndBatch();
        return false;
    }

    // A run whose rows are damaged has none for its further batches either.
    private void EndBatch() => _blocks = _next;
}
