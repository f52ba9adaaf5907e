namespace Telemetry.Device.Sampling
{
    /// <summary>Signals of one period, which share a timeline: one encoder, and the row that is being gathered.</summary>
    internal sealed class BlockGroup
    {
        /// <summary>Columns of a group: as many as a mask of present values has bits.</summary>
        public const int MaxColumns = 32;

        // Fewer columns than these have the room of these: the frame of a batch is then a seventh of it at most.
        private const int FewColumns = 8;

        /// <summary>Packs the rows.</summary>
        public readonly BlockEncoder Encoder;

        /// <summary>Index in the profile of each column's signal.</summary>
        public readonly int[] Signals;

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

        /// <summary>Room of the encoder's packed streams.</summary>
        public readonly int BufferBytes;

        private readonly uint _all;

        /// <summary>A group over signals of the profile, ascending.</summary>
        public BlockGroup(Profile profile, int[] signals, int maxRows, int bytesPerColumn)
        {
            Signals = signals;
            _all = signals.Length == MaxColumns ? uint.MaxValue : (1u << signals.Length) - 1;
            int[] ids = new int[signals.Length];
            byte[] kinds = new byte[signals.Length];
            for (int i = 0; i < signals.Length; i++)
            {
                ids[i] = profile.IdAt(signals[i]);
                kinds[i] = profile.KindAt(signals[i]) == SignalKind.Real ? BlockEncoder.KindReal : BlockEncoder.KindInteger;
            }

            int bytes = signals.Length * bytesPerColumn;
            int few = FewColumns * bytesPerColumn;
            int least = BlockEncoder.LeastBufferBytes(signals.Length);
            if (bytes < few) bytes = few;
            BufferBytes = bytes < least ? least : bytes;
            Encoder = new BlockEncoder(ids, kinds, maxRows, BufferBytes);
        }

        /// <summary>Every column of the row has its value.</summary>
        public bool IsRowComplete
        {
            get { return Present == _all; }
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
