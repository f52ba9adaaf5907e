namespace Telemetry.Device.Sampling
{
    /// <summary>
    /// The one buffer of what is recorded and not sealed. From below grow the columns of all open blocks, each a chain of small chunks, because each grows at
    /// its own pace; from above, byte by byte, the samples that share no row. Whoever needs room that is not there has everything sealed first.
    /// </summary>
    /// <remarks>
    /// Allocates in the constructor only. Not thread-safe: one owner, on a device the client's store lock. Chunks are given back as they were taken, the last
    /// first, or all together: blocks that share a pool are reset together, or one that was begun last is reset before the others take more.
    /// </remarks>
    internal sealed class BlockPool
    {
        public const int ChunkWords = 2;
        public const int ChunkShift = 1;
        public const int ChunkBytes = 4 * ChunkWords;
        public const int WordBits = 32;

        /// <summary>Words of the chunks; chunk n has those from n * ChunkWords. Behind them the links: by chunk, the one that its stream goes on in.</summary>
        public readonly uint[] Words;

        private const int MostChunks = short.MaxValue;
        private const int ByteLinkChunks = 256; // as many as a link of one byte tells apart

        private readonly short _chunks;
        private short _capacity; // of them, those that may be used
        private int _used; // chunks
        private int _owed; // chunks that open blocks need to be closed
        private int _aside; // bytes from above

        /// <summary>A pool of <paramref name="bytes"/>, at most 32,767 chunks.</summary>
        public BlockPool(int bytes)
        {
            int chunks = bytes / ChunkBytes;
            _chunks = (short)(chunks < MostChunks ? chunks : MostChunks);
            _capacity = _chunks;
            int linkBits = _chunks << LinkShift;
            Words = new uint[(_chunks * ChunkWords) + ((linkBits + WordBits - 1) / WordBits)];
        }

        /// <summary>Chunks of the pool that may be used.</summary>
        public int Capacity
        {
            get { return _capacity; }
        }

        /// <summary>Chunks that nobody has and no open block is owed.</summary>
        public int FreeChunks
        {
            get { return _capacity - _used - _owed - ((_aside + ChunkBytes - 1) / ChunkBytes); }
        }

        /// <summary>Chunks in use.</summary>
        public int UsedChunks
        {
            get { return _used; }
        }

        /// <summary>Lets an empty pool use at most so many of its chunks.</summary>
        public void Limit(int chunks)
        {
            _capacity = (short)(chunks < _chunks ? chunks : _chunks);
        }

        /// <summary>Bytes set aside.</summary>
        public int AsideBytes
        {
            get { return _aside; }
        }

        /// <summary>The next chunk. The taker has made sure that there is one.</summary>
        public int Take()
        {
            return _used++;
        }

        /// <summary>Gives back every chunk from <paramref name="first"/> on.</summary>
        public void ReturnFrom(int first)
        {
            if (first < _used) _used = first;
        }

        /// <summary>The chunk that a stream goes on in behind <paramref name="chunk"/>, which is not its last.</summary>
        public int Next(int chunk)
        {
            int bit = LinkBit(chunk);
            return (int)(Words[bit / WordBits] >> (bit % WordBits)) & LinkMask;
        }

        /// <summary>Lets a stream go on in another chunk.</summary>
        public void Link(int chunk, int next)
        {
            int bit = LinkBit(chunk);
            uint others = Words[bit / WordBits] & ~((uint)LinkMask << (bit % WordBits));
            Words[bit / WordBits] = others | ((uint)next << (bit % WordBits));
        }

        /// <summary>Keeps chunks free for the end of a block that is begun; negative when it ends.</summary>
        public void Owe(int chunks)
        {
            _owed += chunks;
        }

        /// <summary>Sets one more byte aside.</summary>
        public void PutAside(byte value)
        {
            SetAside(_aside++, value);
        }

        /// <summary>The byte that was set aside as number <paramref name="index"/>.</summary>
        public byte Aside(int index)
        {
            int at = (_chunks * ChunkBytes) - 1 - index;
            return (byte)(Words[at >> 2] >> ((at & 3) << 3));
        }

        /// <summary>Replaces a byte that was set aside.</summary>
        public void SetAside(int index, byte value)
        {
            int at = (_chunks * ChunkBytes) - 1 - index;
            int shift = (at & 3) << 3;
            Words[at >> 2] = (Words[at >> 2] & ~(0xFFu << shift)) | ((uint)value << shift);
        }

        /// <summary>Forgets the bytes set aside behind the first <paramref name="bytes"/>.</summary>
        public void KeepAside(int bytes)
        {
            _aside = bytes;
        }

        // Bits of a link as a power of two: 8, or 16 where there are more chunks.
        private int LinkShift
        {
            get { return _chunks <= ByteLinkChunks ? 3 : 4; }
        }

        private int LinkMask
        {
            get { return (1 << (1 << LinkShift)) - 1; }
        }

        private int LinkBit(int chunk)
        {
            return (_chunks * ChunkWords * WordBits) + (chunk << LinkShift);
        }
    }
}
