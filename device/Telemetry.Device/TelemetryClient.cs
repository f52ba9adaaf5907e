namespace Telemetry.Device
{
    /// <summary>
    /// Records samples, keeps them through power cuts, delivers each at least once until the collector has acknowledged it.
    /// <code>
    /// var client = new TelemetryClient(options);
    /// client.Start();
    /// client.Record(Signals.HeartRate, 72);
    /// </code>
    /// </summary>
    /// <remarks>
    /// Record may be called from any thread. The pump is <see cref="Step"/>, run by <see cref="Start"/> on one thread or by the caller, never both.
    /// Memory is taken in the constructor; recording, packing, spooling and sending allocate nothing.
    /// </remarks>
    public sealed partial class TelemetryClient
    {
        /// <summary>Milliseconds since boot: read it once for the signals of one tick and pass it to RecordAt. It is the device's clock without the drift
        /// that the client has learned from wall times, so times of RecordAt come from here, not from the clock itself.</summary>
        public long UptimeMs
        {
            get { return _clock.UptimeMs; }
        }

        /// <summary>Records an integer signal's scaled value (value / resolution) now.</summary>
        /// <returns>Ok or UnknownSignal. A value outside the profile's range is counted as dropped.</returns>
        public DeviceStatus Record(int signal, int value)
        {
            return Put(signal, value, _clock.UptimeMs, FlagNow);
        }

        /// <summary>Records an integer signal's scaled value that may need 64 bits, now.</summary>
        public DeviceStatus Record(int signal, long value)
        {
            return Put(signal, value, _clock.UptimeMs, FlagNow);
        }

        /// <summary>Records a value in the signal's unit now: exactly for a real signal, divided by the resolution and rounded for the others.</summary>
        public DeviceStatus Record(int signal, double value)
        {
            return PutReal(signal, value, _clock.UptimeMs, FlagNow);
        }

        /// <summary>Records a scaled value measured at <paramref name="uptimeMs"/>. Times of a signal that do not step back pack best; others are kept as well.</summary>
        public DeviceStatus RecordAt(int signal, int value, long uptimeMs)
        {
            return Put(signal, value, uptimeMs, 0);
        }

        /// <summary>Records a scaled value that may need 64 bits, measured at <paramref name="uptimeMs"/>.</summary>
        public DeviceStatus RecordAt(int signal, long value, long uptimeMs)
        {
            return Put(signal, value, uptimeMs, 0);
        }

        /// <summary>Records a value in the signal's unit, measured at <paramref name="uptimeMs"/>.</summary>
        public DeviceStatus RecordAt(int signal, double value, long uptimeMs)
        {
            return PutReal(signal, value, uptimeMs, 0);
        }

        /// <summary>Quality bits of the samples recorded from now on: 1 worn, 2 charging, 4 estimated.</summary>
        public int Quality
        {
            get { return _quality >> QualityShift; }
            set
            {
                bool beginsCharging = (value & ~Quality & QualityCharging) != 0;
                _quality = (value & 7) << QualityShift;
                if (beginsCharging) UploadNow();
            }
        }

        /// <summary>Spares the radio: at most one upload an hour, and no connection between them; events and <see cref="UploadNow"/> go at once all the same.
        /// Has no effect while <see cref="Quality"/> says charging; when charging begins, what is spooled goes out.</summary>
        public bool PowerSave { get; set; }

        /// <summary>Tells the wall time from a source the client cannot ask by itself.</summary>
        /// <param name="unixMs">Wall time now, in Unix ms.</param>
        /// <param name="errorMs">Bound of its error now, 0 or more.</param>
        /// <param name="source">3 NTP, 4 a paired phone or hub, 5 GNSS (telemetry.v1.ClockSource).</param>
        /// <returns>False when the time the client has already is better; it keeps that.</returns>
        public bool SetWallTime(long unixMs, int errorMs, int source)
        {
            lock (_sampler) return _clock.Set(unixMs, (uint)errorMs, source);
        }

        /// <summary>True while the broker has accepted the session.</summary>
        public bool IsConnected
        {
            get { return _uplink.IsConnected; }
        }

        /// <summary>Everything recorded before this instant is acked (or dropped, and told).</summary>
        public bool IsDrained
        {
            get
            {
                lock (_sampler)
                {
                    _sampler.Drain();
                    return _sampler.Open == 0 && _spool.HeldBatches == 0;
                }
            }
        }

        /// <summary>Epoch of the spool.</summary>
        public uint Epoch
        {
            get { lock (_sampler) return _spool.Epoch; }
        }

        /// <summary>Boot number within the epoch, from 1.</summary>
        public uint Boot
        {
            get { lock (_sampler) return _spool.Boot; }
        }

        /// <summary>Sealed batches that wait for their ack.</summary>
        public int SpooledBatches
        {
            get { lock (_sampler) return _spool.HeldBatches; }
        }

        /// <summary>Bytes left before the oldest batch must give way.</summary>
        public long SpoolFreeBytes
        {
            get { lock (_sampler) return _spool.FreeBytes; }
        }

        /// <summary>The last exception of the pump's thread, or null. None is expected: report it to us.</summary>
        public System.Exception? LastFault { get; private set; }

        /// <summary>Reads all counts at one instant.</summary>
        public TelemetryCounters ReadCounters()
        {
            TelemetryCounters counters = new TelemetryCounters();
            ReadCounters(counters);
            return counters;
        }

        /// <summary>Reads all counts at one instant into an object of the caller's, without allocation.</summary>
        public void ReadCounters(TelemetryCounters counters)
        {
            lock (_sampler)
            {
                _sampler.Drain();
                counters.Restored = _restored;
                counters.Recorded = _sampler.Recorded;
                counters.Unchanged = _sampler.Unchanged;
                counters.Open = _sampler.Open;
                counters.Spooled = _spool.HeldSamples;
                counters.Acked = _uplink.AckedSamples;
                for (int reason = 1; reason < TelemetryCounters.Reasons; reason++) counters.SetDropped(reason, _ledger.Total(reason));
                counters.SealedBatches = _sampler.SealedBatches;
                counters.SealedBytes = _sampler.SealedBytes;
                counters.AckedBatches = _uplink.AckedBatches;
                counters.SentBatches = _uplink.SentBatches;
                counters.SentBytes = _uplink.SentBytes;
                counters.Connects = _uplink.Connects;
                counters.FailedConnects = _uplink.FailedConnects;
                counters.Commands = _uplink.Commands;
                counters.SkippedCommands = _uplink.SkippedCommands;
            }
        }
    }
}
