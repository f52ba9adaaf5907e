namespace Telemetry.Wire.Batches;

/// <summary>What admission needs of a batch, read without decoding its blocks.</summary>
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
}
