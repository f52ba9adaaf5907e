using Telemetry.Device.Spool;

namespace Telemetry.Device.Sampling
{
    // The batch under way as the bytes of its record, entries first, read through the spool's window: nothing holds it whole. Every stage writes item by item
    // and says no when the next one has no room in the window; the stage and the item are then where the next Read goes on.
    internal sealed partial class Sampler : IRecordSource
    {
        private enum Stage : byte
        {
            StateEntry,
            GroupEntries,
            AsideEntries,
            LossEntries,
            BatchHead, // from here on the batch's own CRC counts
            BatchLosses,
            GroupBlocks,
            AsideBlocks,
            BatchTrailer,
            BatchEnd,
        }

        private Stage _stage;
        private int _item; // a group, an index in the profile, an entry of the ledger
        private int _itemPart; // of a group its column; of a signal aside 1 once its samples are being packed
        private int _blockLeft; // bytes of the block that is being written
        private uint _batchCrc;

        void IRecordSource.Rewind()
        {
            Enter(Stage.StateEntry, 0);
            _batchCrc = 0;
        }

        int IRecordSource.Read(byte[] buffer, int offset, int count)
        {
            int at = offset;
            while (_stage != Stage.BatchEnd)
            {
                int from = at;
                bool counts = _stage >= Stage.BatchHead && _stage < Stage.BatchTrailer;
                if (!TryWriteItem(buffer, ref at, offset + count)) break;
                if (counts) _batchCrc = Crc32c.Update(_batchCrc, buffer, from, at - from);
            }

            return at - offset;
        }

        private bool TryWriteItem(byte[] buffer, ref int at, int end)
        {
            switch (_stage)
            {
                case Stage.StateEntry:
                    if (end - at < SpoolRing.EntryBytes) return false;
                    if (HasState) at = SpoolRing.WriteEntry(buffer, at, _session, SpoolRing.StateReason, KeptLimit, (uint)_clock.RatePpb);
                    return Enter(Stage.GroupEntries, _firstGroup);
                case Stage.GroupEntries:
                    return _item == _endGroup ? Enter(Stage.AsideEntries, _firstAside) : TryWriteGroupEntry(buffer, ref at, end);
                case Stage.AsideEntries:
                    return _item == _endAside ? Enter(Stage.LossEntries, 0) : TryWriteAsideEntry(buffer, ref at, end);
                case Stage.LossEntries:
                    if (_item == _told) return Enter(Stage.BatchHead, 0);
                    if (end - at < SpoolRing.EntryBytes) return false;
                    at = SpoolRing.WriteLossEntry(buffer, at, _ledger, _item++);
                    return true;
                case Stage.BatchHead:
                    if (end - at < BatchWriter.MaxHeadBytes) return false;
                    _clock.ReadAt(_sealedAtMs, out long wallUnixMs, out uint errorMs, out int source);
                    at = BatchWriter.WriteHead(
                        buffer, at, _spool.Epoch, (ulong)_spool.NextSeq, _spool.Boot, _profile.Hash, (ulong)wallUnixMs, (ulong)_sealedAtMs, errorMs, source);
                    return Enter(Stage.BatchLosses, 0);
                case Stage.BatchLosses:
                    if (_item == _told) return Enter(Stage.GroupBlocks, _firstGroup);
                    if (end - at < BatchWriter.MaxLossBytes) return false;
                    at = BatchWriter.WriteLoss(buffer, at, _ledger.Signal(_item), _ledger.Reason(_item), (ulong)_ledger.Samples(_item));
                    _item++;
                    return true;
                case Stage.GroupBlocks:
                    return _item == _endGroup ? Enter(Stage.AsideBlocks, _firstAside) : TryWriteGroup(buffer, ref at, end);
                case Stage.AsideBlocks:
                    return _item == _endAside ? Enter(Stage.BatchTrailer, 0) : TryWriteAside(buffer, ref at, end);
                default:
                    if (end - at < BatchWriter.TrailerBytes) return false;
                    at = BatchWriter.WriteTrailer(buffer, at, _batchCrc);
                    return Enter(Stage.BatchEnd, 0);
            }
        }

        private bool Enter(Stage stage, int item)
        {
            _stage = stage;
            _item = item;
            _itemPart = 0;
            _blockLeft = 0;
            return true;
        }

        private bool GoOn()
        {
            return Enter(_stage, _item + 1);
        }

        private bool TryWriteGroupEntry(byte[] buffer, ref int at, int end)
        {
            BlockGroup group = _groups[_item];
            int rows = group.RowCount;
            if (rows == 0 || _itemPart == group.ColumnCount) return GoOn();
            if (end - at < SpoolRing.EntryBytes) return false;
            int run = group.RunFrom(_itemPart);
            at = SpoolRing.WriteEntry(buffer, at, _profile.IdAt(group.SignalAt(_itemPart)), 0, run - 1, (uint)rows);
            _itemPart += run;
            return true;
        }

        private bool TryWriteAsideEntry(byte[] buffer, ref int at, int end)
        {
            if (end - at < SpoolRing.EntryBytes) return false;
            int samples = IsEvent(_item) == _sealsEvents ? CountAside(_item) : 0;
            if (samples > 0) at = SpoolRing.WriteEntry(buffer, at, _profile.IdAt(_item), 0, 0, (uint)samples);
            return GoOn();
        }

        private bool TryWriteGroup(byte[] buffer, ref int at, int end)
        {
            BlockEncoder encoder = _groups[_item];
            if (encoder.RowCount == 0) return GoOn();
            if (_blockLeft == 0) return TryBeginBlock(encoder, buffer, ref at, end);
            return TryReadBlock(encoder, buffer, ref at, end) && (_blockLeft > 0 || GoOn());
        }

        private bool TryWriteAside(byte[] buffer, ref int at, int end)
        {
            if (IsEvent(_item) != _sealsEvents) return GoOn();
            if (_blockLeft == 0)
            {
                if (end - at < BatchWriter.MaxBlockHeadBytes) return false;
                if (_itemPart == 0) BeginAside(_item);
                _itemPart = 1;
                return PackAside(_item) == 0 ? GoOn() : TryBeginBlock(_sideEncoder, buffer, ref at, end);
            }

            if (!TryReadBlock(_sideEncoder, buffer, ref at, end)) return false;
            if (_blockLeft == 0) _sideEncoder.Reset();
            return true;
        }

        private bool TryBeginBlock(BlockEncoder encoder, byte[] buffer, ref int at, int end)
        {
            if (end - at < BatchWriter.MaxBlockHeadBytes) return false;
            _blockLeft = encoder.Complete();
            encoder.Rewind();
            at = BatchWriter.WriteBlockHead(buffer, at, _blockLeft);
            return true;
        }

        private bool TryReadBlock(BlockEncoder encoder, byte[] buffer, ref int at, int end)
        {
            int read = encoder.Read(buffer, at, end - at);
            at += read;
            _blockLeft -= read;
            return read > 0;
        }
    }
}
