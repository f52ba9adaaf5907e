using Telemetry.Log.Format;
using Telemetry.Wire.Batches;

namespace Telemetry.Log;

/// <summary>Reads the rows of one device's batches, block by block, decoded. For who wants samples: from compacted segments they come without packing the batches again.</summary>
/// <remarks>One thread. Blocks come in the order of their batches, except that batches of other encoders, which stand beside a long run, come behind it.</remarks>
public sealed class RowReader : IDisposable
{
    private readonly LogReader _records;
    private readonly long _before;
    private readonly RecordRows _rows = new();

    internal RowReader(LogReader records, long before) => (_records, _before) = (records, before);

    /// <summary>What the block's batch said of itself.</summary>
    public BatchHeader Header => _rows.Header;

    /// <summary>When the batch was received.</summary>
    public long ReceivedUnixMs => _rows.ReceivedUnixMs;

    /// <summary>Columns of the block.</summary>
    public int ColumnCount => _rows.ColumnCount;

    /// <summary>Uptime of each row in ms. Valid until the next call, as everything of the block.</summary>
    public ReadOnlySpan<long> TimesMs => _rows.TimesMs;

    /// <summary>Quality of each row; empty where the block carries none.</summary>
    public ReadOnlySpan<byte> Quality => _rows.Quality;

    /// <summary>Signal id of a column.</summary>
    public int SignalId(int column) => _rows.SignalId(column);

    /// <summary>True when a column holds IEEE reals: <see cref="Values"/> are their bits.</summary>
    public bool IsReal(int column) => _rows.IsReal(column);

    /// <summary>Values of a column, one a row.</summary>
    public ReadOnlySpan<long> Values(int column) => _rows.Values(column);

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

    /// <summary>Moves to the next batch, over what is left of this one. Of its rows nothing is decoded before they are asked for.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="IOException">The disk refuses to read.</exception>
    public bool TryReadBatch()
    {
        while (!_rows.TryNextBatch())
        {
            if (!_records.TryRead(out LogRecord record) || record.Position >= _before) return false;
            _rows.Open(new RecordHeader(record.Payload.Length, record.Kind, record.Reason, record.DeviceKey, record.ReceivedUnixMs), record.Payload);
        }

        return true;
    }

    /// <summary>Moves to the next block of this batch.</summary>
    /// <returns>False behind the last one, and behind one that cannot be decoded; the rest of that batch is passed over.</returns>
    public bool TryReadBlock() => _rows.TryReadBlock();

    /// <summary>Moves to the next block of this batch, and decodes its <see cref="TimesMs"/> alone: of a batch as it came, the columns are there after <see cref="TryReadColumns"/>.</summary>
    /// <returns>As <see cref="TryReadBlock"/>.</returns>
    public bool TryReadTimes() => _rows.TryReadTimes();

    /// <summary>Decodes the columns of the block whose times were read.</summary>
    /// <returns>False when they cannot be decoded; the rest of that batch is passed over.</returns>
    public bool TryReadColumns() => _rows.TryReadColumns();

    public void Dispose() => _records.Dispose();
}
