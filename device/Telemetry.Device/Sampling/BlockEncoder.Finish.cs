namespace Telemetry.Device.Sampling
{
    // Closing a block: pending runs are written, then header and columns are laid end to end.
    //
    // u8 flags      bits 0-2 version 1, or 3 if a column is written about a level; 3 irregular, 4 quality, 5 steps in s, 6 start in s, 7 descriptors
    // varint rows, u8 columns, varint start, varint period
    // irregular:    varint length, timeline stream
    // quality:      u8 first mask | 8 if it changes; then varint length, quality stream
    // columns:      without descriptors varint first signal id; each: [varint descriptor], varint length (not of the last), stream
    public partial class BlockEncoder
    {
        private const int FormatVersion = 1;
        private const int LevelVersion = 3;
        private const int FlagIrregular = 0x08;
        private const int FlagQuality = 0x10;
        private const int FlagStepsInSeconds = 0x20;
        private const int FlagStartInSeconds = 0x40;
        private const int FlagDescriptors = 0x80;
        private const int QualityChanges = 0x08;

        // A block is read stream by stream: what stands before a stream, 25 bytes at most (of the timeline: flags 1, rows 2, columns 1, start 8, period 5, length 3),
        // then its bits.
        private const int MostHeadBytes = 25;
        private const int BeforeHead = -1;

        // What stands before the other streams: of the quality 4, its first mask and a length; of a column 6, a descriptor and a length.
        private const int QualityHeadBytes = 4;
        private const int ColumnHeadBytes = 6;

        // Ids that follow each other, all of 32-bit integers, need no descriptors: then the first says the rest.
        private const int FormDescriptors = 1;
        private const int FormLevels = 2; // a column of the open block is of KindLevel
        private byte _form;
        private bool _isComplete;
        private byte _part; // the stream that Read comes to: timeline, quality, the columns
        private int _partAt; // its next byte, or BeforeHead

        /// <summary>The most that a block takes beside its streams.</summary>
        internal static int HeadBytes(int columns)
        {
            return MostHeadBytes + QualityHeadBytes + (columns * ColumnHeadBytes);
        }

        /// <summary>Closes the open block; only <see cref="Finish"/>, <see cref="Read"/> and <see cref="Reset"/> may follow. May be called again.</summary>
        /// <returns>The exact bytes <see cref="Finish"/> will write; 0 when the block has no rows.</returns>
        public int Complete()
        {
            if (_rows == 0) return 0;
            if (!_isComplete)
            {
                _pool.Owe(-ChunksToClose());
                CloseStreams();
                EndTimeline();
                _isComplete = true;
            }

            int bytes = 2 + VarintBytes((uint)_rows) + VarintBytes(StartInUnit()) + VarintBytes((uint)_period);
            if (!_isRegular) bytes += FramedBytes(TimeStream);
            if (HasQuality()) bytes += 1 + (_qualityChanges ? FramedBytes(QualityStream) : 0);
            if (!HasDescriptors()) bytes += VarintBytes((uint)Id(0));
            int last = _columns - 1;
            for (int column = 0; column <= last; column++)
            {
                int stream = StreamOf(column);
                if (HasDescriptors()) bytes += VarintBytes(Descriptor(column));
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
            Rewind();
            ReadParts(output, offset, bytes, 0);
            Reset();
            return bytes;
        }

        /// <summary>Begins to read the closed block, which stays until <see cref="Reset"/>.</summary>
        internal void Rewind()
        {
            _part = 0;
            _partAt = BeforeHead;
        }

        /// <summary>The next bytes of the closed block.</summary>
        /// <param name="output">Where to.</param>
        /// <param name="offset">Index of the first.</param>
        /// <param name="count">The most, at least 25.</param>
        /// <returns>Bytes written; 0 behind the block's last.</returns>
        internal int Read(byte[] output, int offset, int count)
        {
            return ReadParts(output, offset, count, MostHeadBytes);
        }

        private int ReadParts(byte[] output, int offset, int count, int headBytes)
        {
            int at = offset;
            int end = offset + count;
            for (; _part < _columns + StreamsBeforeColumns; _part++)
            {
                if (_partAt == BeforeHead)
                {
                    if (end - at < headBytes) break;
                    at = WriteHeadOf(_part, output, at);
                    _partAt = 0;
                }

                if (IsWritten(_part))
                {
                    int from = at;
                    at = CopyStream(StreamOfPart(_part), _partAt, output, at, end - at);
                    _partAt += at - from;
                    if (_partAt < StreamBytes(StreamOfPart(_part))) break;
                }

                _partAt = BeforeHead;
            }

            return at - offset;
        }

        // The timeline of equal steps and the quality that never changes stand in their heads alone.
        private bool IsWritten(int part)
        {
            return part == 0 ? !_isRegular : part > 1 || _qualityChanges;
        }

        private int StreamOfPart(int part)
        {
            return part == 0 ? TimeStream : part == 1 ? QualityStream : StreamOf(part - StreamsBeforeColumns);
        }

        private int WriteHeadOf(int part, byte[] output, int at)
        {
            int column = part - StreamsBeforeColumns;
            if (part == 0)
            {
                output[at++] = (byte)Flags();
                at = WriteVarint(output, at, (uint)_rows);
                output[at++] = (byte)_columns;
                at = WriteVarint(output, at, StartInUnit());
                at = WriteVarint(output, at, (uint)_period);
            }
            else if (column < 0)
            {
                if (HasQuality()) output[at++] = (byte)(_firstQuality | (_qualityChanges ? QualityChanges : 0));
            }
            else
            {
                if (HasDescriptors()) at = WriteVarint(output, at, Descriptor(column));
                else if (column == 0) at = WriteVarint(output, at, (uint)Id(0));
            }

            bool hasLength = column < _columns - 1 && IsWritten(part);
            return hasLength ? WriteVarint(output, at, (uint)StreamBytes(StreamOfPart(part))) : at;
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

            for (int stream = FirstColumn; stream < _state.Length; stream += _streamWords)
            {
                if (KindOf(stream) == KindReal) EndRealRun(stream, lastRow);
                else EndRun(stream, lastRow);
                EndStream(stream);
                JudgeBlock(stream);
            }
        }

        private int Flags()
        {
            int flags = (_form & FormLevels) != 0 ? LevelVersion : FormatVersion;
            if (!_isRegular) flags |= FlagIrregular;
            if (HasQuality()) flags |= FlagQuality;
            if (_isInSeconds) flags |= FlagStepsInSeconds;
            if (StartIsWhole()) flags |= FlagStartInSeconds;
            if (HasDescriptors()) flags |= FlagDescriptors;
            return flags;
        }

        private bool HasDescriptors()
        {
            return _form != 0;
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

        private uint Descriptor(int column)
        {
            int before = column == 0 ? 0 : Id(column - 1);
            return (uint)(((Id(column) - before - 1) << 2) | KindOf(StreamOf(column)));
        }

        private int FramedBytes(int stream)
        {
            return VarintBytes((uint)StreamBytes(stream)) + StreamBytes(stream);
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
