using Telemetry.Device.Spool;

namespace Telemetry.Device.Sampling
{
    // Sealing: what goes into a batch is chosen and counted, room is made, so that the batch tells what had to go; then it streams from the pool to flash
    // (Sampler.Stream.cs), and only when it stands there is anything forgotten. The pool is empty afterwards.
    internal sealed partial class Sampler
    {
        private const int MostEntries = 255;

        // The batch under way: blocks of some groups, of some signals aside (a range of indices), and losses.
        private bool _sealsEvents;
        private int _firstGroup;
        private int _endGroup;
        private int _firstAside;
        private int _endAside;
        private int _blockBytes;
        private int _sampleEntries;
        private int _told;
        private long _sealedAtMs;

        private int _mostBatchBytes;
        private int _sealedBatches;
        private long _sealedBytes;

        /// <summary>Batches sealed since boot.</summary>
        public int SealedBatches
        {
            get { return _sealedBatches; }
        }

        /// <summary>Their bytes.</summary>
        public long SealedBytes
        {
            get { return _sealedBytes; }
        }

        /// <summary>What a batch may take at most, in bytes; 0 = no limit. Because a block cannot be split, none gets longer: the pool ends before. A limit that
        /// the costliest row of a group would not keep does not hold for single blocks; for eight integers 325 bytes are enough, for eight reals 389. What is
        /// open was begun under another limit, and is sealed.</summary>
        public void LimitBatches(int bytes)
        {
            _mostBatchBytes = bytes;
            int chunks = bytes == 0 ? int.MaxValue : ChunksWithin(bytes);
            if (_open > 0 && chunks < _pool.Capacity) SealOpen();
            _pool.Limit(chunks);
        }

        // Chunks that a block may take in a batch of so many bytes.
        private int ChunksWithin(int bytes)
        {
            int columns = 1;
            int least = SideChunks + MostAsideChunks;
            for (int i = 0; i < _groups.Length; i++)
            {
                if (_groups[i].ColumnCount > columns) columns = _groups[i].ColumnCount;
                if (_groups[i].LeastChunks > least) least = _groups[i].LeastChunks;
            }

            int chunks = (bytes - LeastFrameBytes - BatchWriter.MaxBlockHeadBytes - BlockEncoder.HeadBytes(columns)) / BlockPool.ChunkBytes;
            return chunks > least ? chunks : least;
        }

        private DeviceStatus SealOpen()
        {
            for (int i = 0; i < _groups.Length; i++) _groups[i].Complete();
            _endGroup = 0;
            DeviceStatus status = SealBatches(false);
            ForgetAside(false);
            return status;
        }

        // Events become batches of their own, which overtake the backlog.
        private void SealEvents()
        {
            if (_pool.FreeChunks < SideChunks) SealOpen();
            _endGroup = _groups.Length;
            SealBatches(true);
            ForgetAside(true);
        }

        // One batch, or several where one would be longer than a limit, or the pool too full to pack what is aside.
        private DeviceStatus SealBatches(bool events)
        {
            DeviceStatus status = DeviceStatus.Ok;
            _sealsEvents = events;
            _endAside = _pool.AsideBytes == 0 ? _profile.Count : 0;
            do
            {
                ChooseBlocks();
                if (_blockBytes > 0 || (!events && _ledger.Entries > 0))
                {
                    DeviceStatus stored = MakeRoomAndStore();
                    if (stored != DeviceStatus.Ok) status = stored;
                    Settle(stored);
                }

                if (!events && _endGroup == _groups.Length) ResetGroups();
            }
            while (_endGroup < _groups.Length || _endAside < _profile.Count);
            return status;
        }

        // As many blocks as a batch and the record around it take, and one at least.
        private void ChooseBlocks()
        {
            _firstGroup = _endGroup;
            _firstAside = _endAside;
            _blockBytes = 0;
            _sampleEntries = 0;
            for (; _endGroup < _groups.Length; _endGroup++)
            {
                if (!Takes(BytesOf(_groups[_endGroup]), EntriesOf(_groups[_endGroup]))) return;
            }

            // Groups that stand in this batch hold their chunks until it is written.
            if (_pool.FreeChunks < SideChunks) return;
            for (; _endAside < _profile.Count; _endAside++)
            {
                if (IsEvent(_endAside) == _sealsEvents && !Takes(BlockBytesAside(_endAside), 1)) return;
            }
        }

        private bool Takes(int bytes, int entries)
        {
            if (bytes == 0) return true;
            int most = _spool.Ring(_sealsEvents).MaxPayloadBytes(_sampleEntries + entries + 1 + Losses) - FrameBytes;
            if (_mostBatchBytes > 0 && _mostBatchBytes - LeastFrameBytes < most) most = _mostBatchBytes - LeastFrameBytes;
            bool fits = _blockBytes + bytes <= most && _sampleEntries + entries < MostEntries;
            if (!fits && _blockBytes > 0) return false;
            _blockBytes += bytes;
            _sampleEntries += entries;
            return true;
        }

        private static int BytesOf(BlockGroup group)
        {
            return group.RowCount == 0 ? 0 : BatchWriter.FramedBytes(group.Complete());
        }

        private static int EntriesOf(BlockGroup group)
        {
            int entries = 0;
            for (int column = 0; column < group.ColumnCount; column += group.RunFrom(column)) entries++;
            return entries;
        }

        // What stands around them at least: losses beyond the first wait where a batch has no room for them.
        private const int LeastFrameBytes = BatchWriter.MaxHeadBytes + BatchWriter.MaxLossBytes + BatchWriter.TrailerBytes;

        // Losses that a batch tells at most.
        private int Losses
        {
            get { return _sealsEvents ? 0 : _ledger.Capacity; }
        }

        // What stands around the blocks at most.
        private int FrameBytes
        {
            get { return BatchWriter.MaxHeadBytes + (BatchWriter.MaxLossBytes * Losses) + BatchWriter.TrailerBytes; }
        }

        private bool HasState
        {
            get { return _session != 0 || _clock.RatePpb != 0 || KeptLimit != 0; }
        }

        // The limit as it outlives a boot, because much may be sealed before the next connection: one that no pool reaches does not.
        private int KeptLimit
        {
            get
            {
                if (_mostBatchBytes == 0 || _mostBatchBytes > SpoolRing.LimitUnit * SpoolRing.MostLimitUnits) return 0;
                return _mostBatchBytes < SpoolRing.LimitUnit ? 1 : _mostBatchBytes / SpoolRing.LimitUnit;
            }
        }

        private DeviceStatus MakeRoomAndStore()
        {
            DeviceStatus status = _spool.Reserve(_sealsEvents, FrameBytes + _blockBytes, _sampleEntries + 1 + Losses);
            if (status != DeviceStatus.Ok) return status;
            int entries = _sampleEntries + (HasState ? 1 : 0);
            _sealedAtMs = _clock.UptimeMs;
            _clock.ReadAt(_sealedAtMs, out long wallUnixMs, out uint errorMs, out int source);
            int bytes = BatchWriter.HeadBytes((ulong)_spool.NextSeq, _spool.Boot, (ulong)wallUnixMs, (ulong)_sealedAtMs, errorMs, source);
            bytes += _blockBytes + BatchWriter.TrailerBytes;
            int most = _mostBatchBytes == 0 ? int.MaxValue : _mostBatchBytes;
            int losses = _sealsEvents ? 0 : _ledger.Entries;
            for (_told = 0; _told < losses && _told < MostEntries - entries; _told++)
            {
                int lossBytes = BatchWriter.LossBytes(_ledger.Signal(_told), _ledger.Reason(_told), (ulong)_ledger.Samples(_told));
                if (_told > 0 && lossBytes > most - bytes) break; // the others wait for the next batch
                bytes += lossBytes;
            }

            status = _spool.Append(_sealsEvents, this, entries + _told, bytes);
            if (status != DeviceStatus.Ok) return status;
            _ledger.RemoveFirst(_told);
            _sealedBatches++;
            _sealedBytes += bytes;
            return status;
        }

        // What the batch held is not open any more: spooled, or lost.
        private void Settle(DeviceStatus stored)
        {
            _sideEncoder.Reset(); // a write that failed left it half read
            LossReason reason = stored == DeviceStatus.Ok ? Kept : stored == DeviceStatus.TooLarge ? LossReason.TooLarge : LossReason.SpoolDamaged;
            for (int i = _firstGroup; i < _endGroup; i++)
            {
                if (reason == Kept) _open -= (long)_groups[i].ColumnCount * _groups[i].RowCount;
                else LoseRows(_groups[i], reason);
            }

            for (AsideReader sample = ReadAside(0); sample.Next();)
            {
                if (sample.Index < _firstAside || sample.Index >= _endAside || IsEvent(sample.Index) != _sealsEvents) continue;
                if (reason == Kept) _open--;
                else Lose(sample.Index, reason, 1);
            }
        }

        private void ResetGroups()
        {
            for (int i = 0; i < _groups.Length; i++) _groups[i].Reset();
        }
    }
}
