using Telemetry.Wire;
using Telemetry.Wire.Blocks;

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
