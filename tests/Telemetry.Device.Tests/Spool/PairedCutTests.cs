using Telemetry.Device.Platform;
using Telemetry.Device.Sampling;
using Telemetry.Device.Spool;

namespace Telemetry.Device.Tests.Spool;

public sealed class PairedCutTests
{
    private const int Samples = 100;
    private const int MostWrites = 24; // of one append: an erase, a header, a ledger and a batch in pieces of a page, whole or half

    /// <summary>A torn tail is followed by a sector that is begun before its ledger stands: a cut between the two once left evicted samples untold.</summary>
    [Fact]
    public void Append_CutAtAnyWriteAndThenAgain_EverySampleIsHeldOrTold()
    {
        for (int batches = 5; batches < 40; batches += 3)
        {
            CutFlash whole = new();
            Store store = new(whole);
            for (int i = 0; i < batches; i++) Assert.Equal(DeviceStatus.Ok, store.Append());
            for (int first = 0; first < MostWrites; first++)
            {
                CutFlash once = whole.Copy(first);
                long after = TotalAfter(once, batches * Samples, $"{batches} batches, cut at write {first}");
                for (int second = 0; second < MostWrites; second++) TotalAfter(once.Copy(second), after, $"{batches} batches, cut at writes {first} and {second}");
            }
        }
    }

    // Mounts, appends until the power goes, mounts what is left: what is held and what the ledger tells is all there was, and the new batch or not.
    private static long TotalAfter(CutFlash flash, long committed, string when)
    {
        bool isDone = new Store(flash).Append() == DeviceStatus.Ok;
        flash.PowerUp();
        long total = new Store(flash.Copy(int.MaxValue)).Total();
        Assert.True(total == committed + Samples || (!isDone && total == committed), $"{when}: {total} samples of {committed} and {Samples} new ones");
        return total;
    }

    private sealed class Store
    {
        private readonly LossLedger _ledger = new(1 + LossLedger.SharedEntries);
        private readonly BatchSpool _spool;

        public Store(CutFlash flash) => _spool = new BatchSpool(flash, 0, _ledger, new Chance(1));

        public DeviceStatus Append()
        {
            int bytes = 30 + ((int)_spool.NextSeq * 37 % 90);
            DeviceStatus reserved = _spool.Reserve(false, bytes, 1 + _ledger.Capacity);
            if (reserved != DeviceStatus.Ok) return reserved;
            int entries = 1 + _ledger.Entries;
            int offset = SpoolRing.RecordHeaderBytes + (SpoolRing.EntryBytes * entries);
            byte[] buffer = new byte[offset + bytes + SpoolRing.RecordTrailerBytes];
            SpoolRing.PutEntry(buffer, offset, entries, 0, 1, 0, Samples);
            for (int i = 0; i < _ledger.Entries; i++) SpoolRing.PutEntry(buffer, offset, entries, i + 1, _ledger.Signals[i], _ledger.Reasons[i], (uint)_ledger.Counts[i]);
            DeviceStatus status = _spool.Append(false, buffer, offset, bytes, entries);
            if (status == DeviceStatus.Ok) _ledger.Clear();
            return status;
        }

        // Held batches, what they tell, and what nothing has told yet.
        public long Total()
        {
            SpoolRing ring = _spool.Ring(false);
            for (long position = 0; ring.TryLoad(ref position); position = ring.RecordEnd) ring.AddRecordToLedger((byte)LossReason.SpoolEvicted, wasHeld: true);
            long total = 0;
            for (int i = 0; i < _ledger.Entries; i++) total += (long)_ledger.Counts[i];
            return total;
        }
    }

    /// <summary>Flash that dies at a write: every second number leaves half of it.</summary>
    private sealed class CutFlash : IFlash
    {
        private readonly MemoryFlash _flash = new(64, 256, 6);
        private int _writesLeft = int.MaxValue;

        public int PageBytes => _flash.PageBytes;

        public int SectorBytes => _flash.SectorBytes;

        public int SectorCount => _flash.SectorCount;

        public CutFlash Copy(int writes)
        {
            CutFlash copy = new() { _writesLeft = writes };
            _flash.Content.CopyTo(copy._flash.Content, 0);
            return copy;
        }

        public void PowerUp() => _writesLeft = int.MaxValue;

        public bool Read(int address, byte[] buffer, int offset, int count) => _flash.Read(address, buffer, offset, count);

        public bool Program(int address, byte[] buffer, int offset, int count)
        {
            _writesLeft -= 2;
            if (_writesLeft >= 0) return _flash.Program(address, buffer, offset, count);
            if (_writesLeft == -1) _flash.Program(address, buffer, offset, count / 2);
            return Die();
        }

        public bool Erase(int sector)
        {
            _writesLeft -= 2;
            return _writesLeft >= 0 ? _flash.Erase(sector) : Die();
        }

        public bool Flush() => _writesLeft >= 0 || Die();

        private bool Die()
        {
            _writesLeft = -2;
            return false;
        }
    }
}
