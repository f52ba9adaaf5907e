using Telemetry.Device.Platform;
using Telemetry.Device.Sampling;

namespace Telemetry.Device.Spool
{
    // Reading: one record at a time is loaded into the fields below; flash holds the rest.
    internal sealed partial class SpoolRing
    {
        private readonly byte[] _chunk; // a header or a piece of a payload, and the window of a record; nothing in it outlives the member that read or wrote it
        private byte _kind;
        private byte _entries;
        private long _recordAt;
        private uint _recordHeld;
        private uint _recordBoot;
        private uint _recordCrc;
        private uint _headerFirstRecord;
        private bool _headerIsBreak;

        /// <summary>Sequence number of the loaded batch.</summary>
        public long RecordSeq { get; private set; }

        /// <summary>Payload bytes of the loaded batch.</summary>
        public int RecordPayloadBytes { get; private set; }

        /// <summary>Position behind the loaded record, where reading goes on.</summary>
        public long RecordEnd { get; private set; }

        /// <summary>Finds and loads the first held batch at or behind <paramref name="position"/>, which moves onto it.</summary>
        /// <returns>False when there is none.</returns>
        public bool TryLoad(ref long position)
        {
            if (position < _tail) position = _tail;
            while (position < Head)
            {
                if (LoadRecord(position))
                {
                    bool isBatch = _kind != KindLedger && RecordSeq >= _heldFrom;
                    if (isBatch && (position >= _checkedHead || HasSuccessor() || IsPayloadSound())) return true;
                    LoadRecord(position); // the checks above may have loaded another header
                    position = RecordEnd;
                }
                else
                {
                    position = Resume(position);
                }
            }

            return false;
        }

        /// <summary>Reads payload bytes of the record at <paramref name="position"/>, which must have been loaded by TryLoad before.</summary>
        public bool ReadPayload(long position, int entries, int at, byte[] buffer, int offset, int count)
        {
            return ReadLog(Advance(position, RecordHeaderBytes + (EntryBytes * entries) + at), buffer, offset, count);
        }

        /// <summary>Entries of the loaded record.</summary>
        public int RecordEntries
        {
            get { return _entries; }
        }

        /// <summary>Whether the loaded record's payload is what was written.</summary>
        public bool IsPayloadSound()
        {
            long at = Advance(_recordAt, RecordHeaderBytes + (EntryBytes * _entries));
            uint crc = _recordCrc;
            for (int left = RecordPayloadBytes; left > 0;)
            {
                int part = left < _chunk.Length ? left : _chunk.Length;
                if (!ReadLog(at, _chunk, 0, part)) return false;
                crc = Crc32c.Update(crc, _chunk, 0, part);
                at = Advance(at, part);
                left -= part;
            }

            return ReadLog(at, _chunk, 0, 4) && LittleEndian.ReadU32(_chunk, 0) == crc;
        }

        /// <summary>Frees the oldest batch, which stands at <see cref="Tail"/>: it is acked, or found damaged.</summary>
        /// <returns>Samples it held.</returns>
        public long FreeOldest()
        {
            long position = _tail;
            if (!TryLoad(ref position))
            {
                ForgetUnreadable();
                return 0;
            }

            long samples = SamplesOfRecord();
            _heldFrom = RecordSeq + 1;
            _tail = RecordEnd;
            _heldBatches--;
            _heldSamples -= samples;
            if (_heldBatches == 0) _tail = Head;
            else if (!TryLoad(ref _tail)) ForgetUnreadable();
            return samples;
        }

        /// <summary>Adds every sample of the loaded batch, which was held, to the ledger, and the losses it carries.</summary>
        /// <param name="reason">Why its samples are lost.</param>
        public void AddRecordToLedger(byte reason)
        {
            long at = Advance(_recordAt, RecordHeaderBytes);
            for (int i = 0; i < _entries; i++, at = Advance(at, EntryBytes))
            {
                if (!ReadLog(at, _chunk, 0, EntryBytes)) return;
                int signal = LittleEndian.ReadU16(_chunk, 0);
                uint samples = LittleEndian.ReadU32(_chunk, 4);
                for (int end = signal + 1 + _chunk[3]; signal < end; signal++)
                {
                    if (_chunk[2] == 0) _ledger.Add(signal, reason, samples);
                    else if (_chunk[2] != StateReason) _ledger.Restore(signal, _chunk[2], samples);
                }
            }
        }

        // Records that were counted at mount and cannot be found any more: flash forgot them while the device ran.
        private void ForgetUnreadable()
        {
            _ledger.Add(0, (byte)LossReason.SpoolDamaged, _heldSamples);
            _heldBatches = 0;
            _heldSamples = 0;
            _tail = Head;
        }

        // Of a batch those it holds, of a ledger those it tells.
        private long SamplesOfRecord()
        {
            long samples = 0;
            long at = Advance(_recordAt, RecordHeaderBytes);
            for (int i = 0; i < _entries; i++, at = Advance(at, EntryBytes))
            {
                if (ReadLog(at, _chunk, 0, EntryBytes) && (_chunk[2] == 0 || _kind == KindLedger)) samples += SamplesOfEntry(0);
            }

            return samples;
        }

        // Of the entry that stands in the chunk.
        private long SamplesOfEntry(int at)
        {
            return LittleEndian.ReadU32(_chunk, at + 4) * (1L + _chunk[at + 3]);
        }

        // Loads the record header at a position; false when there is none that passes its check.
        private bool LoadRecord(long position)
        {
            if (!ReadLog(position, _chunk, 0, RecordHeaderBytes)) return false;
            byte kind = _chunk[0];
            if (kind != KindBatch && kind != KindEventBatch && kind != KindLedger) return false;
            _kind = kind;
            _entries = _chunk[1];
            RecordPayloadBytes = LittleEndian.ReadU16(_chunk, 2);
            RecordSeq = LittleEndian.ReadI64(_chunk, 4);
            _recordHeld = LittleEndian.ReadU32(_chunk, 12);
            _recordBoot = LittleEndian.ReadU32(_chunk, 16);
            _recordAt = position;
            uint expected = LittleEndian.ReadU32(_chunk, 20);
            uint crc = Crc32c.Update(0, _chunk, 0, 20);
            long at = Advance(position, RecordHeaderBytes);
            for (int i = 0; i < _entries; i++, at = Advance(at, EntryBytes))
            {
                if (!ReadLog(at, _chunk, 0, EntryBytes)) return false;
                crc = Crc32c.Update(crc, _chunk, 0, EntryBytes);
            }

            if (crc != expected) return false;
            _recordCrc = crc;
            RecordEnd = BehindRecord(position, Advance(position, RecordBytes(RecordPayloadBytes, _entries)));
            return true;
        }

        // A record that was given up at a sector's end does not go on in the next one: that begins a run of its own, at its first record.
        private long BehindRecord(long position, long end)
        {
            for (long sector = (position / _sectorBytes) + 1; sector <= end / _sectorBytes && sector <= _sector; sector++)
            {
                if (LoadSector(sector) && _headerIsBreak) return (sector * _sectorBytes) + _headerFirstRecord;
            }

            return end;
        }

        // A record that another one follows without a break was flushed whole before that one was begun. The last of a run may be torn.
        // Keeps the loaded record.
        private bool HasSuccessor()
        {
            long position = _recordAt;
            long end = RecordEnd;
            if (end >= Head) return false;
            long sector = end / _sectorBytes;
            bool follows = true;
            if (sector != position / _sectorBytes)
            {
                follows = LoadSector(sector) && !_headerIsBreak && _headerFirstRecord == end % _sectorBytes;
            }

            follows = follows && LoadRecord(end);
            LoadRecord(position);
            return follows;
        }

        // Where reading goes on when there is no record at a position: within a damaged sector at the next sound header, else in the next sector.
        private long Resume(long position)
        {
            long sector = position / _sectorBytes;
            long end = sector == _sector ? Head : (sector + 1) * _sectorBytes;
            if (ReadLog(position, _chunk, 0, 1) && _chunk[0] != Erased)
            {
                for (long at = position + 8; at < end; at += 8)
                {
                    if (LoadRecord(at)) return at;
                }
            }

            for (sector++; sector <= _sector; sector++)
            {
                if (LoadSector(sector) && _headerFirstRecord < _sectorBytes) return (sector * _sectorBytes) + _headerFirstRecord;
            }

            return Head;
        }

        private bool LoadSector(long sector)
        {
            return LoadSectorAt((int)(sector % _sectors)) && LoadedSector == sector && LoadedEpoch == _epoch;
        }

        // Epoch and number of the header in the chunk.
        private uint LoadedEpoch
        {
            get { return LittleEndian.ReadU32(_chunk, 4); }
        }

        private long LoadedSector
        {
            get { return LittleEndian.ReadU32(_chunk, 8); }
        }

        private bool LoadSectorAt(int index)
        {
            if (!_flash.Read((_firstSector + index) * _sectorBytes, _chunk, 0, SectorHeaderBytes)) return false;
            if (LittleEndian.ReadU32(_chunk, 0) != Magic) return false;
            if (LittleEndian.ReadU32(_chunk, 36) != Crc32c.Update(0, _chunk, 0, 36)) return false;
            _headerFirstRecord = LittleEndian.ReadU32(_chunk, 32) & ~AbandonedFlag;
            _headerIsBreak = (LittleEndian.ReadU32(_chunk, 32) & AbandonedFlag) != 0;
            return LoadedSector % _sectors == index;
        }

        // Content bytes at a logical position, sector headers skipped.
        private bool ReadLog(long position, byte[] buffer, int offset, int count)
        {
            while (count > 0)
            {
                long sector = position / _sectorBytes;
                int at = (int)(position - (sector * _sectorBytes));
                int part = _sectorBytes - at < count ? _sectorBytes - at : count;
                if (!_flash.Read(AddressOf(sector) + at, buffer, offset, part)) return false;
                position = Advance(position, part);
                offset += part;
                count -= part;
            }

            return true;
        }

        private long Advance(long position, int bytes)
        {
            long sector = position / _sectorBytes;
            int at = (int)(position - (sector * _sectorBytes));
            while (bytes >= _sectorBytes - at)
            {
                bytes -= _sectorBytes - at;
                sector++;
                at = SectorHeaderBytes;
            }

            return (sector * _sectorBytes) + at + bytes;
        }
    }
}
