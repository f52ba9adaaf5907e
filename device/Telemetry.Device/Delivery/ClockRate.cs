namespace Telemetry.Device.Delivery
{
    /// <summary>How uptime follows from the raw clock from one instant on. Immutable.</summary>
    internal sealed class ClockRate
    {
        /// <summary>Milliseconds the true clock gains on the raw one, in parts per billion.</summary>
        public readonly int Ppb;

        private readonly long _fromRawMs;
        private readonly long _offsetMs;
        private readonly long _gain; // in 2^-32: one multiplication a reading, no division

        /// <summary>From <paramref name="fromRawMs"/> on, where uptime is ahead of the raw clock by <paramref name="offsetMs"/>.</summary>
        public ClockRate(long fromRawMs, long offsetMs, int ppb)
        {
            Ppb = ppb;
            _fromRawMs = fromRawMs;
            _offsetMs = offsetMs;
            _gain = ((long)ppb << 32) / 1_000_000_000;
        }

        /// <summary>Uptime at a raw reading that is not before the first.</summary>
        public long ToUptimeMs(long rawMs)
        {
            // 50 ppm are a gain below 2^18: 64 bits hold a thousand years of it, and six years of the 10,000 ppm that options allow.
            return rawMs + _offsetMs + (((rawMs - _fromRawMs) * _gain) >> 32);
        }
    }
}
