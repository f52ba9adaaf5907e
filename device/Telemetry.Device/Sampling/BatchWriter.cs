namespace Telemetry.Device.Sampling
{
    /// <summary>
    /// Seals blocks into a batch (proto/telemetry/v1/batch.proto; WIRE.md, "Batch") inside one buffer of the caller.
    /// Blocks are appended while the batch is open; the header, known only at sealing, is then written backwards from the first block.
    /// </summary>
    /// <remarks>Allocates in the constructor only. Not thread-safe: one owner.</remarks>
    public sealed class BatchWriter
    {
        /// <summary>The most bytes of a batch (WIRE.md, "Limits").</summary>
        public const int MaxBatchBytes = 262144;

        /// <summary>The most blocks of a batch.</summary>
        public const int MaxBlocks = 1024;

        /// <summary>The most entries of the loss ledger.</summary>
        public const int MaxLosses = 256;

        // epoch 5 + seq 11 + boot 6 + profile 5 + clock: tag and length 2, wall 11, uptime 11, error 6, source 2
        private const int FixedHeaderBytes = 59;

        // tag and length 2, signal 4, reason 2, count 11
        private const int LossBytes = 19;

        // tag 1, value 4
        private const int TrailerBytes = 5;

        private readonly byte[] _buffer;
        private readonly int _end;
        private readonly int _blocksAt;
        private readonly int _maxLosses;
        private int _at;
        private int _blocks;
        private int _front;
        private int _mostBlockBytes = MaxBatchBytes;

        /// <summary>A writer that seals batches of at most <paramref name="count"/> bytes.</summary>
        /// <param name="buffer">The caller's; the writer keeps it.</param>
        /// <param name="offset">Where the writer's part begins.</param>
        /// <param name="count">Bytes of its part, at most <see cref="MaxBatchBytes"/>.</param>
        /// <param name="maxLosses">Loss entries to keep room for, 0..256 (19 bytes each).</param>
        public BatchWriter(byte[] buffer, int offset, int count, int maxLosses)
        {
            if (maxLosses < 0 || maxLosses > MaxLosses) throw new System.ArgumentException("BatchWriter takes maxLosses of 0-256.");
            if (count > MaxBatchBytes) count = MaxBatchBytes;
            _buffer = buffer;
            _end = offset + count - TrailerBytes;
            _blocksAt = offset + FixedHeaderBytes + (maxLosses * LossBytes);
            _maxLosses = maxLosses;
            if (_end < _blocksAt) throw new System.ArgumentException("BatchWriter needs 64 bytes and 19 for each loss entry.");
            Reset();
        }

        /// <summary>Blocks in the open batch.</summary>
        public int BlockCount
        {
            get { return _blocks; }
        }

        /// <summary>Bytes of the blocks in the open batch, their tags and lengths included.</summary>
        public int BlockBytes
        {
            get { return _at - _blocksAt; }
        }

        /// <summary>Bytes that are left for blocks.</summary>
        public int FreeBytes
        {
            get { return _end - _at; }
        }

        /// <summary>Where the sealed batch begins in the buffer.</summary>
        public int SealedOffset
        {
            get { return _front; }
        }

        /// <summary>Seals batches earlier: of several blocks none is longer than this, with all loss entries in it. One block alone is taken whatever its
        /// length, because blocks are not split.</summary>
        /// <param name="bytes">Of a batch; 0 = the buffer is the limit.</param>
        public void LimitTo(int bytes)
        {
            _mostBlockBytes = bytes <= 0 ? MaxBatchBytes : bytes - FixedHeaderBytes - (_maxLosses * LossBytes) - TrailerBytes;
        }

        /// <summary>Drops the open batch and begins a new one.</summary>
        public void Reset()
        {
            _at = _blocksAt;
            _front = _blocksAt;
            _blocks = 0;
        }

        /// <summary>Completes the encoder's open block and moves it into the batch. An encoder without rows adds nothing.</summary>
        /// <returns>False when it does not fit: seal, reset and append again. The encoder keeps its block.</returns>
        public bool TryAppendBlock(BlockEncoder encoder)
        {
            int bytes = encoder.Complete();
            if (bytes == 0) return true;
            int framed = 1 + VarintBytes((uint)bytes) + bytes;
            if (framed > FreeBytes || _blocks >= MaxBlocks || (_blocks > 0 && BlockBytes + framed > _mostBlockBytes)) return false;
            _buffer[_at] = 0x3A; // field 7, length-delimited
            int at = WriteVarint(_at + 1, (uint)bytes);
            at += encoder.Finish(_buffer, at, bytes);
            _at = at;
            _blocks++;
            return true;
        }

        /// <summary>Seals the batch. It stands at <see cref="SealedOffset"/> until <see cref="Reset"/>.</summary>
        /// <param name="epoch">The spool's epoch, not 0.</param>
        /// <param name="seq">From 1.</param>
        /// <param name="boot">From 1.</param>
        /// <param name="profile">Profile hash, not 0.</param>
        /// <param name="wallUnixMs">Wall clock now, 0 = unknown (then <paramref name="clockSource"/> is 0).</param>
        /// <param name="uptimeMs">Monotonic clock at the same instant.</param>
        /// <param name="errorMs">Bound of the wall clock's error; 0xFFFFFFFF = unknown.</param>
        /// <param name="clockSource">telemetry.v1.ClockSource, 0..5.</param>
        /// <param name="lossSignals">Signal of each loss entry; may be null when <paramref name="lossCount"/> is 0.</param>
        /// <param name="lossReasons">telemetry.v1.LossReason of each entry.</param>
        /// <param name="lossSamples">Samples of each entry.</param>
        /// <param name="lossCount">Entries, at most the constructor's maxLosses; more are not written.</param>
        /// <returns>Length of the sealed batch in bytes.</returns>
        public int Seal(
            uint epoch, ulong seq, uint boot, uint profile, ulong wallUnixMs, ulong uptimeMs, uint errorMs, int clockSource,
            int[] lossSignals, byte[] lossReasons, ulong[] lossSamples, int lossCount)
        {
            _front = _blocksAt;
            if (lossCount > _maxLosses) lossCount = _maxLosses;
            for (int i = lossCount - 1; i >= 0; i--)
            {
                int lossEnd = _front;
                PrependField(3, lossSamples[i]);
                PrependField(2, lossReasons[i]);
                PrependField(1, (uint)lossSignals[i]);
                PrependMessage(6, lossEnd);
            }

            int clockEnd = _front;
            PrependField(4, (uint)clockSource);
            PrependField(3, errorMs);
            PrependField(2, uptimeMs);
            PrependField(1, wallUnixMs);
            PrependMessage(5, clockEnd);
            PrependFixed32(0x25, profile);
            PrependField(3, boot);
            PrependField(2, seq);
            PrependFixed32(0x0D, epoch);

            uint crc = Crc32c.Update(0, _buffer, _front, _at - _front);
            _buffer[_at] = 0x7D; // field 15, fixed32
            StoreFixed32(_at + 1, crc);
            return _at + TrailerBytes - _front;
        }

        // Zero is not written: it is what a reader finds when the field is missing.
        private void PrependField(int field, ulong value)
        {
            if (value == 0) return;
            _front -= 1 + VarintBytes(value);
            _buffer[_front] = (byte)(field << 3);
            WriteVarint(_front + 1, value);
        }

        private void PrependMessage(int field, int end)
        {
            int length = end - _front;
            _front -= 2; // a clock or a loss is shorter than 128 bytes
            _buffer[_front] = (byte)((field << 3) | 2);
            _buffer[_front + 1] = (byte)length;
        }

        private void PrependFixed32(byte tag, uint value)
        {
            _front -= 5;
            _buffer[_front] = tag;
            StoreFixed32(_front + 1, value);
        }

        private void StoreFixed32(int at, uint value)
        {
            _buffer[at] = (byte)value;
            _buffer[at + 1] = (byte)(value >> 8);
            _buffer[at + 2] = (byte)(value >> 16);
            _buffer[at + 3] = (byte)(value >> 24);
        }

        private int WriteVarint(int at, ulong value)
        {
            for (; value >= 0x80; value >>= 7) _buffer[at++] = (byte)(value | 0x80);
            _buffer[at++] = (byte)value;
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
