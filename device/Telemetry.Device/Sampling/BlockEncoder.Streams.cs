namespace Telemetry.Device.Sampling
{
    // Every column grows at its own pace, so each is a chain of small chunks from one shared pool; Finish lays the chains end to end.
    public sealed partial class BlockEncoder
    {
        private const int ChunkWords = 2;
        private const int ChunkShift = 1;
        private const int ChunkBytes = 4 * ChunkWords;
        private const int WordBits = 32;

        // Streams: time, quality, then the columns.
        private const int TimeStream = 0;
        private const int QualityStream = 1;
        private const int FirstColumnStream = 2;

        // The most one row adds to a stream is a real: a run of 25 bits, a window of 13, a value of 64 and 31 bits that waited = 133, four words,
        // so at most two new chunks. Closing a stream adds a pending run of 25 bits to 31 that waited, two words: one more.
        private const int ChunksPerStreamReserve = 3;

        private readonly uint[] _pool;
        private readonly short[] _chunkNext;
        private readonly short[] _streamHead;
        private readonly int[] _streamAt;
        private readonly int[] _streamBytes;
        private readonly uint[] _bits;
        private readonly byte[] _bitCount;
        private int _freeChunks;
        private int _firstUnused;
        private readonly int _rowReserve;

        private static int RowReserve(int columns)
        {
            return (columns + FirstColumnStream) * ChunksPerStreamReserve;
        }

        private void ResetStreams()
        {
            _firstUnused = 0;
            _freeChunks = _chunkNext.Length;
            for (int stream = 0; stream < _streamBytes.Length; stream++)
            {
                _streamAt[stream] = 0;
                _streamBytes[stream] = 0;
                _bits[stream] = 0;
                _bitCount[stream] = 0;
            }
        }

        // Least significant bit first; count is 0..31, and the bits above it are 0.
        private void PutBits(int stream, uint value, int count)
        {
            uint[] waitingBits = _bits;
            byte[] waitingCount = _bitCount;
            int waiting = waitingCount[stream];
            uint bits = waitingBits[stream] | (value << waiting);
            waiting += count;
            if (waiting >= WordBits)
            {
                PutWord(stream, bits);
                waiting -= WordBits;
                bits = value >> (count - waiting);
            }

            waitingBits[stream] = bits;
            waitingCount[stream] = (byte)waiting;
        }

        private void PutWord(int stream, uint word)
        {
            int at = _streamAt[stream];
            if ((at & (ChunkWords - 1)) == 0) at = AddChunk(stream, at);
            _pool[at] = word;
            _streamAt[stream] = at + 1;
            _streamBytes[stream] += WordBits / 8;
        }

        // A stream begins, or its last chunk, which ends before `at`, is full.
        private int AddChunk(int stream, int at)
        {
            short chunk = (short)_firstUnused;
            _firstUnused++;
            _freeChunks--;
            if (_streamBytes[stream] == 0) _streamHead[stream] = chunk;
            else _chunkNext[(at - 1) >> ChunkShift] = chunk;
            return chunk << ChunkShift;
        }

        private void PutCode(int stream, int code)
        {
            PutBits(stream, (uint)(code & BlockCodes.CodeMask), code >> BlockCodes.LengthShift);
        }

        // Up to 64 bits, the low ones first.
        private void PutLong(int stream, uint low, uint high, int count)
        {
            for (; count > 16; count -= 16)
            {
                PutBits(stream, low & 0xFFFF, 16);
                low = (low >> 16) | (high << 16);
                high >>= 16;
            }

            PutBits(stream, low & ((1u << count) - 1), count);
        }

        // Exponential Golomb of order k, for value >> k up to 4095: zeros as many as bits follow the leading one, the one, those bits, k low bits.
        private void PutExpGolomb(int stream, uint value, int k)
        {
            uint quotient = (value >> k) + 1;
            int length = 0;
            while (quotient >> length > 1) length++;
            uint rest = (quotient & ((1u << length) - 1)) | ((value & ((1u << k) - 1)) << length);
            PutBits(stream, (1u << length) | (rest << (length + 1)), (2 * length) + 1 + k);
        }

        // Writes the bits that wait; the stream then ends with its last byte.
        private void EndStream(int stream)
        {
            int bytes = (_bitCount[stream] + 7) >> 3;
            if (bytes == 0) return;
            PutWord(stream, _bits[stream]);
            _streamBytes[stream] += bytes - (WordBits / 8);
            _bits[stream] = 0;
            _bitCount[stream] = 0;
        }

        private int CopyStream(int stream, byte[] output, int offset)
        {
            int chunk = _streamHead[stream];
            int end = offset + _streamBytes[stream];
            while (offset < end)
            {
                for (int i = 0; i < ChunkWords; i++)
                {
                    uint word = _pool[(chunk << ChunkShift) + i];
                    for (int bits = 0; bits < WordBits && offset < end; bits += 8) output[offset++] = (byte)(word >> bits);
                }

                chunk = _chunkNext[chunk];
            }

            return offset;
        }
    }
}
