using System.Buffers;
using Telemetry.Log.Format;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Log.Rewriting;

// Payload of a long run; tables are "varint bytes, content", all blocks are packed blocks of WIRE.md.
//   ledger   one block, a row a batch; columns 1-12, 64-bit, as LongRun.Columns says
//   cuts     one block, a row an original block, in order: 1 which series, 2 rows, 3 steps were counted in seconds; empty = no blocks
//   losses   one block, a row an entry of a loss ledger, in order: 1 signal, 2 reason, 3 count; empty = none
//   series   for each kind of row (same signals, same kinds): varint count of long blocks, then each as "varint bytes, block", varint count of smoothed
//            columns, then each as varint column, "varint bytes, SmoothColumn"; the block holds zeros in its place

/// <summary>
/// Batches of one device as long blocks: the rows of all batches behind one another, and beside them what each batch said of itself and where it was cut.
/// Cut and packed again, the batches are the same bytes; only such batches are put into a long run.
/// </summary>
internal static class LongRun
{
    /// <summary>Batches, blocks and loss entries of one run: each has its row in one block.</summary>
    public const int MaxRows = WireLimits.MaxBlockRows;

    /// <summary>Columns of the ledger. "Later" is against the batch before, of the first one against 0.</summary>
    public enum Columns
    {
        /// <summary>Bytes between the record before and this one, in eighths; of the first 0.</summary>
        Gap,

        /// <summary>How much later it was received, in ms.</summary>
        Received,

        /// <summary>Epoch.</summary>
        Epoch,

        /// <summary>How much higher its seq is.</summary>
        Seq,

        /// <summary>Boot.</summary>
        Boot,

        /// <summary>Profile hash.</summary>
        Profile,

        /// <summary>How much later it was sealed, by uptime in ms.</summary>
        Uptime,

        /// <summary>How much the wall clock moved against uptime, in ms.</summary>
        WallAgainstUptime,

        /// <summary>Bound of the clock's error.</summary>
        Error,

        /// <summary>Source of the clock.</summary>
        Source,

        /// <summary>Entries of its loss ledger.</summary>
        Losses,

        /// <summary>Its blocks.</summary>
        Blocks,
    }

    public const int ColumnCount = (int)Columns.Blocks + 1;

    /// <summary>An empty ledger.</summary>
    public static RowBuffer NewLedger() => NewRows(Enumerable.Repeat(BlockPacker.WideKind, ColumnCount));

    /// <summary>An empty table of cuts.</summary>
    public static RowBuffer NewCuts() => NewRows([BlockPacker.NarrowKind, BlockPacker.NarrowKind, BlockPacker.NarrowKind]);

    /// <summary>An empty table of losses.</summary>
    public static RowBuffer NewLosses() => NewRows([BlockPacker.NarrowKind, BlockPacker.NarrowKind, BlockPacker.WideKind]);

    private static RowBuffer NewRows(IEnumerable<byte> kinds)
    {
        byte[] all = [.. kinds];
        return new RowBuffer([.. Enumerable.Range(1, all.Length)], all);
    }
}

/// <summary>Cuts the batches out of long runs.</summary>
/// <remarks>One thread; buffers are reused.</remarks>
internal sealed class LongRunReader
{
    private readonly BlockDecoder _decoder = new();
    private readonly BlockPacker _packer = new();
    private readonly BatchPacker _batch = new();
    private readonly ArrayBufferWriter<byte> _block = new();
    private readonly RowBuffer _ledger = LongRun.NewLedger();
    private readonly RowBuffer _cuts = LongRun.NewCuts();
    private readonly RowBuffer _losses = LongRun.NewLosses();
    private readonly List<(RowBuffer Rows, int Next)> _series = [];

    /// <summary>Adds the batches of a run to <paramref name="records"/>.</summary>
    /// <returns>False when the run does not follow the format; what was read before that is kept.</returns>
    public bool TryRead(in RecordHeader run, ReadOnlySpan<byte> payload, SegmentRecords records)
    {
        if (!TryReadTable(ref payload, _ledger) || !TryReadTable(ref payload, _cuts) || !TryReadTable(ref payload, _losses) || !TryReadSeries(payload)) return false;
        long position = run.ReceivedUnixMs;
        (long received, long seq, long uptime, long wallAgainstUptime) = (0, 0, 0, 0);
        (int cut, int loss) = (0, 0);
        for (int row = 0; row < _ledger.RowCount; row++)
        {
            position += Ledger(LongRun.Columns.Gap, row) * RecordFormat.Alignment;
            received += Ledger(LongRun.Columns.Received, row);
            seq += Ledger(LongRun.Columns.Seq, row);
            uptime += Ledger(LongRun.Columns.Uptime, row);
            wallAgainstUptime += Ledger(LongRun.Columns.WallAgainstUptime, row);
            ClockReading clock = new(uptime + wallAgainstUptime, uptime, (uint)Ledger(LongRun.Columns.Error, row), (int)Ledger(LongRun.Columns.Source, row));
            _batch.Begin(new BatchHeader((uint)Ledger(LongRun.Columns.Epoch, row), (ulong)seq, (uint)Ledger(LongRun.Columns.Boot, row), (uint)Ledger(LongRun.Columns.Profile, row), clock, 0, 0));
            for (long losses = Ledger(LongRun.Columns.Losses, row); losses > 0; losses--, loss++)
            {
                if (loss >= _losses.RowCount) return false;
                _batch.AddLoss(new LossEntry((int)_losses.Values(0)[loss], (int)_losses.Values(1)[loss], _losses.Values(2)[loss]));
            }

            for (long blocks = Ledger(LongRun.Columns.Blocks, row); blocks > 0; blocks--, cut++)
            {
                if (cut >= _cuts.RowCount || !TryCut(cut)) return false;
            }

            ReadOnlySpan<byte> batch = _batch.Seal();
            if (batch.Length > RecordFormat.MaxPayloadBytes) return false;
            records.Add(position, new RecordHeader(batch.Length, LogRecordKind.Batch, 0, run.DeviceKey, received), batch);
            position += RecordFormat.SizeOf(batch.Length);
        }

        return true;
    }

    private long Ledger(LongRun.Columns column, int row) => _ledger.Values((int)column)[row];

    private bool TryCut(int cut)
    {
        (long which, long rows, long inSeconds) = (_cuts.Values(0)[cut], _cuts.Values(1)[cut], _cuts.Values(2)[cut]);
        if (which < 0 || which >= _series.Count) return false;
        (RowBuffer series, int next) = _series[(int)which];
        if (rows is < 1 or > WireLimits.MaxBlockRows || rows > series.RowCount - next) return false;
        _block.ResetWrittenCount();
        _packer.Pack(_block, series, next, (int)rows, inSeconds != 0);
        _batch.AddBlock(_block.WrittenSpan);
        _series[(int)which] = (series, next + (int)rows);
        return true;
    }

    private bool TryReadTable(ref ReadOnlySpan<byte> rest, RowBuffer table)
    {
        table.Clear();
        if (!Run.TryTakeFrame(ref rest, out ReadOnlySpan<byte> block)) return false;
        if (block.IsEmpty) return true;
        if (_decoder.Decode(block, isPlain: false) != RefusalReason.None || _decoder.ColumnCount != table.ColumnCount) return false;
        table.Add(_decoder);
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
}
