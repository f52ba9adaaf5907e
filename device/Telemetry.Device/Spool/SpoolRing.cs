using Telemetry.Device.Platform;
using Telemetry.Device.Sampling;

namespace Telemetry.Device.Spool
{
    /// <summary>
    /// A log of sealed batches in a ring of flash sectors. Only appends and whole-sector erases, each byte programmed once; whatever a
    /// power cut leaves, <see cref="Mount"/> finds every record whose Append had returned.
    /// </summary>
    /// <remarks>
    /// <code>
    /// Sector, little endian:
    ///   0  u32 magic "TSP1"
    ///   4  u32 epoch
    ///   8  u32 number        grows by one with every sector begun; the sector stands at number % sectors
    ///  12  u64 nextSeq       of the next batch when the sector was begun
    ///  20  u32 boot
    ///  24  u64 heldFrom      batches below were freed when the sector was begun
    ///  32  u32 firstRecord   offset of the first record that begins here, beyond the sector when none does; bit 31: what stands before
    ///                        this sector was abandoned, no record goes on here
    ///  36  u32 crc32c        of bytes 0..35
    ///  40  records, the last of which may go on behind the header of the next sector
    ///
    /// Record, padded with 0xFF to 8 bytes:
    ///   0  u8  kind          0xB1 batch, 0xE1 batch that carries no losses, 0xA1 ledger; 0xFF = nothing was written here
    ///   1  u8  entries
    ///   2  u16 payloadBytes
    ///   4  u64 seq           of the batch; in a ledger: of the next batch
    ///  12  u32 held          seq - heldFrom when written, at most 2^32-1
    ///  16  u32 boot
    ///  20  u32 crc32c        of bytes 0..19 and the entries
    ///  24  entries x { u16 signal, u8 reason, u8 more, u32 samples }   reason 0: in the batch, as many each of this signal and of the `more` with the ids
    ///                                                               behind it; 255: what outlives a boot, { u16 session, u8 255, u8 limit of
    ///                                                               a batch in 128 bytes, i32 clock rate };
    ///                                                               else: lost, told by this batch
    ///   .  payload           the sealed batch; in a ledger u32: sectors up to this number are evicted
    ///   .  u32 crc32c        of the payload, continued from the one above: four erased bytes are their own CRC-32C
    /// </code>
    /// A logical position is number * SectorBytes + offset and only grows. The sector behind the newest is always dead: it is erased
    /// when it is begun, after the losses of the one behind it stand in a ledger record.
    /// </remarks>
    internal sealed partial class SpoolRing
    {
        /// <summary>Bytes of one entry.</summary>
        public const int EntryBytes = 8;

        /// <summary>Kind of a batch that carries the ledger.</summary>
        public const byte KindBatch = 0xB1;

        /// <summary>Kind of a batch that does not.</summary>
        public const byte KindEventBatch = 0xE1;

        /// <summary>Reason of the entry that keeps what outlives a boot: the running session, the limit of batches and the clock's rate.</summary>
        public const byte StateReason = 0xFF;

        /// <summary>Bytes in which that entry counts the limit, and the most of them.</summary>
        public const int LimitUnit = 128;
        public const int MostLimitUnits = 255;

        private const byte KindLedger = 0xA1;
        private const byte Erased = 0xFF;
        private const int RecordHeaderBytes = 24;
        private const int LedgerPayloadBytes = 4;
        private const int SectorHeaderBytes = 40;
        private const int FewSectors = 8;
        private const uint AbandonedFlag = 0x80000000;
        private const uint Magic = 0x31505354;

        private readonly IFlash _flash;
        private readonly LossLedger _ledger;
        private readonly int _firstSector;
        private readonly int _sectors;
        private readonly int _sectorBytes;

        private uint _epoch;
        private uint _boot;
        private long _nextSeq;
        private long _heldFrom;
        private long _sector; // number of the newest sector; 0 = none
        private int _used;
        private bool _isAbandoned; // the newest sector's tail is not clean: the next record begins a new one
        private long _checkedHead; // records before this one that end a run may be torn: found so at mount, or by a failed append
        private long _tail;
        private long _evictedThrough;
        private int _heldBatches;
        private long _heldSamples;

        /// <summary>A ring over some sectors of a flash; <see cref="Mount"/> it before use.</summary>
        /// <param name="flash">The flash.</param>
        /// <param name="firstSector">First sector of the ring.</param>
        /// <param name="sectors">Sectors of the ring, at least 3.</param>
        /// <param name="ledger">Takes the losses of evictions and damage.</param>
        /// <param name="buffer"><see cref="BufferBytes"/>; may be shared with another ring under the same lock.</param>
        public SpoolRing(IFlash flash, int firstSector, int sectors, LossLedger ledger, byte[] buffer)
        {
            _flash = flash;
            _firstSector = firstSector;
            _sectors = sectors;
            _sectorBytes = flash.SectorBytes;
            _ledger = ledger;
            _chunk = buffer;
        }

        /// <summary>Bytes of a ring's buffer.</summary>
        public static int BufferBytes
        {
            get { return WindowAt + WindowBytes; }
        }

        /// <summary>Epoch of the ring; 0 = not formatted.</summary>
        public uint Epoch
        {
            get { return _epoch; }
        }

        /// <summary>Greatest boot number found at mount.</summary>
        public uint LastBoot
        {
            get { return _boot; }
        }

        /// <summary>The least sequence number this ring knows to be unused.</summary>
        public long NextSeq
        {
            get { return _nextSeq; }
        }

        /// <summary>Batches that wait for their ack.</summary>
        public int HeldBatches
        {
            get { return _heldBatches; }
        }

        /// <summary>Samples in those batches.</summary>
        public long HeldSamples
        {
            get { return _heldSamples; }
        }

        /// <summary>Position of the oldest held record, or of the end.</summary>
        public long Tail
        {
            get { return _tail; }
        }

        /// <summary>Position where the next record will stand.</summary>
        public long Head
        {
            get { return Advance(_sector * _sectorBytes, _used); }
        }

        /// <summary>Bytes for records and their headers before the oldest batch must go.</summary>
        public long FreeBytes
        {
            get
            {
                long tailSector = _heldBatches == 0 ? _sector : _tail / _sectorBytes;
                long free = tailSector + _sectors - 2 - _sector;
                if (free < 0) return 0; // the batches behind a sector that was begun in a hurry
                return (free * (_sectorBytes - SectorHeaderBytes)) + (_isAbandoned ? 0 : _sectorBytes - _used);
            }
        }

        /// <summary>The last sector is being filled: the next one costs the oldest. Never so of a ring of few sectors, where one is a large part.</summary>
        public bool IsNearlyFull
        {
            get { return _sectors >= FewSectors && FreeBytes < _sectorBytes - SectorHeaderBytes; }
        }

        /// <summary>The largest payload that fits beside <paramref name="entries"/> entries.</summary>
        public int MaxPayloadBytes(int entries)
        {
            int most = ((_sectors - 2) * (_sectorBytes - SectorHeaderBytes)) - LedgerBytes;
            most -= RecordBytes(0, entries) + EntryBytes;
            return most < 65535 ? most : 65535;
        }

        /// <summary>Makes room for one record of at most <paramref name="payloadBytes"/>: evicts the oldest batches, their losses first
        /// written to flash. Must precede sealing, so that the batch tells them.</summary>
        public DeviceStatus Reserve(int payloadBytes, int entries)
        {
            if (payloadBytes > MaxPayloadBytes(entries)) return DeviceStatus.TooLarge;
            int room = _isAbandoned || _sector == 0 ? 0 : _sectorBytes - _used;
            int need = RecordBytes(payloadBytes, entries) + LedgerBytes;
            int body = _sectorBytes - SectorHeaderBytes;
            int begun = need <= room ? 0 : (need - room + body - 1) / body;
            return EvictThrough(_sector + begun + 1 - _sectors);
        }

        /// <summary>Appends one sealed batch and returns when it survives a power cut.</summary>
        /// <param name="kind"><see cref="KindBatch"/> or <see cref="KindEventBatch"/>.</param>
        /// <param name="source">Of its entries (<see cref="WriteEntry"/>) and payload.</param>
        /// <param name="entries">Entries, 0..255.</param>
        /// <param name="count">Bytes of the payload, exactly what the source has behind its entries.</param>
        /// <param name="seq">Sequence number of the batch.</param>
        /// <param name="boot">The present boot.</param>
        public DeviceStatus Append(byte kind, IRecordSource source, int entries, int count, long seq, uint boot)
        {
            _boot = boot;
            long at = AppendRecord(kind, source, entries, count, seq, out long samples);
            if (at < 0) return DeviceStatus.FlashFailed;
            if (_heldBatches == 0)
            {
                _tail = at;
                _heldFrom = seq;
            }

            _heldBatches++;
            _heldSamples += samples;
            _nextSeq = seq + 1;
            return DeviceStatus.Ok;
        }

        // The most that the ring's own record of evictions takes.
        private int LedgerBytes
        {
            get { return RecordBytes(LedgerPayloadBytes, _ledger.Capacity); }
        }

        private static int RecordBytes(int payloadBytes, int entries)
        {
            return (RecordHeaderBytes + (EntryBytes * entries) + payloadBytes + 4 + 7) & ~7;
        }

        private int AddressOf(long sector)
        {
            return (_firstSector + (int)(sector % _sectors)) * _sectorBytes;
        }
    }
}
