namespace Telemetry.Device.Sampling
{
    /// <summary>
    /// Samples that were recorded and will not arrive, by signal and reason, since the last batch that told them. Bounded: when its entries
    /// run out, further signals are counted together as signal 0 ("unknown"), so that the sum stays exact.
    /// </summary>
    /// <remarks>Guarded by the client's store lock.</remarks>
    internal sealed class LossLedger
    {
        private readonly int[] _signals;
        private readonly byte[] _reasons;
        private readonly ulong[] _counts;
        private int _entries;

        /// <summary>A ledger of 10 or more entries: one of signal 0 for each of the nine reasons always has room.</summary>
        public LossLedger(int capacity)
        {
            _signals = new int[capacity];
            _reasons = new byte[capacity];
            _counts = new ulong[capacity];
        }

        /// <summary>Entries in use.</summary>
        public int Entries
        {
            get { return _entries; }
        }

        /// <summary>The most entries.</summary>
        public int Capacity
        {
            get { return _signals.Length; }
        }

        /// <summary>Signal of each entry; the ledger's own array, as <see cref="BatchWriter.Seal"/> takes it.</summary>
        public int[] Signals
        {
            get { return _signals; }
        }

        /// <summary>Reason of each entry.</summary>
        public byte[] Reasons
        {
            get { return _reasons; }
        }

        /// <summary>Samples of each entry.</summary>
        public ulong[] Counts
        {
            get { return _counts; }
        }

        /// <summary>Adds samples of a signal.</summary>
        public void Add(int signal, byte reason, ulong count)
        {
            if (count == 0) return;
            int at = Find(signal, reason);
            if (at < 0 && _entries < _signals.Length - 9)
            {
                at = Append(signal, reason);
            }

            // The last nine entries are kept for signal 0, one a reason.
            if (at < 0) at = Find(0, reason);
            if (at < 0) at = Append(0, reason);
            _counts[at] += count;
        }

        /// <summary>Raises an entry to at least <paramref name="count"/>: merges two snapshots of one growing ledger.</summary>
        public void Raise(int signal, byte reason, ulong count)
        {
            int at = Find(signal, reason);
            ulong now = at < 0 ? 0 : _counts[at];
            if (count > now) Add(signal, reason, count - now);
        }

        /// <summary>Forgets everything: a batch carries it now.</summary>
        public void Clear()
        {
            _entries = 0;
        }

        private int Append(int signal, byte reason)
        {
            _signals[_entries] = signal;
            _reasons[_entries] = reason;
            _counts[_entries] = 0;
            return _entries++;
        }

        private int Find(int signal, byte reason)
        {
            for (int i = 0; i < _entries; i++)
            {
                if (_signals[i] == signal && _reasons[i] == reason) return i;
            }

            return -1;
        }
    }
}
