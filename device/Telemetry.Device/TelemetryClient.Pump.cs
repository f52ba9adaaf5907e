namespace Telemetry.Device
{
    public sealed partial class TelemetryClient
    {
        /// <summary>One turn of the pump: packs, seals what is due, sends, receives. Does not wait for the network.</summary>
        /// <returns>Milliseconds until it wants to run again, 0..60,000; Record of an event and an arriving packet may make it earlier.</returns>
        public int Step()
        {
            throw new System.NotSupportedException();
        }

        /// <summary>Runs the pump on a thread of its own until <see cref="Stop"/>.</summary>
        public void Start()
        {
            throw new System.NotSupportedException();
        }

        /// <summary>Seals what is open, says goodbye to the broker and ends the pump's thread.</summary>
        public void Stop()
        {
            throw new System.NotSupportedException();
        }

        /// <summary>Asks for an upload now, whatever the upload window says (charging, a tap of the user).</summary>
        public void UploadNow()
        {
            throw new System.NotSupportedException();
        }

        /// <summary>True while the broker has accepted the session.</summary>
        public bool IsConnected
        {
            get { throw new System.NotSupportedException(); }
        }

        /// <summary>Everything recorded before this instant is acked.</summary>
        public bool IsDrained
        {
            get { throw new System.NotSupportedException(); }
        }

        /// <summary>Epoch of the spool.</summary>
        public uint Epoch
        {
            get { throw new System.NotSupportedException(); }
        }

        /// <summary>Boot number within the epoch, from 1.</summary>
        public uint Boot
        {
            get { throw new System.NotSupportedException(); }
        }

        /// <summary>Sealed batches that wait for their ack.</summary>
        public int SpooledBatches
        {
            get { throw new System.NotSupportedException(); }
        }

        /// <summary>Bytes left before the oldest batch must give way.</summary>
        public long SpoolFreeBytes
        {
            get { throw new System.NotSupportedException(); }
        }

        /// <summary>Samples since boot: found in the spool at mount + recorded = acked + spooled + open + dropped.</summary>
        public TelemetryCounters ReadCounters()
        {
            throw new System.NotSupportedException();
        }

        private readonly object _store = new object();
        private Platform.IClock _clock = null!;
        private int _quality;
        private const int FlagNow = 1;
        private const int QualityShift = 8;

        private void Construct(TelemetryOptions options)
        {
            _clock = options.Clock!;
        }

        private DeviceStatus Put(int signal, long value, long uptimeMs, int flags)
        {
            throw new System.NotSupportedException();
        }

        private DeviceStatus PutReal(int signal, double value, long uptimeMs, int flags)
        {
            throw new System.NotSupportedException();
        }

        private DeviceStatus SealAll()
        {
            throw new System.NotSupportedException();
        }
    }
}
