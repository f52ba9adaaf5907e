using Telemetry.Device.Platform;

namespace Telemetry.Device.Spool
{
    // Finding what a power cut left, formatting, evicting.
    internal sealed partial class SpoolRing
    {
        /// <summary>What was lost before this number was used is told by a batch, or stands in the ledger now; found at mount.</summary>
        public long ToldBelow { get; private set; }

        /// <summary>The session that ran when the newest sound batch was sealed, found at mount; 0 = none.</summary>
        public ushort LastSession { get; private set; }

        /// <summary>The limit of a batch then, in units of <see cref="LimitUnit"/>; 0 = none.</summary>
        public byte LastLimitUnits { get; private set; }

        /// <summary>The clock's rate then, in parts per billion; 0 = not known.</summary>
        public int LastClockRatePpb { get; private set; }

        /// <summary>Finds the records of a ring. A ring without one sound sector header has <see cref="Epoch"/> 0 afterwards: <see cref="Format"/> it.</summary>
        /// <param name="toldBelow">For the second of two rings that share a ledger and its numbers: <see cref="ToldBelow"/> of the first; else 0.</param>
        /// <remarks>Reads headers only, and the payload of records that end a run: those alone can be torn.</remarks>
        public void Mount(long toldBelow)
        {
            _epoch = 0;
            _sector = 0;
            bool beginsRun = false;
            for (int index = 0; index < _sectors; index++)
            {
                if (!LoadSectorAt(index) || LoadedSector <= _sector) continue;
                _sector = LoadedSector;
                _epoch = LoadedEpoch;
                _boot = LittleEndian.ReadU32(_chunk, 20);
                _nextSeq = LittleEndian.ReadI64(_chunk, 12);
                _heldFrom = LittleEndian.ReadI64(_chunk, 24);
                beginsRun = _headerIsBreak;
            }

            if (_epoch == 0) return;
            EraseOtherEpochs();
            _used = _sectorBytes;

            // A sector in the course of writing is begun after the losses of the one behind it stand on flash. One begun because the tail before it was
            // not clean holds them itself: until its ledger is whole, the batches behind it are neither erased nor lost.
            _evictedThrough = _sector + (beginsRun ? 0 : 1) - _sectors;
            FindWatermarks();
            ToldBelow = toldBelow;
            CountRecords();
            _checkedHead = Head;
        }

        /// <summary>Begins a new epoch: whatever the ring held is forgotten at once and erased.</summary>
        public DeviceStatus Format(uint epoch, uint boot)
        {
            _epoch = epoch;
            _boot = boot;
            _nextSeq = 1;
            _heldFrom = 1;
            _heldBatches = 0;
            _heldSamples = 0;
            LastSession = 0;
            _isAbandoned = true;
            if (!Begin(0, AbandonedFlag))
            {
                _isAbandoned = true;
                return DeviceStatus.FlashFailed;
            }

            _tail = Head;
            _checkedHead = Head;
            _evictedThrough = _sector - 1;
            for (int i = 1; i < _sectors; i++)
            {
                if (!_flash.Erase(_firstSector + (int)((_sector + i) % _sectors))) return DeviceStatus.FlashFailed;
            }

            return _flash.Flush() ? DeviceStatus.Ok : DeviceStatus.FlashFailed;
        }

        /// <summary>Tells the ring of a sequence number used elsewhere, so that its next sector header knows it.</summary>
        public void RaiseNextSeq(long nextSeq)
        {
            if (nextSeq > _nextSeq) _nextSeq = nextSeq;
        }

        // An erasure that a power cut stopped is finished.
        private void EraseOtherEpochs()
        {
            for (int index = 0; index < _sectors; index++)
            {
                if (LoadSectorAt(index) && LoadedEpoch != _epoch) _flash.Erase(_firstSector + index);
            }
        }

        private long FirstAlive()
        {
            for (long sector = _evictedThrough + 1; sector <= _sector; sector++)
            {
                if (sector > 0 && LoadSector(sector) && _headerFirstRecord < _sectorBytes) return (sector * _sectorBytes) + _headerFirstRecord;
            }

            return Head;
        }

        // First pass: what was freed and evicted, and which numbers are used.
        private void FindWatermarks()
        {
            long position = FirstAlive();
            while (position < Head)
            {
                if (!LoadRecord(position))
                {
                    position = Resume(position);
                    continue;
                }

                long end = RecordEnd;
                long heldFrom = RecordSeq - _recordHeld;
                if (heldFrom > _heldFrom) _heldFrom = heldFrom;
                if (_recordBoot > _boot) _boot = _recordBoot;
                if (_kind != KindLedger)
                {
                    if (RecordSeq >= _nextSeq) _nextSeq = RecordSeq + 1;
                }
                else if (HasSuccessor() || IsPayloadSound())
                {
                    long evicted = ReadLog(Advance(position, RecordHeaderBytes + (EntryBytes * _entries)), _chunk, 0, 4) ? LittleEndian.ReadU32(_chunk, 0) : 0;
                    if (evicted > _evictedThrough) _evictedThrough = evicted;
                }

                position = end;
            }
        }

        // Second pass: what is held, what is lost and not told yet, and where to go on writing.
        private void CountRecords()
        {
            _heldBatches = 0;
            _heldSamples = 0;
            LastSession = 0;
            LastLimitUnits = 0;
            LastClockRatePpb = 0;
            long position = FirstAlive();
            long tail = -1;
            long newest = -1;
            long clean = position < Head && position / _sectorBytes == _sector ? position : -1;
            bool isTorn = false;

            // A sector that was begun because of a torn tail and came no further than a torn ledger: what that ledger was to tell stands in the sector behind
            // it, which the next one would erase. So it is begun again under its number, however often the power goes.
            bool isFruitless = LoadSector(_sector) && _headerIsBreak && LoadSector(_sector - 1);
            while (position < Head)
            {
                if (!LoadRecord(position))
                {
                    position = Resume(position);
                    if (position >= Head || position / _sectorBytes != _sector) continue;
                    clean = position;
                    if (LoadSector(_sector) && _headerIsBreak) isTorn = false; // what was torn stands before it
                    continue;
                }

                isTorn = !HasSuccessor() && !IsPayloadSound();
                if (position / _sectorBytes == _sector && !(isTorn && _kind == KindLedger)) isFruitless = false;
                if (_kind == KindLedger) TakeLedger(isTorn);
                else if (isTorn) TakeTorn();
                else
                {
                    if (TakeBatch() && tail < 0) tail = position;
                    newest = position;
                }

                position = RecordEnd;
                clean = position;
            }

            if (newest >= 0 && LoadRecord(newest)) TakeState();
            CloseTail(clean, isTorn, isFruitless);
            _tail = tail < 0 ? Head : tail;
            if (_heldBatches == 0 && _heldFrom < _nextSeq) _heldFrom = _nextSeq;
        }

        private bool TakeBatch()
        {
            if (_kind == KindBatch)
            {
                ToldBelow = RecordSeq + 1;
                _ledger.Clear();
            }

            if (RecordSeq < _heldFrom) return false;
            _heldBatches++;
            _heldSamples += SamplesOfRecord();
            return true;
        }

        private void TakeState()
        {
            long at = Advance(_recordAt, RecordHeaderBytes);
            for (int i = 0; i < _entries; i++, at = Advance(at, EntryBytes))
            {
                if (!ReadLog(at, _chunk, 0, EntryBytes) || _chunk[2] != StateReason) continue;
                LastSession = (ushort)LittleEndian.ReadU16(_chunk, 0);
                LastLimitUnits = _chunk[3];
                LastClockRatePpb = (int)LittleEndian.ReadU32(_chunk, 4);
            }
        }

        // The samples of a torn batch are damaged, and what it was to tell is untold. That was all the ledger held, where a batch tells anything.
        private void TakeTorn()
        {
            if (RecordSeq < ToldBelow) return;
            if (_kind == KindBatch) _ledger.Clear();
            RestoreEntries();
        }

        // A ledger record holds all that was lost and not told when it was written: the newest one replaces what was found before it, in either ring.
        private void TakeLedger(bool isTorn)
        {
            if (isTorn || RecordSeq < ToldBelow) return;
            if (RecordSeq == ToldBelow && SamplesOfRecord() < _ledger.Sum) return; // written in the other ring before this one's
            ToldBelow = RecordSeq;
            _ledger.Clear();
            RestoreEntries();
        }

        private void RestoreEntries()
        {
            long at = Advance(_recordAt, RecordHeaderBytes);
            for (int i = 0; i < _entries; i++, at = Advance(at, EntryBytes))
            {
                if (!ReadLog(at, _chunk, 0, EntryBytes) || _chunk[2] == StateReason) continue;
                byte reason = _chunk[2] == 0 ? (byte)LossReason.SpoolDamaged : _chunk[2];
                int signal = LittleEndian.ReadU16(_chunk, 0);
                for (int end = signal + 1 + _chunk[3]; signal < end; signal++) _ledger.Restore(signal, reason, LittleEndian.ReadU32(_chunk, 4));
            }
        }

        // Goes on in the newest sector only behind a sound record and on bytes that are erased.
        private void CloseTail(long clean, bool isTorn, bool isFruitless)
        {
            bool isErased = true;
            if (clean >= 0 && clean / _sectorBytes == _sector)
            {
                _used = (int)(clean % _sectorBytes);
                for (int at = _used; at < _sectorBytes && isErased; at += _chunk.Length)
                {
                    int part = _sectorBytes - at < _chunk.Length ? _sectorBytes - at : _chunk.Length;
                    isErased = _flash.Read(AddressOf(_sector) + at, _chunk, 0, part);
                    for (int i = 0; i < part; i++) isErased &= _chunk[i] == Erased;
                }
            }
            else
            {
                // The last record ends with its sector, or goes on in one that was never begun.
                _used = _sectorBytes;
            }

            _isAbandoned = isTorn || !isErased;
            if (_isAbandoned && isFruitless)
            {
                _sector--;
                _used = _sectorBytes;
                return; // no number was used up: nobody has seen what stands there
            }

            // Something was being written and nothing tells its number: skip it rather than use it twice.
            if (!isErased && !isTorn) _nextSeq++;
        }

        // Batches in sectors up to this number give way; their losses are on flash before anything is erased.
        private DeviceStatus EvictThrough(long sector)
        {
            if (sector <= _evictedThrough) return DeviceStatus.Ok;
            _evictedThrough = sector;
            int evicting = 0;
            for (long position = _tail; _heldBatches > evicting && TryLoad(ref position) && position / _sectorBytes <= sector; position = RecordEnd)
            {
                AddRecordToLedger((byte)LossReason.SpoolEvicted);
                evicting++;
            }

            if (evicting == 0) return DeviceStatus.Ok;

            // The batches are freed behind the ledger: a watermark on flash that ran ahead of it would lose them untold.
            long ledger = AppendRecord(KindLedger, this, _ledger.Entries, LedgerPayloadBytes, _nextSeq, out long samples);
            for (; evicting > 0; evicting--) FreeOldest();
            return ledger < 0 ? DeviceStatus.FlashFailed : DeviceStatus.Ok;
        }
    }
}
