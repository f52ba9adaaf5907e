namespace Telemetry.Wire;

/// <summary>The bounds of the contract (proto/WIRE.md, "Limits"). Whoever sends more is refused before memory is taken.</summary>
public static class WireLimits
{
    /// <summary>A whole sealed batch, in bytes.</summary>
    public const int MaxBatchBytes = 256 * 1024;

    /// <summary>Rows of one block; bounds what a decoder may allocate for it.</summary>
    public const int MaxBlockRows = 4096;

    /// <summary>Columns of one block.</summary>
    public const int MaxBlockColumns = 64;

    /// <summary>Blocks (packed and plain together) of one batch.</summary>
    public const int MaxBatchBlocks = 1024;

    /// <summary>Entries of a batch's loss ledger.</summary>
    public const int MaxLosses = 256;

    /// <summary>Signals of one profile; signal ids are 1..MaxSignalId.</summary>
    public const int MaxSignals = 256;

    /// <summary>The largest signal id.</summary>
    public const int MaxSignalId = 65_535;

    /// <summary>Wall clock and uptime in ms (2^48, the year 10889): no sum of a time and a block's intervals overflows.</summary>
    public const long MaxTimeMs = 1L << 48;

    /// <summary>A profile's JSON text, in bytes.</summary>
    public const int MaxProfileBytes = 64 * 1024;

    /// <summary>A retained Command, in bytes.</summary>
    public const int MaxCommandBytes = 4 * 1024;

    /// <summary>What of a Command is not ordered by anybody: time, version, reconnect window, erasure fence.</summary>
    public const int CommandHeadBytes = 7 + 6 + 6 + 7 + 5; // server_unix_ms, server_error_ms, version, reconnect_window, erase_epoch

    /// <summary>The longest Command for a device that has no word for how long a one it reads: over MQTT 3.1.1, or behind a broker.</summary>
    public const int MaxUntoldCommandBytes = 320;
}
