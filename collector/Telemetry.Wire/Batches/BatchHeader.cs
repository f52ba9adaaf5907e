namespace Telemetry.Wire.Batches;

/// <summary>What admission needs of a batch, read without decoding its blocks.</summary>
/// <param name="Epoch">The device's spool epoch, never 0.</param>
/// <param name="Seq">Batch number within the epoch, from 1.</param>
/// <param name="Boot">Boots since the epoch began, from 1.</param>
/// <param name="ProfileHash">Which profile the signal ids belong to, never 0.</param>
/// <param name="Clock">Both clocks at sealing.</param>
/// <param name="BlockCount">Packed and plain blocks together.</param>
/// <param name="LossCount">Entries of the loss ledger.</param>
public readonly record struct BatchHeader(uint Epoch, ulong Seq, uint Boot, uint ProfileHash, ClockReading Clock, int BlockCount, int LossCount);

/// <summary>Both clocks of the device at the instant of sealing (telemetry.v1.Clock).</summary>
/// <param name="WallUnixMs">0 when the device does not know.</param>
/// <param name="UptimeMs">Milliseconds since boot.</param>
/// <param name="ErrorMs">Bound on the wall clock's error; <see cref="UnknownErrorMs"/> = unknown.</param>
/// <param name="Source">Numeric telemetry.v1.ClockSource.</param>
public readonly record struct ClockReading(long WallUnixMs, long UptimeMs, uint ErrorMs, int Source)
{
    /// <summary>"No bound is known."</summary>
    public const uint UnknownErrorMs = uint.MaxValue;

    /// <summary>True when the device knew the time.</summary>
    public bool IsSet => WallUnixMs != 0 && Source != 0;

    /// <summary>Unix time of an instant given in device uptime: wall - (uptime - t). Meaningful only when <see cref="IsSet"/>.</summary>
    public long ToUnixMs(long uptimeMs) => WallUnixMs - (UptimeMs - uptimeMs);
}
