namespace Telemetry.Device.Sampling
{
    // Every column grows at its own pace, so each is a chain of small chunks from the pool; Read lays the chains end to end.
    public partial class BlockEncoder
    {
        private const int ChunkWords = BlockPool.ChunkWords;
        private const int ChunkShift = BlockPool.ChunkShift;
        private const int WordBits = BlockPool.WordBits;

        // Words of a stream: of the quality three, of the timeline six, of a column of integers nine, twelve where one is wide or real.
        private const int Bits = 0;        // that wait to fill a word; of a closed stream: its bytes
        private const int BitCount = 1;    // how many wait
        private const int Chain = 2;       // first chunk, above the index in _pool of the next word
        private const int QualityWords = 3;
        private const int Due = 3;         // the row at which a value that does not change needs work
        private const int Mean = 4;        // of the differences, shifted left by one; bit 0: the last one was negative
        private const int Other = 5;       // the level before the last jump
        private const int TimeWords = 6;
        private const int Name = 6;        // signal id, kind above it, how much it looks like noise, what the owner wants to know of the column
        private const int Next = 7;        // the value set for the next row
        private const int Last = 8;        // the value of the last row
        private const int NarrowWords = 9;
        private const int NextHigh = 9;    // the upper halves
        private const int LastHigh = 10;
        private const int OtherHigh = 11;
        private const int WideWords = 12;
        private const int Level = Other;   // of a column about a level, which has no jumps: the level in 1/8
        private const int Window = Mean;   // of a real, which has no mean: leading zeros above the length in bits

        // A stream is named by where its words begin in _state.
        private const int TimeStream = 0;
        private const int QualityStream = TimeStream + TimeWords;
        private const int FirstColumn = QualityStream + QualityWords;
        private const int StreamsBeforeColumns = 2;

        private const int ChainShift = 16;
        private const int ChainMask = 0xFFFF;
        private const int EmptyChain = 0;

        // The most one row adds to a stream is a real: a run of 25 bits, a window of 13, a value of 64 and 31 bits that waited = 133, four words,
        // so at most two new chunks. A wide column adds 19 bits of codes, 70 of a far difference, 31 that waited = 120, three words, two chunks; its first
        // value has 122 bits and as many words. An integer, like a timeline, 19, 38 and 31 = 88, two words, one chunk; one about a level 11, 38 and 31; quality 28 and 31, one word.
        private const int RowStreamChunks = 1;
        private const int WideRowChunks = 2;

        // Closing a stream adds a pending run of at most 25 bits to 31 that waited, two words.
        private const int ClosingChunks = 1;

        private readonly BlockPool _pool;
        private readonly int[] _state;
        private readonly byte _streamWords; // of a column
        private byte _rowChunks; // that a row may need
        private short _firstChunk;

        // Where any row fits, this one is not looked at. A stream that it does not touch takes nothing.
        private bool HasRoom(int row, long step, int quality)
        {
            int free = _pool.FreeChunks;
            if (free >= _rowChunks) return true;
            if (step != _steadyMs || row >= _state[TimeStream + Due]) free -= RowStreamChunks;
            if (quality != _quality) free -= RowStreamChunks;
            for (int stream = FirstColumn; stream < _state.Length; stream += _streamWords)
            {
                if (IsTouched(stream, row)) free -= RowChunksOf(KindOf(stream));
            }

            return free >= 0;
        }

        private bool IsTouched(int stream, int row)
        {
            bool isSame = _state[stream + Next] == _state[stream + Last] && (_streamWords == NarrowWords || _state[stream + NextHigh] == _state[stream + LastHigh]);
            return !isSame || row >= _state[stream + Due];
        }

        /// <summary>Chunks with which a block always takes its first row.</summary>
        internal int LeastChunks
        {
            get { return _rowChunks + ChunksToClose(); }
        }

        private static int RowChunksOf(int kind)
        {
            return IsNarrow(kind) ? RowStreamChunks : WideRowChunks;
        }

        // Chunks that the end of the block may need.
        private int ChunksToClose()
        {
            return (_columns + StreamsBeforeColumns) * ClosingChunks;
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
            _pool.Words[chain & ChainMask] = word;
            _state[stream + Chain] = chain + 1;
        }

        // A stream begins, or its last chunk is full.
        private int AddChunk(int chain)
        {
            int chunk = _pool.Take();
            if (chain == EmptyChain) return (chunk << ChainShift) | (chunk << ChunkShift);
            _pool.Link(((chain & ChainMask) - 1) >> ChunkShift, chunk);
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
            for (int chunk = chain >> ChainShift; chunk != last; chunk = _pool.Next(chunk)) words += ChunkWords;
            return words * (WordBits / 8);
        }

        private int StreamBytes(int stream)
        {
            return _state[stream + Bits];
        }

        private int StreamOf(int column)
        {
            return FirstColumn + (column * _streamWords);
        }

        // From byte `from` on, as much as there is and fits.
        private int CopyStream(int stream, int from, byte[] output, int offset, int count)
        {
            int chunk = _state[stream + Chain] >> ChainShift;
            for (int skipped = from / BlockPool.ChunkBytes; skipped > 0; skipped--) chunk = _pool.Next(chunk);
            int left = StreamBytes(stream) - from;
            int end = offset + (left < count ? left : count);
            int bit = (from % BlockPool.ChunkBytes) << 3;
            while (offset < end)
            {
                uint word = _pool.Words[(chunk << ChunkShift) + (bit / WordBits)] >> (bit % WordBits);
                for (int bits = WordBits - (bit % WordBits); bits > 0 && offset < end; bits -= 8, word >>= 8, bit += 8) output[offset++] = (byte)word;
                if (bit < ChunkWords * WordBits) continue;
                bit = 0;
                chunk = _pool.Next(chunk);
            }

            return offset;
        }
    }
}
