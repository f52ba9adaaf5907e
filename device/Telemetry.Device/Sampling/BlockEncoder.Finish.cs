namespace Telemetry.Device.Sampling
{
    // Closing a block: pending runs are written, then header and columns are laid end to end.
    public sealed partial class BlockEncoder
    {
        private bool _isComplete;

        /// <summary>Closes the open block; only <see cref="Finish"/> and <see cref="Reset"/> may follow. May be called again.</summary>
        /// <returns>The exact bytes <see cref="Finish"/> will write; 0 when the block has no rows.</returns>
        public int Complete()
        {
            if (_rows == 0) return 0;
            if (!_isComplete)
            {
                for (int stream = 0; stream < _streamBytes.Length; stream++)
                {
                    if (_run[stream] > 0) PutGamma(stream, (uint)_run[stream] + 1);
                    AlignStream(stream);
                }

                _isComplete = true;
            }

            int bytes = 1 + VarintBytes((uint)_rows) + VarintBytes((uint)_columns) + VarintBytes((ulong)_startMs);
            if (_isRegular) bytes += VarintBytes((uint)_intervalMs);
            else bytes += VarintBytes((uint)_streamBytes[TimeStream]) + _streamBytes[TimeStream];
            if (_hasQuality) bytes += 1 + VarintBytes((uint)_streamBytes[QualityStream]) + _streamBytes[QualityStream];
            int before = 0;
            for (int column = 0; column < _columns; column++)
            {
                int length = _streamBytes[column + FirstColumnStream];
                bytes += VarintBytes(Descriptor(column, before)) + VarintBytes((uint)length) + length;
                before = _signals[column];
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
            output[at++] = (byte)(FormatVersion | (_isRegular ? FlagRegular : 0) | (_hasQuality ? FlagQuality : 0));
            at = WriteVarint(output, at, (uint)_rows);
            at = WriteVarint(output, at, (uint)_columns);
            at = WriteVarint(output, at, (ulong)_startMs);
            if (_isRegular) at = WriteVarint(output, at, (uint)_intervalMs);
            else at = WriteStream(output, at, TimeStream);
            if (_hasQuality)
            {
                output[at++] = (byte)_firstQuality;
                at = WriteStream(output, at, QualityStream);
            }

            int before = 0;
            for (int column = 0; column < _columns; column++)
            {
                at = WriteVarint(output, at, Descriptor(column, before));
                at = WriteStream(output, at, column + FirstColumnStream);
                before = _signals[column];
            }

            Reset();
            return at - offset;
        }

        private uint Descriptor(int column, int signalBefore)
        {
            return ((uint)(_signals[column] - signalBefore) << 2) | _kinds[column];
        }

        private int WriteStream(byte[] output, int at, int stream)
        {
            return CopyStream(stream, output, WriteVarint(output, at, (uint)_streamBytes[stream]));
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
