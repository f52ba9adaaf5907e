using Telemetry.Ingest.DeadLetters;
using Telemetry.Log;
using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest.Tests;

/// <summary>Promise 8 at the waist: batches and dead letters go, their seqs stay known, and what comes late of a fenced epoch is refused.</summary>
public sealed class ErasureTests : IngestTestBase
{
    private const uint Device = 1001;

    [Fact]
    public async Task Erase_FencedEpoch_RemovesItsBatchesAndRefusesALateOne()
    {
        for (ulong seq = 1; seq <= 20; seq++) Send(seq);
        for (ulong seq = 1; seq <= 5; seq++) Send(seq, Epoch + 1);
        Directory.Erase(Device, Epoch);

        LogErasure erased = await Service.EraseAsync([new LogSelection(Device, Epoch)]);

        Assert.Equal(20, erased.Batches);
        Assert.Equal(5, Stored().Count);
        Assert.All(Stored(), batch => Assert.Equal(Epoch + 1, batch.Epoch));
        IngestTicket late = Submit(Session(), Batches.Seal(Epoch, 21));
        Assert.Equal((IngestOutcome.Refused, RefusalReason.ErasedEpoch), (late.Outcome, late.Reason));
    }

    [Fact]
    public async Task Erase_SomeSeqs_AreNeitherMissingNorTakenAgainAfterARebuild()
    {
        for (ulong seq = 1; seq <= 30; seq++) Send(seq);
        await Service.EraseAsync([new LogSelection(Device, Epoch, FirstSeq: 5, LastSeq: 14)]);
        Kill();

        Assert.Empty(Service.MissingOf(Device));
        Assert.Equal(IngestOutcome.Duplicate, Send(7));
        Assert.Equal(20, Stored().Count);
        Close();
        FolderInspection found = FolderInspection.Of(Disk);
        Assert.Equal((20L, 10L, 0L, 0L), (found.Batches, found.Dropped, found.Missing, found.Duplicates));
    }

    [Fact]
    public async Task Erase_DeadLetters_AreGoneFromLogAndList()
    {
        Submit(Session(), Batches.Seal(Epoch, 1, profile: 0x2002));
        Submit(Session(), [1, 2, 3]);
        Submit(Session("brand-1/2"), [4, 5, 6]);

        LogErasure erased = await Service.EraseAsync([new LogSelection(Device)]);

        Assert.Equal(2, erased.DeadLetters);
        DeadLetter left = Assert.Single(Service.ListDeadLetters());
        Assert.Equal(1002u, left.DeviceKey);
        Assert.Equal([4, 5, 6], Service.ReadDeadLetter(left));
    }

    [Fact]
    public async Task Erase_TimeRange_TakesBatchesThatTouchIt()
    {
        // Sealed at 1,700,000,000,000 without rows: the clock says when.
        Send(1);
        Assert.Equal(0, (await Service.EraseAsync([new LogSelection(Device, FromUnixMs: 1_700_000_000_001)])).Batches);
        Assert.Equal(0, (await Service.EraseAsync([new LogSelection(Device, ToUnixMs: 1_700_000_000_000)])).Batches);
        Assert.Equal(1, (await Service.EraseAsync([new LogSelection(Device, FromUnixMs: 1_700_000_000_000, ToUnixMs: 1_700_000_000_001)])).Batches);
    }

    [Fact]
    public async Task Erase_DuplicateOfAnErasedBatch_IsStillADuplicate()
    {
        Send(1);
        await Service.EraseAsync([new LogSelection(Device, Epoch)]);

        Assert.Equal(IngestOutcome.Duplicate, Send(1));
        Assert.Empty(Stored());
    }
}
