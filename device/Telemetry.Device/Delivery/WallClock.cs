using Telemetry.Device.Platform;

namespace Telemetry.Device.Delivery
{
    /// <summary>
    /// Wall time as the device knows it: a pair (wall, uptime) from the best source so far, and a bound of its error that grows with the
    /// crystal's drift. Samples never carry it; batches carry the pair.
    /// </summary>
    /// <remarks>Guarded by the client's store lock.</remarks>
    internal sealed class WallClock
    {
        /// <summary>"No bound is known."</summary>
        public const uint UnknownErrorMs = uint.MaxValue;

        /// <summary>telemetry.v1.ClockSource numbers.</summary>
        public const int SourceNone = 0;
        public const int SourceRtc = 1;
        public const int SourceServer = 2;

        private readonly IClock _clock;
        private readonly int _driftPpm;
        private long _wallUnixMs;
        private long _pairUptimeMs;
        private uint _errorMs;
        private int _source;

        /// <summary>Starts from the battery-backed clock, whose error nobody knows.</summary>
        public WallClock(IClock clock, int driftPpm)
        {
            _clock = clock;
            _driftPpm = driftPpm;
            _wallUnixMs = clock.ReadWallUnixMs();
            _pairUptimeMs = clock.UptimeMs;
            _errorMs = UnknownErrorMs;
            _source = _wallUnixMs == 0 ? SourceNone : SourceRtc;
        }

        /// <summary>Milliseconds since boot.</summary>
        public long UptimeMs
        {
            get { return _clock.UptimeMs; }
        }

        /// <summary>Reads both clocks at one instant.</summary>
        public void Read(out long uptimeMs, out long wallUnixMs, out uint errorMs, out int source)
        {
            uptimeMs = _clock.UptimeMs;
            source = _source;
            wallUnixMs = 0;
            errorMs = UnknownErrorMs;
            if (_source == SourceNone) return;
            long since = uptimeMs - _pairUptimeMs;
            wallUnixMs = _wallUnixMs + since;
            errorMs = ErrorAfter(since);
        }

        /// <summary>Takes wall time from a source.</summary>
        /// <param name="wallUnixMs">Wall time now.</param>
        /// <param name="errorMs">Bound of its error now.</param>
        /// <param name="source">telemetry.v1.ClockSource.</param>
        /// <returns>False when what is known is better.</returns>
        public bool Set(long wallUnixMs, uint errorMs, int source)
        {
            long now = _clock.UptimeMs;
            if (_source > SourceRtc && ErrorAfter(now - _pairUptimeMs) < errorMs) return false;
            _wallUnixMs = wallUnixMs;
            _pairUptimeMs = now;
            _errorMs = errorMs;
            _source = source;
            _clock.SetWallUnixMs(wallUnixMs);
            return true;
        }

        private uint ErrorAfter(long sinceMs)
        {
            if (_errorMs == UnknownErrorMs) return UnknownErrorMs;
            long error = _errorMs + (sinceMs * _driftPpm / 1000000);
            return error >= UnknownErrorMs ? UnknownErrorMs - 1 : (uint)error;
        }
    }
}
