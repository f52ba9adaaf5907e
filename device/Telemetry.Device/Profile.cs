namespace Telemetry.Device
{
    /// <summary>
    /// The signals of a model as the firmware knows them: parallel arrays, one entry a signal, in ascending id.
    /// <c>telemetry profile generate</c> writes this table and the constants from the model's profile file.
    /// </summary>
    public sealed class Profile
    {
        /// <summary>The most signals of a profile on a device; an entry's index fits a byte.</summary>
        public const int MaxSignals = 255;

        internal const int EventTag = -0x8000;

        private readonly uint _hash;
        private readonly int[] _ids;
        private readonly byte[] _kinds;
        private readonly int[] _periodsMs;
        private readonly short[] _tagOfId;

        /// <summary>A profile without value checks.</summary>
        /// <param name="hash">Hash of the profile file, not 0 (proto/WIRE.md, "Profile hash").</param>
        /// <param name="ids">Signal ids, 1..65535, strictly ascending.</param>
        /// <param name="kinds"><see cref="SignalKind"/> of each signal as a number.</param>
        /// <param name="periodsMs">Sampling period of each signal; 0 = on change, irregular or event. Signals of one period share blocks.</param>
        /// <exception cref="System.ArgumentException">The arrays differ in length or break a rule above.</exception>
        public Profile(uint hash, int[] ids, byte[] kinds, int[] periodsMs)
        {
            if (hash == 0) throw new System.ArgumentException("Profile hash is 0; take it from 'telemetry profile check'.");
            if (ids.Length < 1 || ids.Length > MaxSignals) throw new System.ArgumentException("A profile has 1-255 signals.");
            if (kinds.Length != ids.Length || periodsMs.Length != ids.Length) throw new System.ArgumentException("The arrays of a profile differ in length.");
            for (int i = 0; i < ids.Length; i++)
            {
                if (ids[i] < 1 || ids[i] > 65535 || (i > 0 && ids[i] <= ids[i - 1])) throw new System.ArgumentException("Signal ids are 1-65535, ascending.");
                if (kinds[i] < 1 || kinds[i] > 5) throw new System.ArgumentException("Signal kinds are 1-5.");
                if (periodsMs[i] < 0) throw new System.ArgumentException("A signal's period is 0 or more.");
            }

            _hash = hash;
            _ids = ids;
            _kinds = kinds;
            _periodsMs = periodsMs;

            // Ids are small in practice: a table answers in one step. Sparse ids fall back to a search.
            int last = ids[ids.Length - 1];
            _tagOfId = new short[last <= 255 ? last + 1 : 0];
            for (int i = 0; i < ids.Length && _tagOfId.Length > 0; i++)
            {
                _tagOfId[ids[i]] = (short)(kinds[i] == (byte)SignalKind.Event ? EventTag + i + 1 : i + 1);
            }
        }

        /// <summary>By signal id: index + 1, for an event <see cref="EventTag"/> below that; 0 = no such signal. Empty when ids are sparse.</summary>
        internal short[] TagOfId
        {
            get { return _tagOfId; }
        }

        /// <summary>What every batch names (proto/WIRE.md, "Profile hash").</summary>
        public uint Hash
        {
            get { return _hash; }
        }

        /// <summary>Signals of the profile.</summary>
        public int Count
        {
            get { return _ids.Length; }
        }

        /// <summary>Least scaled value of each signal, or null: nothing is checked. A value outside is counted as out of range, not sent.
        /// <c>int.MinValue</c>: no bound.</summary>
        public int[]? Minimums { get; set; }

        /// <summary>Greatest scaled value of each signal, or null. <c>int.MaxValue</c>: no bound.</summary>
        public int[]? Maximums { get; set; }

        /// <summary>Unit of the last digit of each signal, or null: lets <c>Record(signal, 36.6)</c> scale. A sample is value / resolution, rounded.</summary>
        public double[]? Resolutions { get; set; }

        /// <summary>Least time between two samples of each signal in ms, or null; 0 = none. A sooner one is counted as rate limited. Counters are exempt.</summary>
        public int[]? MinIntervalsMs { get; set; }

        /// <summary>How far a scaled value may be from the last one kept and still say nothing new, or null; negative = every value is kept.
        /// Such samples are not recorded, see <see cref="TelemetryCounters.Unchanged"/>. Counters and events are exempt.</summary>
        public int[]? Deadbands { get; set; }

        /// <summary>Time in ms after which a value is kept although it says nothing new, or null; 0 = never.</summary>
        public int[]? MaxIntervalsMs { get; set; }

        /// <summary><see cref="SdkMetric"/> of each signal as a number, or null: the firmware records all of them.</summary>
        public byte[]? SdkMetrics { get; set; }

        /// <summary>Id of the signal at <paramref name="index"/>.</summary>
        public int IdAt(int index)
        {
            return _ids[index];
        }

        /// <summary>Kind of the signal at <paramref name="index"/>.</summary>
        public SignalKind KindAt(int index)
        {
            return (SignalKind)_kinds[index];
        }

        /// <summary>Period of the signal at <paramref name="index"/> in ms; 0 = irregular.</summary>
        public int PeriodMsAt(int index)
        {
            return _periodsMs[index];
        }

        /// <summary>What the SDK itself records as the signal at <paramref name="index"/>.</summary>
        public SdkMetric SdkMetricAt(int index)
        {
            return SdkMetrics == null ? SdkMetric.None : (SdkMetric)SdkMetrics[index];
        }

        /// <summary>Index of the signal that carries a metric, or -1.</summary>
        internal int IndexOfMetric(SdkMetric metric)
        {
            for (int i = 0; SdkMetrics != null && i < SdkMetrics.Length; i++)
            {
                if (SdkMetrics[i] == (byte)metric) return i;
            }

            return -1;
        }

        /// <summary>Index of a signal id, or -1.</summary>
        public int IndexOf(int signalId)
        {
            if (_tagOfId.Length == 0) return Search(signalId);
            return (uint)signalId < (uint)_tagOfId.Length ? (_tagOfId[signalId] & 0x7FFF) - 1 : -1;
        }

        private int Search(int signalId)
        {
            int low = 0;
            int high = _ids.Length - 1;
            while (low <= high)
            {
                int middle = (low + high) >> 1;
                if (_ids[middle] == signalId) return middle;
                if (_ids[middle] < signalId) low = middle + 1;
                else high = middle - 1;
            }

            return -1;
        }
    }
}
