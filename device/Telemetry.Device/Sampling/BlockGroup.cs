namespace Telemetry.Device.Sampling
{
    /// <summary>Signals of one period, which share a timeline: one encoder, and the row that is being gathered.</summary>
    internal sealed class BlockGroup
    {
        /// <summary>Columns of a group: as many as a mask of present values has bits.</summary>
        public const int MaxColumns = 32;

        /// <summary>Packs the rows.</summary>
        public readonly BlockEncoder Encoder;

        /// <summary>Columns that have their value.</summary>
        public uint Present;

        /// <summary>Time of the row.</summary>
        public long RowMs;

        /// <summary>Quality bits of the row.</summary>
        public int Quality;

        /// <summary>Columns whose last value belongs to a row that was left out, and is added to the next.</summary>
        public uint Carries;

        /// <summary>Rows left out since the last one that was kept.</summary>
        public int RowsSinceKept;

        /// <summary>Quality bits of that one.</summary>
        public int KeptQuality;

        private readonly int[] _columns; // the encoder's; their owner's part is the index in the profile

        /// <summary>A group over signals of the profile.</summary>
        /// <param name="columns">The encoder's: id, kind and index in the profile of each signal, ascending.</param>
        /// <param name="maxRows">Rows of a block.</param>
        /// <param name="pool">All groups share it.</param>
        public BlockGroup(int[] columns, int maxRows, BlockPool pool)
        {
            _columns = columns;
            Encoder = new BlockEncoder(columns, maxRows, pool);
        }

        /// <summary>Signals of the group.</summary>
        public int Columns
        {
            get { return _columns.Length; }
        }

        /// <summary>Every column of the row has its value.</summary>
        public bool IsRowComplete
        {
            get { return Present == uint.MaxValue >> (MaxColumns - _columns.Length); }
        }

        /// <summary>Index in the profile of a column's signal.</summary>
        public int SignalAt(int column)
        {
            return BlockEncoder.OwnerOf(_columns[column]);
        }

        /// <summary>Signals from a column on whose ids follow each other.</summary>
        public int RunFrom(int column)
        {
            int end = column + 1;
            while (end < _columns.Length && BlockEncoder.IdOf(_columns[end]) == BlockEncoder.IdOf(_columns[end - 1]) + 1) end++;
            return end - column;
        }

        /// <summary>Hands the gathered row to the encoder.</summary>
        /// <returns>False when the block is complete: move it away and try again.</returns>
        public bool TryAddRow()
        {
            if (!Encoder.TryAddRow(RowMs, Quality)) return false;
            Present = 0;
            return true;
        }
    }
}
