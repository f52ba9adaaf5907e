using Telemetry.Device.Platform;

namespace Telemetry.Simulator.Replay;

/// <summary>A device's clocks in simulated time: the crystal may drift, the battery-backed clock may be wrong.</summary>
internal sealed class VirtualClock(long startUnixMs, double driftPpm) : IClock
{
    private long _stepMs;

    /// <inheritdoc/>
    public long UptimeMs { get; private set; }

    /// <inheritdoc/>
    public long ReadWallUnixMs() => startUnixMs + UptimeMs + _stepMs;

    /// <inheritdoc/>
    public void SetWallUnixMs(long unixMs)
    {
        // The simulated battery-backed clock is set by nobody: it is right, or wrong by its steps.
    }

    /// <summary>Moves to a true instant; one before the present is the present.</summary>
    public void AdvanceTo(long unixMs)
    {
        long uptime = UptimeAt(unixMs);
        if (uptime > UptimeMs) UptimeMs = uptime;
    }

    /// <summary>What the crystal says at a true instant.</summary>
    public long UptimeAt(long unixMs)
    {
        long elapsed = unixMs - startUnixMs;
        return driftPpm == 0 ? elapsed : elapsed + (long)Math.Round(elapsed * driftPpm / 1e6);
    }

    /// <summary>Puts the wall clock wrong by this much more.</summary>
    public void Step(long milliseconds) => _stepMs += milliseconds;
}
