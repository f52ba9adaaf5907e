namespace Telemetry.Device.Sampling
{
    /// <summary>
    /// Packs rows of samples that share one timeline into a block (proto/WIRE.md, "Block"). Rows arrive one at a time; each is coded
    /// as it comes, so the memory is that of the packed block, not of its samples.
    /// </summary>
    /// <remarks>
    /// Allocates in the constructor only. Not thread-safe: one owner. Per row: <see cref="Set"/>, <see cref="SetWide"/> or
    /// <see cref="SetReal"/> for every column, then <see cref="TryAddRow"/>. A column that is not set again repeats its value.
    /// When TryAddRow says no, the block is complete: <see cref="Finish"/> it and add the row again. Not sealed, because <see cref="BlockGroup"/> is one with more fields.
    /// </remarks>
    public partial class BlockEncoder
    {
        /// <summary>A column of integers in 32 bits: the ordinary case.</summary>
        public const byte KindInteger = 0;

        /// <summary>A column of integers that need 64 bits.</summary>
        public const byte KindWide = 1;

        /// <summary>A column of IEEE doubles.</summary>
        public const byte KindReal = 2;

        /// <summary>How a column of 32-bit integers is written while it is noise about a level. Not for the constructor: the encoder turns to it and back by itself.</summary>
        internal const byte KindLevel = 3;

        /// <summary>The most rows of a block (WIRE.md, "Limits").</summary>
        public const int MaxRows = 4096;

        /// <summary>The most columns of a block.</summary>
        public const int MaxColumns = 64;

        /// <summary>The greatest quality mask.</summary>
        public const int MaxQuality = 7;

        private const ulong MaxTimeMs = 1UL << 48;

        // The parts of a column's name.
        private const int IdMask = 0xFFFF;
        private const int KindShift = 16;
        private const int KindMask = 3 << KindShift;
        private const int NoiseShift = 18;
        private const int NoiseMask = 63 << NoiseShift;
        private const int OwnerShift = 24;

        private readonly byte _columns;
        private readonly short _maxRows;
        private int _rows;
        private byte _firstQuality;
        private byte _quality;
        private int _qualityRow; // the row that set it
        private bool _qualityChanges;

        /// <summary>An encoder for a fixed set of columns.</summary>
        /// <param name="signals">Signal id of each column, strictly ascending, 1..65535; 1..64 of them.</param>
        /// <param name="kinds">Kind of each column: <see cref="KindInteger"/>, <see cref="KindWide"/> or <see cref="KindReal"/>.</param>
        /// <param name="maxRows">Rows after which a block is complete, 1..4096.</param>
        /// <param name="bufferBytes">Room for the packed columns of one open block; see <see cref="LeastBufferBytes"/>. About half a byte a
        /// sample is ample for slow signals; when it runs out the block is complete with fewer rows.</param>
        public BlockEncoder(int[] signals, byte[] kinds, int maxRows, int bufferBytes)
            : this(CountOf(signals, kinds), HasWide(kinds), maxRows, new BlockPool(bufferBytes))
        {
            if (maxRows < 1 || maxRows > MaxRows) throw new System.ArgumentException("BlockEncoder takes maxRows of 1-4096.");
            if (bufferBytes < LeastBufferBytes(signals.Length)) throw new System.ArgumentException("BlockEncoder needs LeastBufferBytes(columns) of buffer.");
            for (int i = 0; i < signals.Length; i++) AddColumn(i, signals[i], kinds[i], 0);
        }

        /// <summary>An encoder that shares a pool with others; <see cref="AddColumn"/> makes its columns.</summary>
        /// <param name="columns">How many it will have.</param>
        /// <param name="hasWide">One is not <see cref="KindInteger"/>.</param>
        /// <param name="maxRows">Rows after which a block is complete.</param>
        /// <param name="pool">At least <see cref="LeastBufferBytes"/> of the encoder with the most columns; an encoder that finds too little left refuses its first row.</param>
        internal BlockEncoder(int columns, bool hasWide, int maxRows, BlockPool pool)
        {
            _columns = (byte)columns;
            _maxRows = (short)maxRows;
            _pool = pool;
            _streamWords = (byte)(hasWide ? WideWords : NarrowWords);
            _state = new int[StreamOf(columns)];
            _rowChunks = StreamsBeforeColumns * RowStreamChunks;
        }

        /// <summary>Makes the next column.</summary>
        /// <param name="column">Its number: 0, 1, 2, ...</param>
        /// <param name="signal">Its id, greater than that of the column before.</param>
        /// <param name="kind">Its kind.</param>
        /// <param name="owner">0..255, its owner's: see <see cref="OwnerOf"/>.</param>
        internal void AddColumn(int column, int signal, int kind, int owner)
        {
            _state[StreamOf(column) + Name] = signal | (kind << KindShift) | (owner << OwnerShift);
            _rowChunks += (byte)RowChunksOf(kind);
            if (kind != KindInteger || signal != Id(0) + column) _form |= FormDescriptors;
        }

        /// <summary>What a column carries for its owner.</summary>
        internal int OwnerOf(int column)
        {
            return (_state[StreamOf(column) + Name] >> OwnerShift) & 0xFF;
        }

        /// <summary>Signal id of a column.</summary>
        internal int Id(int column)
        {
            return _state[StreamOf(column) + Name] & IdMask;
        }

        /// <summary>Rows in the open block.</summary>
        public int RowCount
        {
            get { return _rows; }
        }

        /// <summary>Columns of every block.</summary>
        public int ColumnCount
        {
            get { return _columns; }
        }

        /// <summary>Uptime of the first row of the open block in ms; meaningless while <see cref="RowCount"/> is 0.</summary>
        public long StartMs
        {
            get { return _startMs; }
        }

        /// <summary>A row of this time cannot follow those in the open block.</summary>
        internal bool IsBehind(long uptimeMs)
        {
            return _rows > 0 && uptimeMs < _lastMs;
        }

        /// <summary>The least buffer with which a block of one row always fits: what one row can cost at worst, twice.</summary>
        public static int LeastBufferBytes(int columns)
        {
            return BlockPool.ChunkBytes * (columns + StreamsBeforeColumns) * (WideRowChunks + ClosingChunks) * 2;
        }

        /// <summary>Sets the value of an integer column for the next row.</summary>
        public void Set(int column, int value)
        {
            _state[StreamOf(column) + Next] = value;
        }

        /// <summary>Sets the value of a wide column for the next row; of an integer column, which takes 32 bits of it, as well.</summary>
        public void SetWide(int column, long value)
        {
            int stream = StreamOf(column);
            _state[stream + Next] = (int)value;
            if (_streamWords == WideWords) _state[stream + NextHigh] = (int)(value >> 32);
        }

        /// <summary>Sets the value of a real column for the next row. Every bit is kept, NaN payloads included.</summary>
        public void SetReal(int column, double value)
        {
            SetWide(column, System.BitConverter.DoubleToInt64Bits(value));
        }

        /// <summary>The value set for a column's next row; of a real its bits.</summary>
        internal long ValueSet(int column)
        {
            return ValueOf(StreamOf(column));
        }

        /// <summary>Adds the values set before as one row.</summary>
        /// <param name="uptimeMs">Time of the row: 0..2^48, not before the row before it.</param>
        /// <param name="quality">Bit 0 worn, 1 charging, 2 estimated; 0..7.</param>
        /// <returns>False when the block is complete: it holds maxRows, its buffer might not hold the row, the row is earlier than the last
        /// or more than 2,147,483,647 ms after it, or its step does not fit the block's unit of time. Nothing was added.
        /// An empty block with a buffer of its own refuses only a time or a quality out of range.</returns>
        public bool TryAddRow(long uptimeMs, int quality)
        {
            if (_isComplete || (ulong)uptimeMs > MaxTimeMs || (quality & ~MaxQuality) != 0) return false;
            int row = _rows;
            if (row == 0) return TryBegin(uptimeMs, quality);
            long step = uptimeMs - _lastMs;
            if (row >= _maxRows || step < 0 || step > int.MaxValue || !HasRoom(row, step, quality)) return false;
            if ((step != _steadyMs || row >= _state[TimeStream + Due]) && !TryAddTime(row, (int)step)) return false;
            if (quality != _quality) AddQuality(row, quality);
            AddValues(row);
            _lastMs = uptimeMs;
            _rows = row + 1;
            return true;
        }

        /// <summary>Drops the open block and begins a new one.</summary>
        public void Reset()
        {
            if (_rows == 0) return;
            if (!_isComplete) _pool.Owe(-ChunksToClose());
            _pool.ReturnFrom(_firstChunk);
            _rows = 0;
            _isComplete = false;
        }

        /// <summary>Begins anew with another column, of an encoder of one; nothing that earlier blocks taught is kept.</summary>
        internal void Restart(int signal, int kind)
        {
            Reset();
            _state[FirstColumn + Name] = signal | (kind << KindShift);
            _prefersMs = false;
        }

        private static int CountOf(int[] signals, byte[] kinds)
        {
            if (signals.Length < 1 || signals.Length > MaxColumns || signals.Length != kinds.Length)
                throw new System.ArgumentException("BlockEncoder takes 1-64 columns, one kind for each.");
            for (int i = 0; i < signals.Length; i++)
            {
                if (signals[i] < 1 || signals[i] > 65535 || (i > 0 && signals[i] <= signals[i - 1]))
                    throw new System.ArgumentException("BlockEncoder takes signal ids of 1-65535 in ascending order.");
                if (kinds[i] > KindReal) throw new System.ArgumentException("BlockEncoder knows kinds 0 (integer), 1 (wide) and 2 (real).");
            }

            return signals.Length;
        }

        private static bool HasWide(byte[] kinds)
        {
            for (int i = 0; i < kinds.Length; i++)
            {
                if (kinds[i] != KindInteger) return true;
            }

            return false;
        }

        private bool TryBegin(long uptimeMs, int quality)
        {
            if (_pool.FreeChunks < LeastChunks) return false;
            _pool.Owe(ChunksToClose());
            _firstChunk = (short)_pool.UsedChunks;
            _rows = 1;
            _firstQuality = (byte)quality;
            _quality = (byte)quality;
            _qualityRow = 0;
            _qualityChanges = false;
            BeginTimeline(uptimeMs);
            BeginStreams();
            return true;
        }

        private int KindOf(int stream)
        {
            return (_state[stream + Name] & KindMask) >> KindShift;
        }

        private static bool IsNarrow(int kind)
        {
            return kind == KindInteger || kind == KindLevel;
        }

        private long ValueOf(int stream)
        {
            int low = _state[stream + Next];
            return IsNarrow(KindOf(stream)) ? low : ((long)_state[stream + NextHigh] << 32) | (uint)low;
        }
    }
}
