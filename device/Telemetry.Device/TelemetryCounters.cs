namespace Telemetry.Device
{
    /// <summary>A reading of the client's counts since boot. Samples: Restored + Recorded = Acked + Spooled + Open + the sum of Dropped, at every instant.</summary>
    public sealed class TelemetryCounters
    {
        internal const int Reasons = 10;

        private readonly long[] _dropped = new long[Reasons];

        /// <summary>Samples found in the spool at mount.</summary>
        public long Restored { get; internal set; }

        /// <summary>Samples given to Record since boot, those out of range included.</summary>
        public long Recorded { get; internal set; }

        /// <summary>Values given to Record that said nothing new (<see cref="Profile.Deadbands"/>); not in <see cref="Recorded"/>.</summary>
        public long Unchanged { get; internal set; }

        /// <summary>Samples in batches the collector acknowledged.</summary>
        public long Acked { get; internal set; }

        /// <summary>Samples in sealed batches that wait for their ack.</summary>
        public long Spooled { get; internal set; }

        /// <summary>Samples that are not sealed yet: lost if the power goes now.</summary>
        public long Open { get; internal set; }

        /// <summary>Samples dropped for any reason.</summary>
        public long DroppedTotal
        {
            get
            {
                long sum = 0;
                for (int i = 0; i < _dropped.Length; i++) sum += _dropped[i];
                return sum;
            }
        }

        /// <summary>Batches sealed.</summary>
        public long SealedBatches { get; internal set; }

        /// <summary>Batches the collector acknowledged.</summary>
        public long AckedBatches { get; internal set; }

        /// <summary>Batches sent, repetitions included.</summary>
        public long SentBatches { get; internal set; }

        /// <summary>Bytes of sealed batches.</summary>
        public long SealedBytes { get; internal set; }

        /// <summary>Bytes handed to the transport.</summary>
        public long SentBytes { get; internal set; }

        /// <summary>Sessions that the broker accepted.</summary>
        public long Connects { get; internal set; }

        /// <summary>Attempts that failed or were refused.</summary>
        public long FailedConnects { get; internal set; }

        /// <summary>Commands carried out.</summary>
        public long Commands { get; internal set; }

        /// <summary>Commands skipped because they were too long or damaged.</summary>
        public long SkippedCommands { get; internal set; }

        /// <summary>Samples dropped for one reason.</summary>
        public long Dropped(LossReason reason)
        {
            return _dropped[(int)reason];
        }

        internal void SetDropped(int reason, long samples)
        {
            _dropped[reason] = samples;
        }
    }
}
