namespace Telemetry.Device.Sampling
{
    /// <summary>Signals of one period, which share a timeline: their encoder, and the row that is being gathered.</summary>
    internal sealed class BlockGroup : BlockEncoder
    {
        /// <summary>The most columns of a group: as many as a mask of present values has bits.</summary>
        public const int MostColumns = 32;

        /// <summary>Time of the row.</summary>
        public long RowMs;

        /// <summary>Columns that have their value.</summary>
        public uint Present;

        /// <summary>Columns whose last value belongs to a row that was left out, and is added to the next.</summary>
        public uint Carries;

        /// <summary>Quality bits of the row.</summary>
        public byte Quality;

        /// <summary>Quality bits of the last row that was kept.</summary>
        public byte KeptQuality;

        /// <summary>Rows left out since then.</summary>
        public byte RowsSinceKept;

        /// <summary>A group without its columns, whose owner's part is the index in the profile.</summary>
        public BlockGroup(int columns, bool hasReal, int maxRows, BlockPool pool)
            : base(columns, hasReal, maxRows, pool)
        {
        }

        /// <summary>Every column of the row has its value.</summary>
        public bool IsRowComplete
        {
            get { return Present == uint.MaxValue >> (MostColumns - ColumnCount); }
        }

        /// <summary>Index in the profile of a column's signal.</summary>
        public int SignalAt(int column)
        {
            return OwnerOf(column);
        }

        /// <summary>Signals from a column on whose ids follow each other.</summary>
        public int RunFrom(int column)
        {
            int end = column + 1;
            while (end < ColumnCount && Id(end) == Id(end - 1) + 1) end++;
            return end - column;
        }

        /// <summary>Hands the gathered row to the encoder.</summary>
        /// <returns>False when the block is complete: move it away and try again.</returns>
        public bool TryAddGathered()
        {
            if (!TryAddRow(RowMs, Quality)) return false;
            Present = 0;
            return true;
        }
    }
}
