namespace Telemetry.Device.Platform
{
    /// <summary>The operating system's monotonic and wall clocks.</summary>
    /// <remarks>Wall time of a computer is kept by its operating system, so <see cref="SetWallUnixMs"/> leaves it alone.</remarks>
    public sealed class SystemClock : IClock
    {
        private readonly System.TimeProvider _wall;
        private readonly bool _trustsWall;

        /// <summary>The machine's clocks.</summary>
        /// <param name="trustsWall">False for a device whose wall clock is not to be believed until the collector says the time.</param>
        public SystemClock(bool trustsWall)
        {
            _wall = System.TimeProvider.System;
            _trustsWall = trustsWall;
        }

        public long UptimeMs
        {
            get { return System.Environment.TickCount64; }
        }

        public long ReadWallUnixMs()
        {
            return _trustsWall ? _wall.GetUtcNow().ToUnixTimeMilliseconds() : 0;
        }

        public void SetWallUnixMs(long unixMs)
        {
        }
    }
}
