using Telemetry.Log.Format;
using Telemetry.Log.Rewriting;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Log;

/// <summary>Reads the rows of one device's batches, block by block, decoded. For who wants samples: from compacted segments they come without packing the batches again.</summary>
/// <remarks>One thread. Blocks come in the order of their batches, except that batches of other encoders, which stand beside a long run, come behind it.</remarks>
public sealed class RowReader : IDisposable
{
    private readonly LogReader _records;
    private readonly long _before;
    private readonly BlockDecoder _decoder = new();
    private readonly LongRunTables _run = new();
    private readonly List<BlockSlice> _slices = [];
    private ReadOnlyMemory<byte> _batch;
    private RowSlice _slice;
    private int _left;
    private bool _isInRun;

    internal RowReader(LogReader records, long before) => (_records, _before) = (records, before);

    /// <summary>What the block's batch said of itself.</summary>
    public BatchHeader Header { get; private set; }

    /// <summary>When the batch was received.</summary>
    public long ReceivedUnixMs { get; private set; }

    /// <summary>Columns of the block.</summary>
    public int ColumnCount => _isInRun ? _slice.Series.ColumnCount : _decoder.ColumnCount;

    /// <summary>Uptime of each row in ms. Valid until the next call, as everything of the block.</summary>
    public ReadOnlySpan<long> TimesMs => _isInRun ? _slice.Series.TimesMs.Slice(_slice.First, _slice.Rows) : _decoder.TimesMs;

    /// <summary>Quality of each row; empty where the block carries none.</summary>
    public ReadOnlySpan<byte> Quality => _isInRun ? _slice.Series.Quality.Slice(_slice.First, _slice.Rows) : _decoder.Quality;

    /// <summary>Signal id of a column.</summary>
    public int SignalId(int column) => _isInRun ? _slice.Series.SignalId(column) : _decoder.SignalId(column);

    /// <summary>True when a column holds IEEE reals: <see cref="Values"/> are their bits.</summary>
    public bool IsReal(int column) => _isInRun ? _slice.Series.Kind(column) == BlockPacker.RealKind : _decoder.IsReal(column);

    /// <summary>Values of a column, one a row.</summary>
    public ReadOnlySpan<long> Values(int column) => _isInRun ? _slice.Series.Values(column).Slice(_slice.First, _slice.Rows) : _decoder.Integers(column);

    /// <summary>Moves to the next block, of this batch or a later one.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="IOException">The disk refuses to read.</exception>
    public bool TryRead()
    {
        while (!TryReadBlock())
        {
            if (!TryReadBatch()) return false;
        }

        return true;
    }

    /// <summary>Moves to the next batch, over what is left of this one. Of a batch as it came nothing is decoded before <see cref="TryReadBlock"/>.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="IOException">The disk refuses to read.</exception>
    public bool TryReadBatch()
    {
        while (_isInRun && TryReadBlock())
        {
            // The run's rows are one behind the other: those of this batch are passed.
        }

        while (!(_isInRun && TryNextOfRun()))
        {
            if (!_records.TryRead(out LogRecord record) || record.Position >= _before) return false;
            if (TryEnter(record)) return true;
        }

        return true;
    }

    /// <summary>Moves to the next block of this batch.</summary>
    /// <returns>False behind the last one, and behind one that cannot be decoded; ingest lets none of those through.</returns>
    public bool TryReadBlock()
    {
        if (_left == 0) return false;
        _left--;
        if (_isInRun ? _run.TryNextBlock(out _slice) : TryDecode()) return true;
        _left = 0;
        return false;
    }

    public void Dispose() => _records.Dispose();

    // True with a batch as it came; a run has yet to be asked for its first one.
    private bool TryEnter(in LogRecord record)
    {
        (_left, _isInRun) = (0, record.Kind == LogRecordKind.LongRun);
        if (_isInRun)
        {
            RecordHeader run = new(record.Payload.Length, record.Kind, record.Reason, record.DeviceKey, record.ReceivedUnixMs);
            _isInRun = _run.TryOpen(run, record.Payload.Span);
            return false;
        }

        if (record.Kind != LogRecordKind.Batch || BatchReader.ReadHeader(record.Payload.Span, out BatchHeader header, out _) != DecodeStatus.Done) return false;
        (Header, ReceivedUnixMs, _batch) = (header, record.ReceivedUnixMs, record.Payload);
        _slices.Clear();
        foreach (BlockSlice slice in BatchReader.Blocks(record.Payload.Span)) _slices.Add(slice);
        _left = _slices.Count;
        return true;
    }

    private bool TryNextOfRun()
    {
        _isInRun = _run.TryNextBatch(lengthBefore: 0);
        if (!_isInRun) return false;
        (Header, ReceivedUnixMs, _left) = (_run.Header, _run.ReceivedUnixMs, _run.Header.BlockCount);
        return true;
    }

    private bool TryDecode()
    {
        BlockSlice slice = _slices[^(_left + 1)];
        return _decoder.Decode(_batch.Span.Slice(slice.Offset, slice.Length), slice.IsPlain) == RefusalReason.None;
    }
}
