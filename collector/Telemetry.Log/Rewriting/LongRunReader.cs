using System.Buffers;
using Telemetry.Log.Format;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;

namespace Telemetry.Log.Rewriting;

/// <summary>Cuts the batches out of long runs: the bytes their devices sealed.</summary>
/// <remarks>One thread; buffers are reused.</remarks>
internal sealed class LongRunReader
{
    private readonly LongRunTables _tables = new();
    private readonly BlockPacker _packer = new();
    private readonly BatchPacker _batch = new();
    private readonly ArrayBufferWriter<byte> _block = new();

    /// <summary>Adds the batches of a run to <paramref name="records"/>.</summary>
    /// <returns>False when the run does not follow the format; what was read before that is kept.</returns>
    public bool TryRead(in RecordHeader run, ReadOnlySpan<byte> payload, SegmentRecords records)
    {
        if (!_tables.TryOpen(run, payload)) return false;
        for (int size = 0; _tables.TryNextBatch(size);)
        {
            if (!TrySealBatch(out ReadOnlySpan<byte> batch)) return false;
            records.Add(_tables.Position, new RecordHeader(batch.Length, LogRecordKind.Batch, 0, run.DeviceKey, _tables.ReceivedUnixMs), batch);
            size = RecordFormat.SizeOf(batch.Length);
        }

        return true;
    }

    private bool TrySealBatch(out ReadOnlySpan<byte> batch)
    {
        batch = default;
        BatchHeader header = _tables.Header;
        _batch.Begin(header);
        for (int i = 0; i < header.LossCount; i++)
        {
            if (!_tables.TryNextLoss(out LossEntry loss)) return false;
            _batch.AddLoss(loss);
        }

        for (int i = 0; i < header.BlockCount; i++)
        {
            if (!_tables.TryNextBlock(out RowSlice slice)) return false;
            _block.ResetWrittenCount();
            _packer.Pack(_block, slice.Series, slice.First, slice.Rows, slice.StepsInSeconds);
            _batch.AddBlock(_block.WrittenSpan);
        }

        batch = _batch.Seal();
        return batch.Length <= RecordFormat.MaxPayloadBytes;
    }
}
