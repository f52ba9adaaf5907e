using Telemetry.Simulator.People;
using Telemetry.Simulator.Replay;

namespace Telemetry.Cli.Fleets;

/// <summary>How a simulated fleet moves through its time.</summary>
internal static class FleetPace
{
    /// <summary>Devices stay within half an hour of each other, so that a household lives through its day together.</summary>
    public const long AlignMs = 30 * 60_000;

    /// <summary>The share of the simulated time that the slowest device has behind it.</summary>
    public static double Share(FleetOptions fleet, ReplayProgress now) => now.NowUnixMs == 0
        ? now.DoneDevices > 0 ? 1 : 0
        : Math.Clamp((now.NowUnixMs - fleet.StartUnixMs) / (fleet.Minutes * 60_000d), 0, 1);
}
