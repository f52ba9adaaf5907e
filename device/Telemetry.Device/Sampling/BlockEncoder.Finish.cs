namespace Telemetry.Device.Sampling
{
    // Closing a block: pending runs are written, then header and columns are laid end to end.
    //
    // u8 flags      bits 0-2 version 1, 3 irregular, 4 quality, 5 steps in s, 6 start in s, 7 descriptors
    // varint rows, u8 columns, varint start, varint period
    // irregular:    varint length, timeline stream
    // quality:      u8 first mask | 8 if it changes; then varint length, quality stream
    // columns:      without descriptors varint first signal id; each: [varint descriptor], varint length (not of the last), stream
    public sealed partial class BlockEncoder
    {
        private const int FormatVersion = 1;
        private const int FlagIrregular = 0x08;
        private const int FlagQuality = 0x10;
        private const int FlagStepsInSeconds = 0x20;
        private const int FlagStartInSeconds = 0x40;
        private const int FlagDescriptors = 0x80;
        private const int QualityChanges = 0x08;

        private readonly bool _needsDescriptors;
        private bool _isComplete;

        /// <summary>Closes the open block; only <see cref="Finish"/> and <see cref="Reset"/> may follow. May be called again.</summary>
        /// <returns>The exact bytes <see cref="Finish"/> will write; 0 when the block has no rows.</returns>
        public int Complete()
        {
            if (_rows == 0) return 0;
            if (!_isComplete)
            {
                CloseStreams();
                EndTimeline();
                _isComplete = true;
            }

            int bytes = 2 + VarintBytes((uint)_rows) + VarintBytes(StartInUnit()) + VarintBytes((uint)_period);
            if (!_isRegular) bytes += FramedBytes(TimeStream);
            if (HasQuality()) bytes += 1 + (_qualityChanges ? FramedBytes(QualityStream) : 0);
            if (!_needsDescriptors) bytes += VarintBytes((uint)_signals[0]);
            int last = _columns - 1;
            for (int column = 0; column <= last; column++)
            {
                int stream = StreamOf(column);
                if (_needsDescriptors) bytes += VarintBytes(Descriptor(column));
                bytes += column < last ? FramedBytes(stream) : StreamBytes(stream);
            }

            return bytes;
        }

        /// <summary>Writes the block and begins a new one.</summary>
        /// <param name="output">Where to; at least <see cref="Complete"/> bytes from <paramref name="offset"/>.</param>
        /// <param name="offset">Index of the block's first byte.</param>
        /// <param name="capacity">Bytes that may be written.</param>
        /// <returns>Bytes written; 0 when the block has no rows or does not fit (then it is kept, nothing is written).</returns>
        public int Finish(byte[] output, int offset, int capacity)
        {
            int bytes = Complete();
            if (bytes == 0 || bytes > capacity) return 0;
            int at = offset;
            output[at++] = (byte)Flags();
            at = WriteVarint(output, at, (uint)_rows);
            output[at++] = (byte)_columns;
            at = WriteVarint(output, at, StartInUnit());
            at = WriteVarint(output, at, (uint)_period);
            if (!_isRegular) at = WriteFramed(output, at, TimeStream);
            if (HasQuality())
            {
                output[at++] = (byte)(_firstQuality | (_qualityChanges ? QualityChanges : 0));
                if (_qualityChanges) at = WriteFramed(output, at, QualityStream);
            }

            if (!_needsDescriptors) at = WriteVarint(output, at, (uint)_signals[0]);
            int last = _columns - 1;
            for (int column = 0; column <= last; column++)
            {
                int stream = StreamOf(column);
                if (_needsDescriptors) at = WriteVarint(output, at, Descriptor(column));
                at = column < last ? WriteFramed(output, at, stream) : CopyStream(stream, output, at);
            }

            Reset();
            return at - offset;
        }

        private void CloseStreams()
        {
            int lastRow = _rows - 1;
            EndRun(TimeStream, lastRow);
            EndStream(TimeStream);
            if (_qualityChanges)
            {
                if (lastRow > _qualityRow) PutExpGolomb(QualityStream, (uint)(lastRow - _qualityRow), 0);
                EndStream(QualityStream);
            }

            for (int column = 0; column < _columns; column++)
            {
                int stream = StreamOf(column);
                if (_kinds[column] == KindReal) EndRealRun(stream, lastRow);
                else EndRun(stream, lastRow);
                EndStream(stream);
            }
        }

        private int Flags()
        {
            int flags = FormatVersion;
            if (!_isRegular) flags |= FlagIrregular;
            if (HasQuality()) flags |= FlagQuality;
            if (_isInSeconds) flags |= FlagStepsInSeconds;
            if (StartIsWhole()) flags |= FlagStartInSeconds;
            if (_needsDescriptors) flags |= FlagDescriptors;
            return flags;
        }

        private bool HasQuality()
        {
            return _firstQuality != 0 || _qualityChanges;
        }

        private bool StartIsWhole()
        {
            return _startMs % MsPerSecond == 0;
        }

        private ulong StartInUnit()
        {
            return (ulong)(StartIsWhole() ? _startMs / MsPerSecond : _startMs);
        }

        // Ids in a row, all 32-bit integers, need no descriptors: the first id says the rest.
        private static bool NeedsDescriptors(int[] signals, byte[] kinds)
        {
            for (int column = 0; column < signals.Length; column++)
            {
                if (kinds[column] != KindInteger || signals[column] != signals[0] + column) return true;
            }

            return false;
        }

        private uint Descriptor(int column)
        {
            int before = column == 0 ? 0 : _signals[column - 1];
            return ((uint)(_signals[column] - before - 1) << 2) | _kinds[column];
        }

        private int FramedBytes(int stream)
        {
            return VarintBytes((uint)StreamBytes(stream)) + StreamBytes(stream);
        }

        private int WriteFramed(byte[] output, int at, int stream)
        {
            return CopyStream(stream, output, WriteVarint(output, at, (uint)StreamBytes(stream)));
        }

        private static int WriteVarint(byte[] output, int at, ulong value)
        {
            for (; value >= 0x80; value >>= 7) output[at++] = (byte)(value | 0x80);
            output[at++] = (byte)value;
            return at;
        }

        private static int VarintBytes(ulong value)
        {
            int bytes = 1;
            for (; value >= 0x80; value >>= 7) bytes++;
            return bytes;
        }
    }
}
