namespace Telemetry.Device.Sampling
{
    // Every column grows at its own pace, so each is a chain of small chunks from one shared pool; Finish lays the chains end to end.
    public sealed partial class BlockEncoder
    {
        private const int ChunkWords = 2;
        private const int ChunkShift = 1;
        private const int ChunkBytes = 4 * ChunkWords;
        private const int WordBits = 32;

        // Streams: time, quality, then the columns. A stream is named by where its words begin in _state.
        private const int TimeStream = 0;
        private const int StreamsBeforeColumns = 2;

        // Words of a stream: 32 bytes a column of integers, 44 where one is wide or real.
        private const int Next = 0;        // the value set for the next row
        private const int Last = 1;        // the value of the last row
        private const int Due = 2;         // the row at which a value that does not change needs work
        private const int Mean = 3;        // of the differences, shifted left by one; bit 0: the last one was negative
        private const int Bits = 4;        // that wait to fill a word; of a closed stream: its bytes
        private const int BitCount = 5;    // how many wait
        private const int Chain = 6;       // first chunk, above the index in _pool of the next word
        private const int Other = 7;       // the level before the last jump
        private const int NarrowWords = 8;
        private const int NextHigh = 8;    // the upper halves
        private const int LastHigh = 9;
        private const int OtherHigh = 10;
        private const int WideWords = 11;
        private const int Window = Mean;   // of a real, which has no mean: leading zeros above the length in bits

        private const int ChainShift = 16;
        private const int ChainMask = 0xFFFF;
        private const int EmptyChain = 0;

        // The most one row adds to a stream is a real: a run of 25 bits, a window of 13, a value of 64 and 31 bits that waited = 133, four words,
        // so at most two new chunks. A wide column adds 19 bits of codes, 70 of a far difference, 31 that waited = 120, three words, two chunks; an
        // integer, like a timeline, 19, 38 and 31 = 88, two words, one chunk; quality 28 and 31, one word.
        // Closing a stream adds a pending run of at most 25 bits to 31 that waited, two words: one more.
        private const int ReserveChunks = 3;
        private const int IntegerReserveChunks = 2;

        private readonly uint[] _pool;
        private readonly short[] _chunkNext;
        private readonly int[] _state;
        private readonly int _streamWords;
        private int _freeChunks;
        private int _firstUnused;
        private readonly int _rowReserve;

        // Chunks that a row and the end of the block may need.
        private static int RowReserve(byte[] kinds)
        {
            int chunks = StreamsBeforeColumns * IntegerReserveChunks;
            for (int column = 0; column < kinds.Length; column++) chunks += kinds[column] == KindInteger ? IntegerReserveChunks : ReserveChunks;
            return chunks;
        }

        private void ResetStreams()
        {
            _firstUnused = 0;
            _freeChunks = _chunkNext.Length;
            for (int stream = 0; stream < _state.Length; stream += _streamWords)
            {
                _state[stream + Bits] = 0;
                _state[stream + BitCount] = 0;
                _state[stream + Chain] = EmptyChain;
            }
        }

        // Least significant bit first; count is 0..31, and the bits above it are 0.
        private void PutBits(int stream, uint value, int count)
        {
            int[] state = _state;
            int waiting = state[stream + BitCount];
            uint bits = (uint)state[stream + Bits] | (value << waiting);
            waiting += count;
            if (waiting >= WordBits)
            {
                PutWord(stream, bits);
                waiting -= WordBits;
                bits = value >> (count - waiting);
            }

            state[stream + Bits] = (int)bits;
            state[stream + BitCount] = waiting;
        }

        private void PutWord(int stream, uint word)
        {
            int chain = _state[stream + Chain];
            if ((chain & (ChunkWords - 1)) == 0) chain = AddChunk(chain);
            _pool[chain & ChainMask] = word;
            _state[stream + Chain] = chain + 1;
        }

        // A stream begins, or its last chunk is full.
        private int AddChunk(int chain)
        {
            int chunk = _firstUnused;
            _firstUnused++;
            _freeChunks--;
            if (chain == EmptyChain) return (chunk << ChainShift) | (chunk << ChunkShift);
            _chunkNext[((chain & ChainMask) - 1) >> ChunkShift] = (short)chunk;
            return (chain & ~ChainMask) | (chunk << ChunkShift);
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
            int lastBytes = (_state[stream + BitCount] + 7) >> 3;
            if (lastBytes > 0) PutWord(stream, (uint)_state[stream + Bits]);
            _state[stream + Bits] = ChainBytes(_state[stream + Chain]) - (lastBytes > 0 ? (WordBits / 8) - lastBytes : 0);
            _state[stream + BitCount] = 0;
        }

        private int ChainBytes(int chain)
        {
            if (chain == EmptyChain) return 0;
            int last = ((chain & ChainMask) - 1) >> ChunkShift;
            int words = (chain & ChainMask) - (last << ChunkShift);
            for (int chunk = chain >> ChainShift; chunk != last; chunk = _chunkNext[chunk]) words += ChunkWords;
            return words * (WordBits / 8);
        }

        private int StreamBytes(int stream)
        {
            return _state[stream + Bits];
        }

        private int QualityStream
        {
            get { return _streamWords; }
        }

        private int StreamOf(int column)
        {
            return (column + StreamsBeforeColumns) * _streamWords;
        }

        private int CopyStream(int stream, byte[] output, int offset)
        {
            int chunk = _state[stream + Chain] >> ChainShift;
            int end = offset + StreamBytes(stream);
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
