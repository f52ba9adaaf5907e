namespace Telemetry.Device.Sampling
{
    /// <summary>
    /// Writes a batch piece by piece, in the order of its bytes (proto/telemetry/v1/batch.proto; WIRE.md, "Batch"): head, losses, blocks, trailer. A buffer
    /// takes it whole, or a small window one piece after the other; each member returns the index behind what it wrote.
    /// </summary>
    /// <remarks>Allocates nothing. Fields that are zero are not written: that is what a reader finds when they are missing.</remarks>
    public static class BatchWriter
    {
        /// <summary>The most bytes of a batch (WIRE.md, "Limits").</summary>
        public const int MaxBatchBytes = 262144;

        /// <summary>The most blocks of a batch.</summary>
        public const int MaxBlocks = 1024;

        /// <summary>The most entries of the loss ledger.</summary>
        public const int MaxLosses = 256;

        /// <summary>The most bytes of a head: epoch 5, seq 11, boot 6, profile 5; of the clock tag and length 2, wall 11, uptime 11, error 6, source 2.</summary>
        public const int MaxHeadBytes = 59;

        /// <summary>The most bytes of a loss: tag and length 2, signal 4, reason 2, count 11.</summary>
        public const int MaxLossBytes = 19;

        /// <summary>The most bytes in front of a block: tag 1, length 4.</summary>
        public const int MaxBlockHeadBytes = 5;

        /// <summary>Bytes of the trailer: tag 1, value 4.</summary>
        public const int TrailerBytes = 5;

        /// <summary>Bytes that <see cref="WriteHead"/> writes for the same arguments.</summary>
        public static int HeadBytes(ulong seq, uint boot, ulong wallUnixMs, ulong uptimeMs, uint errorMs, int clockSource)
        {
            return 5 + FieldBytes(seq) + FieldBytes(boot) + 5 + 2 + ClockBytes(wallUnixMs, uptimeMs, errorMs, clockSource);
        }

        /// <summary>Bytes that <see cref="WriteLoss"/> writes for the same arguments.</summary>
        public static int LossBytes(int signal, byte reason, ulong samples)
        {
            return 2 + FieldBytes((uint)signal) + FieldBytes(reason) + FieldBytes(samples);
        }

        /// <summary>Bytes of a block and what stands in front of it.</summary>
        public static int FramedBytes(int blockBytes)
        {
            return 1 + VarintBytes((uint)blockBytes) + blockBytes;
        }

        /// <summary>Writes what a batch begins with.</summary>
        /// <param name="buffer">Where to.</param>
        /// <param name="at">Index of the first byte.</param>
        /// <param name="epoch">The spool's epoch, not 0.</param>
        /// <param name="seq">From 1.</param>
        /// <param name="boot">From 1.</param>
        /// <param name="profile">Profile hash, not 0.</param>
        /// <param name="wallUnixMs">Wall clock now, 0 = unknown (then <paramref name="clockSource"/> is 0).</param>
        /// <param name="uptimeMs">Monotonic clock at the same instant.</param>
        /// <param name="errorMs">Bound of the wall clock's error; 0xFFFFFFFF = unknown.</param>
        /// <param name="clockSource">telemetry.v1.ClockSource, 0..5.</param>
        public static int WriteHead(
            byte[] buffer, int at, uint epoch, ulong seq, uint boot, uint profile, ulong wallUnixMs, ulong uptimeMs, uint errorMs, int clockSource)
        {
            at = WriteFixed32(buffer, at, 0x0D, epoch);
            at = WriteField(buffer, at, 2, seq);
            at = WriteField(buffer, at, 3, boot);
            at = WriteFixed32(buffer, at, 0x25, profile);
            buffer[at++] = 0x2A; // field 5, length-delimited
            buffer[at++] = (byte)ClockBytes(wallUnixMs, uptimeMs, errorMs, clockSource);
            at = WriteField(buffer, at, 1, wallUnixMs);
            at = WriteField(buffer, at, 2, uptimeMs);
            at = WriteField(buffer, at, 3, errorMs);
            return WriteField(buffer, at, 4, (uint)clockSource);
        }

        /// <summary>Writes a loss; all of them stand between head and blocks, at most <see cref="MaxLosses"/>.</summary>
        /// <param name="buffer">Where to.</param>
        /// <param name="at">Index of the first byte.</param>
        /// <param name="signal">Id of the signal; 0 = not known.</param>
        /// <param name="reason">telemetry.v1.LossReason.</param>
        /// <param name="samples">Samples lost.</param>
        public static int WriteLoss(byte[] buffer, int at, int signal, byte reason, ulong samples)
        {
            buffer[at++] = 0x32; // field 6, length-delimited
            buffer[at++] = (byte)(LossBytes(signal, reason, samples) - 2);
            at = WriteField(buffer, at, 1, (uint)signal);
            at = WriteField(buffer, at, 2, reason);
            return WriteField(buffer, at, 3, samples);
        }

        /// <summary>Writes what stands in front of a block of <paramref name="blockBytes"/>; at most <see cref="MaxBlocks"/> blocks.</summary>
        public static int WriteBlockHead(byte[] buffer, int at, int blockBytes)
        {
            buffer[at++] = 0x3A; // field 7, length-delimited
            return WriteVarint(buffer, at, (uint)blockBytes);
        }

        /// <summary>Moves the encoder's block into the batch. An encoder without rows adds nothing.</summary>
        /// <exception cref="System.ArgumentException">The buffer ends before the block. The encoder keeps it.</exception>
        public static int WriteBlock(byte[] buffer, int at, BlockEncoder encoder)
        {
            int bytes = encoder.Complete();
            if (bytes == 0) return at;
            if (FramedBytes(bytes) > buffer.Length - at) throw new System.ArgumentException("A block is longer than what is left of the buffer.");
            at = WriteBlockHead(buffer, at, bytes);
            return at + encoder.Finish(buffer, at, bytes);
        }

        /// <summary>Writes the end of a batch whose bytes before it have this CRC-32C.</summary>
        public static int WriteTrailer(byte[] buffer, int at, uint crc)
        {
            return WriteFixed32(buffer, at, 0x7D, crc); // field 15
        }

        private static int ClockBytes(ulong wallUnixMs, ulong uptimeMs, uint errorMs, int clockSource)
        {
            return FieldBytes(wallUnixMs) + FieldBytes(uptimeMs) + FieldBytes(errorMs) + FieldBytes((uint)clockSource);
        }

        private static int FieldBytes(ulong value)
        {
            return value == 0 ? 0 : 1 + VarintBytes(value);
        }

        private static int WriteField(byte[] buffer, int at, int field, ulong value)
        {
            if (value == 0) return at;
            buffer[at++] = (byte)(field << 3);
            return WriteVarint(buffer, at, value);
        }

        private static int WriteFixed32(byte[] buffer, int at, byte tag, uint value)
        {
            buffer[at++] = tag;
            Platform.LittleEndian.WriteU32(buffer, at, value);
            return at + 4;
        }

        private static int WriteVarint(byte[] buffer, int at, ulong value)
        {
            for (; value >= 0x80; value >>= 7) buffer[at++] = (byte)(value | 0x80);
            buffer[at++] = (byte)value;
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
