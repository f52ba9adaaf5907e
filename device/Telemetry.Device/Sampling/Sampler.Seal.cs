using Telemetry.Device.Spool;

namespace Telemetry.Device.Sampling
{
    // Sealing: room is made first, so that the batch tells what had to go; then the batch stands on flash before anything is forgotten.
    internal sealed partial class Sampler
    {
        // epoch 5 + seq 11 + boot 6 + profile 5 + clock 32 + crc 5
        private const int BatchFrameBytes = 64;
        private const int LossBytes = 19;
        private const int MostEntries = 255;

        private int[] _inWriter = null!;
        private int[] _inEventWriter = null!;
        private byte[] _buffer = null!;
        private byte[] _eventBuffer = null!;
        private BatchWriter _writer = null!;
        private BatchWriter _eventWriter = null!;
        private long _sealedBatches;
        private long _sealedBytes;

        /// <summary>Batches sealed since boot.</summary>
        public long SealedBatches
        {
            get { return _sealedBatches; }
        }

        /// <summary>Their bytes.</summary>
        public long SealedBytes
        {
            get { return _sealedBytes; }
        }

        /// <summary>The collector's limit for a batch in bytes; 0 = none. Events go alone and stay below any.</summary>
        public void LimitBatches(int bytes)
        {
            _writer.LimitTo(bytes);
        }

        private void MakeWriters(TelemetryOptions options)
        {
            _inWriter = new int[_profile.Count];

            // In front of each batch: the record header of the spool, an entry a signal, one a loss, one for what outlives a boot. Behind it: the record's CRC.
            int entries = _profile.Count + _ledger.Capacity + 1;
            int front = SpoolRing.RecordHeaderBytes + (SpoolRing.EntryBytes * (entries < MostEntries ? entries : MostEntries));
            int largest = LargestBlockBytes(1, BlockEncoder.LeastBufferBytes(1));
            for (int i = 0; i < _groups.Length; i++)
            {
                int bytes = LargestBlockBytes(_groups[i].Signals.Length, _groups[i].BufferBytes);
                if (bytes > largest) largest = bytes;
            }

            int room = options.BatchBytes;
            int least = BatchFrameBytes + (LossBytes * _ledger.Capacity) + largest;
            if (room < least) room = least;
            _buffer = new byte[front + room + SpoolRing.RecordTrailerBytes];
            _writer = new BatchWriter(_buffer, front, room, _ledger.Capacity);

            int eventSignals = 0;
            for (int i = 0; i < _profile.Count; i++)
            {
                if (_profile.KindAt(i) == SignalKind.Event) eventSignals++;
            }

            if (eventSignals == 0) return;
            _inEventWriter = new int[_profile.Count];
            int eventFront = SpoolRing.RecordHeaderBytes + (SpoolRing.EntryBytes * (eventSignals + 1));
            int eventRoom = BatchFrameBytes + LargestBlockBytes(1, BlockEncoder.LeastBufferBytes(1));
            _eventBuffer = new byte[eventFront + eventRoom + SpoolRing.RecordTrailerBytes];
            _eventWriter = new BatchWriter(_eventBuffer, eventFront, eventRoom, 0);
        }

        // The packed streams fill the encoder's buffer at most. Around them: tag and length 6, the block's head 23 and its quality byte;
        // a descriptor and a length a column, and of the timeline and quality streams.
        private static int LargestBlockBytes(int columns, int bufferBytes)
        {
            return 30 + bufferBytes + (7 * columns) + 6;
        }

        private void CloseBlock(BlockGroup group)
        {
            int rows = group.Encoder.RowCount;
            if (rows == 0) return;
            Append(group.Encoder);
            for (int column = 0; column < group.Signals.Length; column++) _inWriter[group.Signals[column]] += rows;
        }

        private void Append(BlockEncoder encoder)
        {
            if (_writer.TryAppendBlock(encoder)) return;
            SealBulk();
            _writer.TryAppendBlock(encoder); // the buffer holds the largest block
        }

        private DeviceStatus SealBulk()
        {
            return Seal(_writer, _buffer, _inWriter, false);
        }

        private DeviceStatus SealEventWriter()
        {
            return Seal(_eventWriter, _eventBuffer, _inEventWriter, true);
        }

        private DeviceStatus Seal(BatchWriter writer, byte[] buffer, int[] samples, bool isEvent)
        {
            int signals = 0;
            for (int i = 0; i < samples.Length; i++)
            {
                if (samples[i] > 0) signals++;
            }

            int most = BatchFrameBytes + writer.BlockBytes + (isEvent ? 0 : LossBytes * _ledger.Capacity);
            DeviceStatus status = _spool.Reserve(isEvent, most, signals + 1 + (isEvent ? 0 : _ledger.Capacity));
            if (status == DeviceStatus.Ok) status = Store(writer, buffer, samples, signals, isEvent);
            for (int i = 0; i < samples.Length; i++)
            {
                if (status != DeviceStatus.Ok) Lose(i, status == DeviceStatus.TooLarge ? LossReason.TooLarge : LossReason.SpoolDamaged, samples[i]);
                else _open -= samples[i];
                samples[i] = 0;
            }

            writer.Reset();
            return status;
        }

        private DeviceStatus Store(BatchWriter writer, byte[] buffer, int[] samples, int signals, bool isEvent)
        {
            int states = _session != 0 || _clock.RatePpb != 0 ? 1 : 0;
            int told = isEvent ? 0 : _ledger.Entries;
            if (told > MostEntries - signals - states) told = MostEntries - signals - states; // the others wait for the next batch
            _clock.Read(out long uptimeMs, out long wallUnixMs, out uint errorMs, out int source);
            int count = writer.Seal(
                _spool.Epoch, (ulong)_spool.NextSeq, _spool.Boot, _profile.Hash, (ulong)wallUnixMs, (ulong)uptimeMs, errorMs, source,
                _ledger.Signals, _ledger.Reasons, _ledger.Counts, told);
            int offset = writer.SealedOffset;
            int entries = signals + told + states;
            int entry = 0;
            if (states > 0) SpoolRing.PutEntry(buffer, offset, entries, entry++, _session, SpoolRing.StateReason, (uint)_clock.RatePpb);
            for (int i = 0; i < samples.Length; i++)
            {
                if (samples[i] > 0) SpoolRing.PutEntry(buffer, offset, entries, entry++, _profile.IdAt(i), 0, (uint)samples[i]);
            }

            for (int i = 0; i < told; i++)
            {
                uint lost = _ledger.Counts[i] > uint.MaxValue ? uint.MaxValue : (uint)_ledger.Counts[i];
                SpoolRing.PutEntry(buffer, offset, entries, entry++, _ledger.Signals[i], _ledger.Reasons[i], lost);
            }

            DeviceStatus status = _spool.Append(isEvent, buffer, offset, count, entries);
            if (status != DeviceStatus.Ok) return status;
            _ledger.RemoveFirst(told);
            _sealedBatches++;
            _sealedBytes += count;
            return status;
        }
    }
}
