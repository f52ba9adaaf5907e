namespace Telemetry.Device.Sampling
{
    /// <summary>
    /// Samples that were recorded and will not arrive, by signal and reason, since the last batch that told them. Bounded: when its entries
    /// run out, further signals are counted together as signal 0 ("unknown"), so that the sum stays exact.
    /// </summary>
    /// <remarks>Guarded by the client's store lock.</remarks>
    internal sealed class LossLedger
    {
        /// <summary>Entries kept for signals that found no entry of their own.</summary>
        public const int SharedEntries = 4;

        private const int ReasonCount = 10;
        private readonly int[] _signals;
        private readonly byte[] _reasons;
        private readonly ulong[] _counts;
        private readonly long[] _totals = new long[ReasonCount];
        private int _entries;

        /// <summary>A ledger of more than <see cref="SharedEntries"/> entries.</summary>
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

        /// <summary>Samples of all entries.</summary>
        public long Sum
        {
            get
            {
                long sum = 0;
                for (int i = 0; i < _entries; i++) sum += (long)_counts[i];
                return sum;
            }
        }

        /// <summary>Samples lost since boot for one reason, told or not.</summary>
        public long Total(int reason)
        {
            return _totals[reason];
        }

        /// <summary>Counts samples that are lost now.</summary>
        public void Add(int signal, byte reason, ulong count)
        {
            _totals[reason] += (long)count;
            Restore(signal, reason, count);
        }

        /// <summary>An erasure fence: nothing of the time before it is told any more, but the samples count as dropped.</summary>
        public void CountErased(long samples)
        {
            _totals[(int)LossReason.Erased] += samples;
            _entries = 0;
        }

        /// <summary>Takes over losses that were counted before, in an earlier boot or in a batch that is lost itself.</summary>
        public void Restore(int signal, byte reason, ulong count)
        {
            if (count == 0) return;
            int at = Find(signal, reason);
            if (at < 0 && _entries < _signals.Length - SharedEntries) at = Append(signal, reason);

            // The last entries are kept for signal 0, one a reason; should even they run out, the sum stays right and a reason goes wrong.
            if (at < 0) at = Find(0, reason);
            if (at < 0) at = _entries < _signals.Length ? Append(0, reason) : _entries - 1;
            _counts[at] += count;
        }

        /// <summary>Forgets the first <paramref name="entries"/> entries: a batch tells them now.</summary>
        public void RemoveFirst(int entries)
        {
            _entries -= entries;
            System.Array.Copy(_signals, entries, _signals, 0, _entries);
            System.Array.Copy(_reasons, entries, _reasons, 0, _entries);
            System.Array.Copy(_counts, entries, _counts, 0, _entries);
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
