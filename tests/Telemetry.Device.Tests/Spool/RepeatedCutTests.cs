using Telemetry.Device.Platform;
using Telemetry.Device.Sampling;
using Telemetry.Device.Spool;
using Telemetry.Device.Tests.Support;

namespace Telemetry.Device.Tests.Spool;

public sealed class RepeatedCutTests
{
    private const int Samples = 100;
    private const int Cuts = 3; // five were tried once by hand, a minute of CPU
    private const int MostWrites = 24; // of one append: an erase, a header, a ledger and a batch in pieces of a page, whole or half

    /// <summary>
    /// A torn tail is followed by a sector that is begun before its ledger stands: a cut between the two once left evicted samples untold, and a third one
    /// did so for longer.
    /// </summary>
    [Fact]
    public void Append_CutAtAnyWriteAgainAndAgain_EverySampleIsHeldOrTold()
    {
        for (int batches = 5; batches < 40; batches += 5)
        {
            CutFlash whole = new(64, 256, 6);
            Store store = new(whole);
            for (int i = 0; i < batches; i++) Assert.Equal(DeviceStatus.Ok, store.Append());
            CutAgain(whole, batches * Samples, Cuts, [], $"{batches} batches");
        }
    }

    // Every image that a cut can leave is met once: the same one again has the same future.
    private static void CutAgain(CutFlash flash, long committed, int cuts, HashSet<(int, string)> met, string when)
    {
        if (cuts == 0) return;
        for (int write = 0; write < MostWrites; write++)
        {
            CutFlash cut = flash.Copy(write);
            string now = $"{when}, cut at write {write}";
            long after = TotalAfter(cut, committed, now);
            if (met.Add((cuts, cut.Hash()))) CutAgain(cut, after, cuts - 1, met, now);
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
            ArrayRecord record = new(1, Samples, _ledger, new byte[bytes]);
            DeviceStatus status = _spool.Append(false, record, record.Entries, bytes);
            if (status == DeviceStatus.Ok) _ledger.Clear();
            return status;
        }

        // Held batches, what they tell, and what nothing has told yet.
        public long Total()
        {
            SpoolRing ring = _spool.Ring(false);
            for (long position = 0; ring.TryLoad(ref position); position = ring.RecordEnd) ring.AddRecordToLedger((byte)LossReason.SpoolEvicted);
            return _ledger.Sum;
        }
    }
}
