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
        /// <summary>Mounts the spool. Nothing is sent before the first <see cref="Step"/> or <see cref="Start"/>.</summary>
        /// <exception cref="System.ArgumentException">An option is missing or out of its range; the text names it.</exception>
        public TelemetryClient(TelemetryOptions options)
        {
            Construct(options);
        }

        /// <summary>Milliseconds since boot: read it once for the signals of one tick and pass it to RecordAt.</summary>
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
            set { _quality = (value & 7) << QualityShift; }
        }

        /// <summary>Seals what is open, so that it survives a power cut and goes out with the next upload.</summary>
        public DeviceStatus Flush()
        {
            lock (_store)
            {
                return SealAll();
            }
        }
    }
}
