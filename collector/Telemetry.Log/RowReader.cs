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
    private readonly BlockDecoder _decoder = new();
    private readonly LongRunTables _run = new();
    private readonly List<BlockSlice> _slices = [];
    private ReadOnlyMemory<byte> _batch;
    private RowSlice _slice;
    private int _left;
    private bool _isInRun;

    internal RowReader(LogReader records) => _records = records;

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

    /// <summary>Moves to the next block.</summary>
    /// <returns>False at the durable end of the log.</returns>
    /// <exception cref="IOException">The disk refuses to read.</exception>
    public bool TryRead()
    {
        while (true)
        {
            if (_left > 0 && (_isInRun ? TryReadOfRun() : TryReadOfBatch())) return true;
            if (_isInRun && TryNextOfRun()) continue;
            if (!TryNextRecord()) return false;
        }
    }

    public void Dispose() => _records.Dispose();

    private bool TryNextRecord()
    {
        if (!_records.TryRead(out LogRecord record)) return false;
        (_left, _isInRun) = (0, record.Kind == LogRecordKind.LongRun);
        if (_isInRun)
        {
            RecordHeader run = new(record.Payload.Length, record.Kind, record.Reason, record.DeviceKey, record.ReceivedUnixMs);
            _isInRun = _run.TryOpen(run, record.Payload.Span);
            return true;
        }

        if (record.Kind != LogRecordKind.Batch || BatchReader.ReadHeader(record.Payload.Span, out BatchHeader header, out _) != DecodeStatus.Done) return true;
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

    private bool TryReadOfRun()
    {
        _left--;
        return _run.TryNextBlock(out _slice);
    }

    private bool TryReadOfBatch()
    {
        BlockSlice slice = _slices[^_left--];
        return _decoder.Decode(_batch.Span.Slice(slice.Offset, slice.Length), slice.IsPlain) == RefusalReason.None;
    }
}
