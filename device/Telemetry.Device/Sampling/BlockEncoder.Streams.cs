namespace Telemetry.Device.Sampling
{
    // Every column grows at its own pace, so each is a chain of small chunks from one shared pool; Finish lays the chains end to end.
    public sealed partial class BlockEncoder
    {
        private const int ChunkBytes = 8;
        private const int ChunkShift = 3;

        // Streams: time, quality, then the columns.
        private const int TimeStream = 0;
        private const int QualityStream = 1;
        private const int FirstColumnStream = 2;

        // The most one row adds to a stream is a real: a run of 25 bits, a window of 13, a value of 64 and 7 bits that waited = 14 bytes,
        // so at most two new chunks. Closing a stream adds a pending run, at most 4 bytes: one more.
        private const int ChunksPerStreamReserve = 3;

        private readonly byte[] _pool;
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
                _streamBytes[stream] = 0;
                _bits[stream] = 0;
                _bitCount[stream] = 0;
            }
        }

        // Least significant bit first; count is 0..24.
        private void PutBits(int stream, uint value, int count)
        {
            uint bits = _bits[stream] | (value << _bitCount[stream]);
            count += _bitCount[stream];
            for (; count >= 8; count -= 8)
            {
                PutByte(stream, (byte)bits);
                bits >>= 8;
            }

            _bits[stream] = bits;
            _bitCount[stream] = (byte)count;
        }

        private void PutByte(int stream, byte value)
        {
            int at = _streamAt[stream];
            int bytes = _streamBytes[stream];
            if ((bytes & (ChunkBytes - 1)) == 0)
            {
                short chunk = (short)_firstUnused;
                _firstUnused++;
                _freeChunks--;
                if (bytes == 0) _streamHead[stream] = chunk;
                else _chunkNext[(at - 1) >> ChunkShift] = chunk;
                at = chunk << ChunkShift;
            }

            _pool[at] = value;
            _streamAt[stream] = at + 1;
            _streamBytes[stream] = bytes + 1;
        }

        private void PutCode(int stream, int code)
        {
            PutBits(stream, (uint)code & 0xFF, code >> 8);
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
            PutBits(stream, 1u << length, length + 1);
            PutBits(stream, quotient & ((1u << length) - 1), length);
            PutBits(stream, value & ((1u << k) - 1), k);
        }

        private void PutFixed64(int stream, int low, int high)
        {
            for (int shift = 0; shift < 32; shift += 8) PutByte(stream, (byte)(low >> shift));
            for (int shift = 0; shift < 32; shift += 8) PutByte(stream, (byte)(high >> shift));
        }

        private void AlignStream(int stream)
        {
            if (_bitCount[stream] == 0) return;
            PutByte(stream, (byte)_bits[stream]);
            _bits[stream] = 0;
            _bitCount[stream] = 0;
        }

        private int CopyStream(int stream, byte[] output, int offset)
        {
            int chunk = _streamHead[stream];
            for (int left = _streamBytes[stream]; left > 0; left -= ChunkBytes)
            {
                int count = left < ChunkBytes ? left : ChunkBytes;
                System.Array.Copy(_pool, chunk << ChunkShift, output, offset, count);
                offset += count;
                chunk = _chunkNext[chunk];
            }

            return offset;
        }
    }
}
