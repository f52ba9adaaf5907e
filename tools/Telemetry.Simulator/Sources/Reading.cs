namespace Telemetry.Simulator.Sources;

/// <summary>One value a device measured, before the SDK sees it.</summary>
/// <param name="UnixMs">True time of the measurement.</param>
/// <param name="Signal">Signal id of the device's profile.</param>
/// <param name="Scaled">Value / resolution, as the SDK takes it.</param>
/// <param name="Quality">Bits <see cref="Worn"/>, <see cref="Charging"/>, <see cref="Estimated"/> (proto/WIRE.md, "Quality").</param>
public readonly record struct Reading(long UnixMs, int Signal, int Scaled, byte Quality)
{
    /// <summary>The device was worn.</summary>
    public const byte Worn = 1;

    /// <summary>The device was charging.</summary>
    public const byte Charging = 2;

    /// <summary>The value was filled in, not measured.</summary>
    public const byte Estimated = 4;
}
