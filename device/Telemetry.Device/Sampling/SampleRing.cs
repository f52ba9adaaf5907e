using Telemetry.Device.Platform;

namespace Telemetry.Device.Sampling
{
    /// <summary>
    /// Samples between the recording thread and the pump: one writer, one reader at a time, no lock. The writer is the thread that owns
    /// the ring; other threads take the client's lock instead.
    /// </summary>
    internal sealed class SampleRing
    {
        private readonly int[] _tags; // signal index and flags
        private readonly long[] _values;
        private readonly long[] _timesMs;
        private readonly int _mask;
        private int _written; // by the writer
        private int _read; // by the reader

        /// <summary>A ring of <paramref name="capacity"/> samples, a power of two.</summary>
        public SampleRing(int capacity)
        {
            _tags = new int[capacity];
            _values = new long[capacity];
            _timesMs = new long[capacity];
            _mask = capacity - 1;
        }

        /// <summary>Adds a sample.</summary>
        /// <returns>False when the ring is full.</returns>
        public bool TryWrite(int tag, long value, long timeMs)
        {
            int written = _written;
            int[] tags = _tags;
            if (written - Ordered.Load(ref _read) == tags.Length) return false;
            int at = written & _mask;
            tags[at] = tag;
            _values[at] = value;
            _timesMs[at] = timeMs;
            Ordered.Store(ref _written, written + 1);
            return true;
        }

        /// <summary>Takes the oldest sample.</summary>
        /// <returns>False when the ring is empty.</returns>
        public bool TryRead(out int tag, out long value, out long timeMs)
        {
            int read = _read;
            if (read == Ordered.Load(ref _written))
            {
                tag = 0;
                value = 0;
                timeMs = 0;
                return false;
            }

            int at = read & _mask;
            tag = _tags[at];
            value = _values[at];
            timeMs = _timesMs[at];
            Ordered.Store(ref _read, read + 1);
            return true;
        }
    }
}
