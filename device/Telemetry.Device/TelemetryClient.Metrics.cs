namespace Telemetry.Device
{
    // What the SDK records by itself, where the profile has a signal for it: its own figures, the boot, the session.
    public sealed partial class TelemetryClient
    {
        private const int DefaultMetricPeriodMs = 3_600_000;
        private const int LargestSession = 65535;

        private long[]? _metricsDueMs; // one entry a signal; made with the first turn of a profile that has metrics
        private long[]? _metricsBefore;

        /// <summary>The session that runs; 0 = none. One that ran when the power went still runs.</summary>
        public int Session
        {
            get { lock (_sampler) return _sampler.Session; }
        }

        /// <summary>Begins a session (a workout, a night, a ride), or changes to another. Until <see cref="StopSession"/> it goes on through reboots,
        /// each of which records the state again.</summary>
        /// <param name="kind">What the firmware calls it, 1..65535.</param>
        /// <returns>Ok: it survives a power cut. UnknownSignal: the profile has no <c>sdk_session</c>. TooLarge: no such kind.</returns>
        public DeviceStatus StartSession(int kind)
        {
            return kind < 1 || kind > LargestSession ? DeviceStatus.TooLarge : SetSession(kind);
        }

        /// <summary>Ends the session.</summary>
        /// <returns>As <see cref="StartSession"/>.</returns>
        public DeviceStatus StopSession()
        {
            return SetSession(0);
        }

        private DeviceStatus SetSession(int kind)
        {
            int index = _profile.IndexOfMetric(SdkMetric.Session);
            if (index < 0) return DeviceStatus.UnknownSignal;
            lock (_sampler)
            {
                _sampler.Drain();
                _sampler.Session = kind;
                PutOwn(index, kind, _clock.UptimeMs);
                return _sampler.SealAll();
            }
        }

        private void RecordBoot(BootReason reason)
        {
            long now = _clock.UptimeMs;
            int boot = _profile.IndexOfMetric(SdkMetric.Boot);
            if (boot >= 0) PutOwn(boot, (int)reason, now);
            int session = _profile.IndexOfMetric(SdkMetric.Session);
            if (session >= 0 && _sampler.Session != 0) PutOwn(session, _sampler.Session, now);
        }

        // Records the metrics whose period has passed; the caller holds the store lock.
        private int RecordMetrics(long nowMs)
        {
            if (_profile.SdkMetrics == null) return int.MaxValue;
            if (_metricsDueMs == null || _metricsBefore == null)
            {
                _metricsDueMs = new long[_profile.Count];
                _metricsBefore = new long[_profile.Count];
                for (int i = 0; i < _metricsDueMs.Length; i++) _metricsDueMs[i] = nowMs + MetricPeriodMs(i);
            }

            long next = nowMs + int.MaxValue;
            for (int i = 0; i < _metricsDueMs.Length; i++)
            {
                SdkMetric metric = _profile.SdkMetricAt(i);
                if (metric == SdkMetric.None || metric == SdkMetric.Session || metric == SdkMetric.Boot) continue;
                if (nowMs >= _metricsDueMs[i])
                {
                    _metricsDueMs[i] = nowMs + MetricPeriodMs(i);
                    RecordMetric(i, metric, nowMs);
                }

                if (_metricsDueMs[i] < next) next = _metricsDueMs[i];
            }

            return (int)(next - nowMs);
        }

        private void RecordMetric(int index, SdkMetric metric, long nowMs)
        {
            long value = ReadMetric(metric);
            if (value < 0) return; // not known on this device
            bool isCounter = _profile.KindAt(index) == SignalKind.Counter;
            PutOwn(index, isCounter ? value - _metricsBefore![index] : value, nowMs);
            _metricsBefore![index] = value;
        }

        private long ReadMetric(SdkMetric metric)
        {
            switch (metric)
            {
                case SdkMetric.Queue:
                    return _spool.HeldBatches;
                case SdkMetric.SpoolFree:
                    return _spool.FreeBytes;
                case SdkMetric.Dropped:
                    long dropped = 0;
                    for (int reason = 1; reason < TelemetryCounters.Reasons; reason++) dropped += _ledger.Total(reason);
                    return dropped;
                case SdkMetric.Connects:
                    return _uplink.Connects;
                case SdkMetric.FailedConnects:
                    return _uplink.FailedConnects;
                case SdkMetric.SentBytes:
                    return _uplink.SentBytes;
                case SdkMetric.FreeMemory:
                    return _health == null ? -1 : _health.FreeMemoryBytes;
                case SdkMetric.Battery:
                    return _health == null ? -1 : _health.BatteryPercent;
                default:
                    int lossReason = (int)metric - (int)SdkMetric.DroppedRingFull + 1;
                    return lossReason >= 1 && lossReason < TelemetryCounters.Reasons ? _ledger.Total(lossReason) : -1;
            }
        }

        private int MetricPeriodMs(int index)
        {
            int periodMs = _profile.PeriodMsAt(index);
            return periodMs > 0 ? periodMs : DefaultMetricPeriodMs;
        }

        private void PutOwn(int index, long value, long nowMs)
        {
            _sampler.Put(index | _quality | FlagNow, value, nowMs);
        }
    }
}
