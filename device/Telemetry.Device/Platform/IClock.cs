namespace Telemetry.Device.Platform
{
    /// <summary>The device's clocks. Samples carry uptime; wall time only appears in the clock pair of a batch.</summary>
    public interface IClock
    {
        /// <summary>Milliseconds since boot, 0 or more. Never steps back and counts through sleep.</summary>
        long UptimeMs { get; }

        /// <summary>Wall time of a battery-backed clock in Unix ms; 0 when there is none or it was never set.</summary>
        long ReadWallUnixMs();

        /// <summary>Stores wall time in the battery-backed clock, where there is one.</summary>
        void SetWallUnixMs(long unixMs);
    }
}
