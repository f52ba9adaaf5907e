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

        // The words: what was lost since boot, by reason; then the entries, each with its signal and reason above its samples, 2^40 at most.
        private const int Reasons = TelemetryCounters.Reasons;
        private const int SamplesBits = 40;
        private const long SamplesMask = (1L << SamplesBits) - 1;
        private const int ReasonBits = 8;
        private const int SignalMask = 0xFFFF;

        private readonly long[] _words;
        private int _entries;

        /// <summary>A ledger of more than <see cref="SharedEntries"/> entries.</summary>
        public LossLedger(int capacity)
        {
            _words = new long[Reasons + capacity];
        }

        /// <summary>Entries in use.</summary>
        public int Entries
        {
            get { return _entries; }
        }

        /// <summary>The most entries.</summary>
        public int Capacity
        {
            get { return _words.Length - Reasons; }
        }

        /// <summary>Samples of all entries.</summary>
        public long Sum
        {
            get
            {
                long sum = 0;
                for (int i = 0; i < _entries; i++) sum += Samples(i);
                return sum;
            }
        }

        /// <summary>Id of an entry's signal; 0 = not known.</summary>
        public int Signal(int entry)
        {
            return (int)(_words[Reasons + entry] >> (SamplesBits + ReasonBits)) & SignalMask;
        }

        /// <summary>Reason of an entry.</summary>
        public byte Reason(int entry)
        {
            return (byte)(_words[Reasons + entry] >> SamplesBits);
        }

        /// <summary>Samples of an entry.</summary>
        public long Samples(int entry)
        {
            return _words[Reasons + entry] & SamplesMask;
        }

        /// <summary>Samples lost since boot for one reason, told or not.</summary>
        public long Total(int reason)
        {
            return _words[reason];
        }

        /// <summary>Counts samples that are lost now.</summary>
        public void Add(int signal, byte reason, long count)
        {
            _words[reason] += count;
            Restore(signal, reason, count);
        }

        /// <summary>An erasure fence: nothing of the time before it is told any more, but the samples count as dropped.</summary>
        public void CountErased(long samples)
        {
            _words[(int)LossReason.Erased] += samples;
            _entries = 0;
        }

        /// <summary>Takes over losses that were counted before, in an earlier boot or in a batch that is lost itself.</summary>
        public void Restore(int signal, byte reason, long count)
        {
            if (count == 0) return;
            int at = Find(signal, reason);
            if (at < 0 && _entries < Capacity - SharedEntries) at = Append(signal, reason);

            // The last entries are kept for signal 0, one a reason; should even they run out, the sum stays right and a reason goes wrong.
            if (at < 0) at = Find(0, reason);
            if (at < 0) at = _entries < Capacity ? Append(0, reason) : _entries - 1;
            _words[Reasons + at] += count < SamplesMask - Samples(at) ? count : SamplesMask - Samples(at);
        }

        /// <summary>Forgets the first <paramref name="entries"/> entries: a batch tells them now.</summary>
        public void RemoveFirst(int entries)
        {
            _entries -= entries;
            System.Array.Copy(_words, Reasons + entries, _words, Reasons, _entries);
        }

        /// <summary>Forgets everything: a batch carries it now.</summary>
        public void Clear()
        {
            _entries = 0;
        }

        private int Append(int signal, byte reason)
        {
            _words[Reasons + _entries] = (((long)signal << ReasonBits) | reason) << SamplesBits;
            return _entries++;
        }

        private int Find(int signal, byte reason)
        {
            for (int i = 0; i < _entries; i++)
            {
                if (Signal(i) == signal && Reason(i) == reason) return i;
            }

            return -1;
        }
    }
}
