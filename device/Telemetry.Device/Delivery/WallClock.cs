using Telemetry.Device.Platform;

namespace Telemetry.Device.Delivery
{
    /// <summary>
    /// The device's two clocks. Uptime without the crystal's drift, as far as it is learned: samples carry it. And wall time: a pair (wall, uptime)
    /// from the best source so far with a bound of its error that grows with the drift; batches carry it.
    /// </summary>
    /// <remarks>
    /// Two wall times of a boot, an hour or more apart, tell the crystal's rate to the sum of their errors over the time between. The rate is kept in the
    /// spool, because it outlives a boot: after a lost battery the samples of a boot that learns the time only days later are then still spaced right.
    /// Guarded by the client's store lock, but for <see cref="UptimeMs"/>.
    /// </remarks>
    internal sealed class WallClock
    {
        /// <summary>"No bound is known."</summary>
        public const uint UnknownErrorMs = uint.MaxValue;

        /// <summary>telemetry.v1.ClockSource numbers.</summary>
        public const int SourceNone = 0;
        public const int SourceRtc = 1;
        public const int SourceServer = 2;

        /// <summary>The latest wall time a batch carries (proto/WIRE.md, "Limits").</summary>
        private const long LatestUnixMs = (1L << 48) - 1;

        private const long LearnAfterMs = 3_600_000;
        private const int LeastGain = 64; // no crystal is a 64th wrong
        private const int PpbPerPpm = 1000;

        // Of the drift that a data sheet allows, this part comes and goes with temperature and age and cannot be learned.
        private const int UnlearnedShare = 10;

        private readonly IClock _clock;
        private readonly ushort _driftPpm; // 10,000 at most
        private ClockRate? _rate; // replaced as a whole: readers on other threads see one or the other
        private int _rateErrorPpb;
        private long _wallUnixMs;
        private long _pairUptimeMs;
        private uint _errorMs;
        private byte _source;

        // The first good wall time of this boot: the far end of the ruler.
        private bool _hasAnchor;
        private long _anchorWallMs;
        private long _anchorRawMs;
        private uint _anchorErrorMs;

        /// <summary>Starts from the battery-backed clock, whose error nobody knows.</summary>
        /// <param name="clock">The device's clocks.</param>
        /// <param name="driftPpm">The most the crystal drifts; 0 = it is perfect, and nothing is learned.</param>
        /// <param name="ratePpb">What an earlier boot learned; 0 = nothing.</param>
        public WallClock(IClock clock, int driftPpm, int ratePpb)
        {
            _clock = clock;
            _driftPpm = (ushort)driftPpm;
            _rateErrorPpb = int.MaxValue;
            if (ratePpb != 0 && driftPpm > 0) _rate = new ClockRate(clock.UptimeMs, 0, ratePpb);
            _wallUnixMs = clock.ReadWallUnixMs();
            _pairUptimeMs = UptimeMs;
            _errorMs = UnknownErrorMs;
            _source = (byte)(_wallUnixMs == 0 ? SourceNone : SourceRtc);
        }

        /// <summary>Milliseconds since boot. From any thread.</summary>
        public long UptimeMs
        {
            get
            {
                ClockRate? rate = _rate;
                long rawMs = _clock.UptimeMs;
                return rate == null ? rawMs : rate.ToUptimeMs(rawMs);
            }
        }

        /// <summary>What the clock is corrected by, in parts per billion; 0 = nothing learned.</summary>
        public int RatePpb
        {
            get { return _rate == null ? 0 : _rate.Ppb; }
        }

        /// <summary>The wall time at an instant of this boot, as far as it is known now.</summary>
        public void ReadAt(long uptimeMs, out long wallUnixMs, out uint errorMs, out int source)
        {
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
        /// <returns>False when what is known is better, or no batch could carry this one.</returns>
        public bool Set(long wallUnixMs, uint errorMs, int source)
        {
            if (wallUnixMs <= 0 || wallUnixMs > LatestUnixMs) return false;
            if (source > SourceRtc && errorMs != UnknownErrorMs) Learn(wallUnixMs, errorMs);
            long now = UptimeMs;
            if (_source > SourceRtc && ErrorAfter(now - _pairUptimeMs) < errorMs) return false;
            _wallUnixMs = wallUnixMs;
            _pairUptimeMs = now;
            _errorMs = errorMs;
            _source = (byte)source;
            _clock.SetWallUnixMs(wallUnixMs);
            return true;
        }

        private void Learn(long wallUnixMs, uint errorMs)
        {
            long rawMs = _clock.UptimeMs;
            if (!_hasAnchor || _driftPpm == 0)
            {
                _hasAnchor = true;
                _anchorWallMs = wallUnixMs;
                _anchorRawMs = rawMs;
                _anchorErrorMs = errorMs;
                return;
            }

            long elapsedMs = rawMs - _anchorRawMs;
            if (elapsedMs < LearnAfterMs) return;
            long gainedMs = wallUnixMs - _anchorWallMs - elapsedMs;
            long mostMs = elapsedMs / LeastGain;
            long boundMs = (long)errorMs + _anchorErrorMs;
            if (gainedMs > mostMs + boundMs || -gainedMs > mostMs + boundMs) _hasAnchor = false; // a jump
            if (gainedMs > mostMs || -gainedMs > mostMs || boundMs > mostMs) return; // and below, 64 bits hold the products for 18 years
            long ppb = gainedMs * 1_000_000_000 / elapsedMs;
            long errorPpb = boundMs * 1_000_000_000 / elapsedMs;

            // More than the crystal can drift: one of the two wall times was wrong, and the ruler begins anew.
            if (ppb > (_driftPpm * PpbPerPpm) + errorPpb || -ppb > (_driftPpm * PpbPerPpm) + errorPpb)
            {
                _hasAnchor = false;
                return;
            }

            // Half as wrong or better: a rate is not replaced for nothing, each is an object.
            if (errorPpb > _rateErrorPpb / 2 || ppb == 0) return;
            _rateErrorPpb = (int)errorPpb;
            long offsetMs = _rate == null ? 0 : _rate.ToUptimeMs(rawMs) - rawMs;
            _rate = new ClockRate(rawMs, offsetMs, (int)ppb);
        }

        private uint ErrorAfter(long sinceMs)
        {
            if (_errorMs == UnknownErrorMs) return UnknownErrorMs;
            long ppb = _driftPpm * PpbPerPpm;
            if (_rateErrorPpb < ppb) ppb = _rateErrorPpb + (ppb / UnlearnedShare);
            long error = _errorMs + (sinceMs * ppb / 1_000_000_000);
            return error >= UnknownErrorMs ? UnknownErrorMs - 1 : (uint)error;
        }
    }
}
