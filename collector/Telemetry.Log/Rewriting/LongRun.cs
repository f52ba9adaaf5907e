using Telemetry.Wire;
using Telemetry.Wire.Blocks;

namespace Telemetry.Log.Rewriting;

// Payload of a long run: one stream of Coding.ColumnWriter. Numbers are so many bits; a table is its rows in 13 bits, then its columns.
//   ledger   table, a row a batch; columns 1-12 as LongRun.Columns says
//   cuts     table, a row an original block, in order: 1 which series, 2 rows, 3 steps were counted in seconds
//   losses   table, a row an entry of a loss ledger, in order: 1 signal, 2 reason, 3 count
//   13 bits  series; each is the rows of one kind (same signals, same kinds):
//            6 bits columns - 1; each: 16 bits signal, 2 bits kind
//            22 bits rows - 1
//            64 bits time of the first row; 1 bit: steps in s; column of the steps between rows, floor(ms / 1000) if in s; if in s, column of the ms left
//            1 bit has quality; then a column of it
//            each column

/// <summary>
/// Batches of one device as long columns: the rows of all batches behind one another, and beside them what each batch said of itself and where it was cut.
/// Cut and packed again, the batches are the same bytes; only such batches are put into a long run.
/// </summary>
internal static class LongRun
{
    /// <summary>Batches, blocks and loss entries of one run, each.</summary>
    public const int MaxRows = WireLimits.MaxBlockRows;

    /// <summary>Numbers in the rows of one run, times counted: what a reader holds in memory at once, 32 MiB.</summary>
    public const int MaxNumbers = 1 << 22;

    /// <summary>A run that has so many takes no further batch: 2 MiB stay in a core's cache while they are read.</summary>
    public const int UsualNumbers = 1 << 18;

    public const int TableRowBits = 13;
    public const int ColumnBits = 6;
    public const int SignalBits = 16;
    public const int KindBits = 2;
    public const int SeriesRowBits = 22;
    public const int TimeBits = 64;
    public const int MsPerSecond = 1000;

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
