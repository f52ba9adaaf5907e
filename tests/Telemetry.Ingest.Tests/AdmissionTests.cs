using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest.Tests;

public sealed class AdmissionTests : IngestTestBase
{
    [Fact]
    public void Submit_OneBrandFloods_AnotherStillFindsRoom()
    {
        IngestOutcome last = IngestOutcome.Stored;
        ulong seq = 0;
        int device = 0;
        while (last == IngestOutcome.Stored)
        {
            // Many devices, so that it is the brand's share that ends.
            device = (device % 50) + 1;
            last = Submit(Session($"brand-1/{device}"), Batches.Seal(Epoch, ++seq, fill: 10_000)).Outcome;
        }

        Assert.Equal(IngestOutcome.Refused, last);
        IngestTicket refused = Submit(Session("brand-1/51"), Batches.Seal(Epoch, 1, fill: 10_000));
        Assert.Equal((IngestOutcome.Refused, RefusalReason.Overloaded), (refused.Outcome, refused.Reason));
        Assert.Equal(Options.OverloadRetryMs, refused.RetryAfterMs);
        Assert.InRange(Log.WaitingBytes, 1 << 18, 3 << 18);

        for (ulong quiet = 1; quiet <= 10; quiet++) Assert.Equal(IngestOutcome.Stored, Submit(Session("brand-2/1"), Batches.Seal(Epoch, quiet, fill: 10_000)).Outcome);

        // After the flush the first brand goes on, and what it was refused was not lost: it is new.
        Log.FlushPending();
        Assert.Equal(IngestOutcome.Stored, Submit(Session("brand-1/51"), Batches.Seal(Epoch, 1, fill: 10_000)).Outcome);
        Assert.True(Service.Counts.IsConserved);
    }

    [Fact]
    public void Submit_OneDeviceFloods_IsBoundedBelowItsBrand()
    {
        ulong seq = 0;
        while (Submit(Session("brand-1/1"), Batches.Seal(Epoch, ++seq, fill: 100_000)).Outcome == IngestOutcome.Stored)
        {
        }

        Assert.InRange(seq, 3ul, 7ul);
        Log.FlushPending();
        Assert.Equal(IngestOutcome.Stored, Submit(Session("brand-1/1"), Batches.Seal(Epoch, seq, fill: 100_000)).Outcome);
    }

    [Fact]
    public async Task Submit_DiskRefuses_IsRefusedWithAReasonAndResumes()
    {
        IngestTicket waiting = Submit(Session(), Batches.Seal(Epoch, 1));
        Disk.WriteError = new IOException("No space left on device");
        Assert.False(Log.FlushPending());
        IngestTicket refused = Submit(Session(), Batches.Seal(Epoch, 2));
        Assert.Equal((IngestOutcome.Refused, RefusalReason.StorageUnavailable, Options.StorageRetryMs), (refused.Outcome, refused.Reason, refused.RetryAfterMs));
        Assert.Contains("No space", Log.Health.Reason, StringComparison.Ordinal);

        Disk.WriteError = null;
        Assert.True(Log.FlushPending());
        Assert.True(await Service.WaitDurableAsync(waiting.Position, CancellationToken.None));
        Assert.Equal(IngestOutcome.Stored, Send(2));
    }

    [Fact]
    public void Submit_EndlessEpochs_BecomeDeadLetters()
    {
        for (uint epoch = 1; epoch <= Sequences.SeqTable.MaxEpochsPerDevice; epoch++) Assert.Equal(IngestOutcome.Stored, Send(1, epoch));
        IngestTicket ticket = Submit(Session(), Batches.Seal(9999, 1));
        Assert.Equal((IngestOutcome.DeadLettered, RefusalReason.LimitExceeded), (ticket.Outcome, ticket.Reason));
        Assert.Equal(IngestOutcome.Stored, Send(2, 5));
    }
}
