namespace Telemetry.Device.Platform
{
    /// <summary>A clock that moves when told: simulators and tests drive any number of clients with it.</summary>
    public sealed class ManualClock : IClock
    {
        private long _uptimeMs;
        private long _wallUnixMs;

        /// <summary>A clock at uptime 0.</summary>
        /// <param name="wallUnixMs">What the battery-backed clock says now; 0 = there is none.</param>
        public ManualClock(long wallUnixMs)
        {
            _wallUnixMs = wallUnixMs;
        }

        public long UptimeMs
        {
            get { return _uptimeMs; }
        }

        public long ReadWallUnixMs()
        {
            return _wallUnixMs;
        }

        public void SetWallUnixMs(long unixMs)
        {
            _wallUnixMs = unixMs;
        }

        /// <summary>Lets <paramref name="milliseconds"/> (0 or more) pass on both clocks.</summary>
        public void Advance(long milliseconds)
        {
            _uptimeMs += milliseconds;
            if (_wallUnixMs != 0) _wallUnixMs += milliseconds;
        }

        /// <summary>Moves to an uptime that is not before the present one.</summary>
        public void AdvanceTo(long uptimeMs)
        {
            if (uptimeMs > _uptimeMs) Advance(uptimeMs - _uptimeMs);
        }
    }
}
