using nanoFramework.Runtime.Native;

namespace Telemetry.Device.Platform
{
    /// <summary>The board's tick counter and its real-time clock.</summary>
    public sealed class NanoClock : IClock
    {
        // Ticks of 100 ns from year 1 to 1970.
        private const long UnixEpochTicks = 621355968000000000;
        private const long TicksPerMs = 10000;

        // 2020-01-01: an RTC that says less was never set.
        private const long LeastUnixMs = 1577836800000;

        public long UptimeMs
        {
            get { return System.Environment.TickCount64; }
        }

        public long ReadWallUnixMs()
        {
            long unixMs = (System.DateTime.UtcNow.Ticks - UnixEpochTicks) / TicksPerMs;
            return unixMs < LeastUnixMs ? 0 : unixMs;
        }

        public void SetWallUnixMs(long unixMs)
        {
            Rtc.SetSystemTime(new System.DateTime(UnixEpochTicks + (unixMs * TicksPerMs)));
        }
    }
}
