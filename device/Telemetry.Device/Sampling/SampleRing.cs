using Telemetry.Device.Platform;

namespace Telemetry.Device.Sampling
{
    /// <summary>
    /// Samples between the recording thread and the pump: one writer, one reader at a time, no lock. The writer is the thread that owns
    /// the ring; other threads take the client's lock instead.
    /// </summary>
    /// <remarks>
    /// Stands in the one object that owns it, and is used there, never copied. Two words a sample in one array: the value, then the tag above the time. One array is one check of bounds and 16 bytes a sample.
    /// </remarks>
    internal struct SampleRing
    {
        /// <summary>Bits of a time: 8,900 years (proto/WIRE.md, "Limits").</summary>
        public const int TimeBits = 48;

        /// <summary>The time in a word that has the tag above it.</summary>
        public const long TimeMask = (1L << TimeBits) - 1;

        private const int LeastSamples = 8;
        private const int UsualSamples = 64;

        private readonly long[] _words;
        private int _written; // words, by the writer
        private int _read; // words, by the reader

        /// <summary>A ring of <paramref name="capacity"/> samples, a power of two; 0: room for one of each of the <paramref name="signals"/>, 8 to 64.</summary>
        public SampleRing(int capacity, int signals)
        {
            if (capacity == 0)
            {
                for (capacity = LeastSamples; capacity < signals && capacity < UsualSamples;) capacity *= 2;
            }

            _words = new long[capacity * 2];
            _written = 0;
            _read = 0;
        }

        /// <summary>Adds a sample.</summary>
        /// <param name="tag">Signal and flags, 0..32767.</param>
        /// <param name="value">The value.</param>
        /// <param name="timeMs">0..2^48-1.</param>
        /// <returns>False when the ring is full.</returns>
        public bool TryWrite(int tag, long value, long timeMs)
        {
            int written = _written;
            long[] words = _words;
            if (written - Ordered.Load(ref _read) == words.Length) return false;
            int at = written & (words.Length - 1);
            words[at] = value;
            words[at + 1] = timeMs | ((long)tag << TimeBits);
            Ordered.Store(ref _written, written + 2);
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

            long[] words = _words;
            int at = read & (words.Length - 1);
            value = words[at];
            timeMs = words[at + 1] & TimeMask;
            tag = (int)(words[at + 1] >> TimeBits);
            Ordered.Store(ref _read, read + 2);
            return true;
        }
    }
}
