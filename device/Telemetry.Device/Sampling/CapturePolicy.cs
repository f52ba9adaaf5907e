namespace Telemetry.Device.Sampling
{
    /// <summary>What becomes of a value before it is recorded.</summary>
    internal enum CaptureFate
    {
        /// <summary>It is recorded.</summary>
        Kept,

        /// <summary>Faster than the policy or a Command allows: recorded as lost.</summary>
        TooSoon,

        /// <summary>It says nothing new: not recorded.</summary>
        Unchanged,
    }

    /// <summary>How often each signal is worth a sample: the profile's intervals and deadbands, and the capture rates of Commands.</summary>
    /// <remarks>Guarded by the client's store lock. Made with the client where the profile has policies, else with the first capture rate.</remarks>
    internal sealed class CapturePolicy
    {
        /// <summary>No Command asks for another period than the profile's.</summary>
        public const int NoPeriod = -1;

        private const long LongAgoMs = -0x4000000000000000;

        private readonly Profile _profile;
        private readonly long[] _keptMs;
        private int[]? _periodsMs; // of Commands
        private readonly long[]? _keptValues;

        /// <summary>The policies of a profile.</summary>
        public CapturePolicy(Profile profile)
        {
            _profile = profile;
            _keptMs = new long[profile.Count];
            for (int i = 0; i < _keptMs.Length; i++) _keptMs[i] = LongAgoMs;
            if (profile.Deadbands != null) _keptValues = new long[profile.Count];
        }

        /// <summary>The profile says something of how often its signals are wanted.</summary>
        public static bool IsWanted(Profile profile)
        {
            return profile.MinIntervalsMs != null || profile.Deadbands != null;
        }

        /// <summary>What a Command asks of a signal: its period, 0 = none of it, or <see cref="NoPeriod"/>.</summary>
        public int PeriodMs(int index)
        {
            return _periodsMs == null ? NoPeriod : _periodsMs[index];
        }

        /// <summary>A Command's rate: at most one sample of a signal in <paramref name="periodMs"/>; 0 takes none. Counters are never thinned:
        /// a dropped count would be missing from the sum, so for them only 0 has an effect.</summary>
        public void SetPeriod(int index, int periodMs)
        {
            if (_periodsMs == null)
            {
                _periodsMs = new int[_profile.Count];
                ClearPeriods();
            }

            _periodsMs[index] = periodMs;
        }

        /// <summary>Every signal is as its profile says again.</summary>
        public void ClearPeriods()
        {
            if (_periodsMs == null) return;
            for (int i = 0; i < _periodsMs.Length; i++) _periodsMs[i] = NoPeriod;
        }

        /// <summary>Judges a value, and remembers it when it is kept.</summary>
        public CaptureFate Judge(int index, SignalKind kind, long value, long timeMs)
        {
            int periodMs = PeriodMs(index);
            if (periodMs == 0) return CaptureFate.TooSoon;
            if (kind == SignalKind.Counter) return CaptureFate.Kept;

            // A step back in time is a correction of the caller's, not a sample too soon.
            long sinceMs = timeMs - _keptMs[index];
            bool isFirst = _keptMs[index] == LongAgoMs || sinceMs < 0;
            if (!isFirst)
            {
                if (IsUnchanged(index, kind, value, sinceMs)) return CaptureFate.Unchanged;
                int least = _profile.MinIntervalsMs == null ? 0 : _profile.MinIntervalsMs[index];
                if (periodMs > least) least = periodMs;

                // A tenth of slack: a loop of one second that is wanted every second is not to lose every other sample.
                if (sinceMs < least - (least / 10)) return CaptureFate.TooSoon;
            }

            _keptMs[index] = timeMs;
            if (_keptValues != null) _keptValues[index] = value;
            return CaptureFate.Kept;
        }

        private bool IsUnchanged(int index, SignalKind kind, long value, long sinceMs)
        {
            int[]? deadbands = _profile.Deadbands;
            if (deadbands == null || _keptValues == null || deadbands[index] < 0 || kind == SignalKind.Event) return false;
            int most = _profile.MaxIntervalsMs == null ? 0 : _profile.MaxIntervalsMs[index];
            if (most > 0 && sinceMs >= most) return false;
            if (kind == SignalKind.Real) return value == _keptValues[index]; // bits: a real's band is "the same"
            long apart = value > _keptValues[index] ? value - _keptValues[index] : _keptValues[index] - value;
            return apart >= 0 && apart <= deadbands[index]; // negative: beyond 64 bits apart
        }
    }
}
