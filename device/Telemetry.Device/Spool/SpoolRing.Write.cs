using Telemetry.Device.Platform;
using Telemetry.Device.Sampling;

namespace Telemetry.Device.Spool
{
    // Writing: a record passes from its source to flash through a window, its CRC running along. Flash gets whole multiples of 8 bytes, because some flash
    // programs such words; what is left of a piece waits for the next.
    internal sealed partial class SpoolRing : IRecordSource
    {
        private const int WindowBytes = 72; // what a source asks for, and 8 that wait
        private const int WindowAt = SectorHeaderBytes; // behind the header of a sector that is begun within a record
        private const int WordMask = 7;

        private int _waiting; // bytes in the window
        private int _left; // bytes of the record that are not on flash
        private int _told; // entries of the ledger that are read

        /// <summary>Writes an entry.</summary>
        /// <returns>Index behind it.</returns>
        public static int WriteEntry(byte[] buffer, int at, int signal, byte reason, int more, uint samples)
        {
            LittleEndian.WriteU16(buffer, at, signal);
            buffer[at + 2] = reason;
            buffer[at + 3] = (byte)more;
            LittleEndian.WriteU32(buffer, at + 4, samples);
            return at + EntryBytes;
        }

        /// <summary>Writes the entry of a loss.</summary>
        /// <returns>Index behind it.</returns>
        public static int WriteLossEntry(byte[] buffer, int at, LossLedger ledger, int entry)
        {
            long samples = ledger.Samples(entry);
            return WriteEntry(buffer, at, ledger.Signal(entry), ledger.Reason(entry), 0, samples > uint.MaxValue ? uint.MaxValue : (uint)samples);
        }

        // The ring's own record, of evictions: the ledger, and how far they have come.
        void IRecordSource.Rewind()
        {
            _told = 0;
        }

        int IRecordSource.Read(byte[] buffer, int offset, int count)
        {
            int at = offset;
            for (; _told < _ledger.Entries && offset + count - at >= EntryBytes; _told++) at = WriteLossEntry(buffer, at, _ledger, _told);
            if (_told != _ledger.Entries || offset + count - at < LedgerPayloadBytes) return at - offset;
            LittleEndian.WriteU32(buffer, at, (uint)_evictedThrough);
            _told++;
            return at + LedgerPayloadBytes - offset;
        }

        // Returns the record's position, negative when flash failed, and the samples in it.
        private long AppendRecord(byte kind, IRecordSource source, int entries, int count, long seq, out long samples)
        {
            uint crc = PutHeader(kind, source, entries, count, seq, out samples);
            _left = RecordBytes(count, entries);
            long at = BeginRun() ? Head : -1;
            if (at >= 0 && StreamRecord(source, EntryBytes * entries, count, crc) && _flash.Flush()) return at;
            Abandon();
            return -1;
        }

        // What stands in the newest sector's tail is not to be built upon: the next record begins a new sector.
        private void Abandon()
        {
            _isAbandoned = true;
            _checkedHead = Head;
        }

        // The flag keeps a torn record that ended just at its sector's end from seeming to go on here.
        private bool BeginRun()
        {
            if (_isAbandoned || _sector == 0) return Begin(0, AbandonedFlag);
            return _used < _sectorBytes || Begin(0, 0);
        }

        // Puts the header into the window. Its CRC counts the entries, which are read for it a first time.
        private uint PutHeader(byte kind, IRecordSource source, int entries, int count, long seq, out long samples)
        {
            byte[] b = _chunk;
            long held = _heldBatches == 0 ? 0 : seq - _heldFrom;
            b[WindowAt] = kind;
            b[WindowAt + 1] = (byte)entries;
            LittleEndian.WriteU16(b, WindowAt + 2, count);
            LittleEndian.WriteI64(b, WindowAt + 4, seq);
            LittleEndian.WriteU32(b, WindowAt + 12, held > uint.MaxValue ? uint.MaxValue : (uint)held);
            LittleEndian.WriteU32(b, WindowAt + 16, _boot);
            _waiting = RecordHeaderBytes;
            uint crc = Crc32c.Update(0, b, WindowAt, 20);
            samples = 0;
            source.Rewind();
            for (; entries > 0; entries--)
            {
                const int At = WindowAt + RecordHeaderBytes;
                source.Read(b, At, EntryBytes);
                crc = Crc32c.Update(crc, b, At, EntryBytes);
                if (b[At + 2] == 0) samples += SamplesOfEntry(At);
            }

            LittleEndian.WriteU32(b, WindowAt + 20, crc);
            return crc;
        }

        private bool StreamRecord(IRecordSource source, int entryBytes, int count, uint crc)
        {
            source.Rewind();
            while (entryBytes > 0)
            {
                int read = ReadInto(source, entryBytes);
                entryBytes -= read;
                if (read == 0 || !Spill(_waiting & ~WordMask)) return false;
            }

            while (count > 0)
            {
                int from = WindowAt + _waiting;
                int read = ReadInto(source, WindowBytes);
                crc = Crc32c.Update(crc, _chunk, from, read);
                count -= read;
                if (read == 0 || !Spill(_waiting & ~WordMask)) return false;
            }

            if (count < 0) return false; // not what was announced: a record with a wrong length must not stand
            LittleEndian.WriteU32(_chunk, WindowAt + _waiting, crc);
            for (_waiting += 4; _waiting < _left; _waiting++) _chunk[WindowAt + _waiting] = Erased;
            return Spill(_left);
        }

        private int ReadInto(IRecordSource source, int most)
        {
            int room = WindowBytes - _waiting;
            int read = source.Read(_chunk, WindowAt + _waiting, most < room ? most : room);
            _waiting += read;
            return read;
        }

        // Programs the first bytes of the window, page by page; the others move up.
        private bool Spill(int bytes)
        {
            int done = 0;
            while (done < bytes)
            {
                if (_used == _sectorBytes && !Begin(_left, 0)) return false;
                int page = _flash.PageBytes - (_used % _flash.PageBytes);
                int part = bytes - done < page ? bytes - done : page;
                if (!_flash.Program(AddressOf(_sector) + _used, _chunk, WindowAt + done, part)) return false;
                _used += part;
                _left -= part;
                done += part;
            }

            _waiting -= bytes;
            for (int i = 0; i < _waiting; i++) _chunk[WindowAt + i] = _chunk[WindowAt + bytes + i];
            return true;
        }

        // Begins the next sector, whose first bytes continue the record that is being written.
        private bool Begin(int continuedBytes, uint flags)
        {
            long next = _sector + 1;
            if (!_flash.Erase(_firstSector + (int)(next % _sectors)) || !_flash.Flush()) return false;

            byte[] header = _chunk;
            LittleEndian.WriteU32(header, 0, Magic);
            LittleEndian.WriteU32(header, 4, _epoch);
            LittleEndian.WriteU32(header, 8, (uint)next);
            LittleEndian.WriteI64(header, 12, _nextSeq);
            LittleEndian.WriteU32(header, 20, _boot);
            LittleEndian.WriteI64(header, 24, _heldBatches == 0 ? _nextSeq : _heldFrom);
            LittleEndian.WriteU32(header, 32, (uint)(SectorHeaderBytes + continuedBytes) | flags);
            LittleEndian.WriteU32(header, 36, Crc32c.Update(0, header, 0, 36));
            for (int at = 0; at < SectorHeaderBytes;)
            {
                int page = _flash.PageBytes - (at % _flash.PageBytes);
                int part = SectorHeaderBytes - at < page ? SectorHeaderBytes - at : page;
                if (!_flash.Program(AddressOf(next) + at, header, at, part)) return false;
                at += part;
            }

            if (!_flash.Flush()) return false;
            _sector = next;
            _used = SectorHeaderBytes;
            _isAbandoned = false;
            return true;
        }
    }
}
