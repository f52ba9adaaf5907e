using Telemetry.Device.Platform;

namespace Telemetry.Simulator.Replay;

/// <summary>The clock of a device's connection: real time, plus the waits that a replay may skip.</summary>
/// <remarks>Timeouts and signs of life need the pace of the real network; the wait before a reconnect does not, and a replay would stand still in it.</remarks>
/// <param name="time">Real time.</param>
/// <param name="leastMsBetweenSkips">A collector that restarts is asked again this often, whatever the device would have waited.</param>
internal sealed class LinkClock(TimeProvider time, long leastMsBetweenSkips) : IClock
{
    private readonly long _start = time.GetTimestamp();
    private long _skippedMs;
    private long _lastSkipMs = -leastMsBetweenSkips;

    /// <inheritdoc/>
    public long UptimeMs => RealMs + _skippedMs;

    private long RealMs => (long)time.GetElapsedTime(_start).TotalMilliseconds;

    /// <inheritdoc/>
    public long ReadWallUnixMs() => 0;

    /// <inheritdoc/>
    public void SetWallUnixMs(long unixMs)
    {
        // This clock only measures how long things take.
    }

    /// <summary>Skips a wait, unless one was skipped just before.</summary>
    public bool TrySkip(int milliseconds)
    {
        long now = RealMs;
        if (now - _lastSkipMs < leastMsBetweenSkips) return false;
        _lastSkipMs = now;
        _skippedMs += milliseconds;
        return true;
    }
}
