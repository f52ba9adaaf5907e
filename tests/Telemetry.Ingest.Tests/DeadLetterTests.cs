using Telemetry.Ingest.DeadLetters;
using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest.Tests;

public sealed class DeadLetterTests : IngestTestBase
{
    private const uint LateProfile = 0x2002;

    [Fact]
    public void Submit_GarbageTwice_IsKeptOnceVerbatim()
    {
        byte[] garbage = [1, 2, 3, 4, 5, 6, 7];
        IngestTicket first = Submit(Session(), garbage);
        IngestTicket second = Submit(Session(), garbage);
        Assert.Equal((IngestOutcome.DeadLettered, IngestOutcome.Duplicate), (first.Outcome, second.Outcome));
        Assert.Equal(first.Position, second.Position);
        Log.FlushPending();
        DeadLetter letter = Assert.Single(Service.ListDeadLetters());
        Assert.Equal((first.Position, 1001u, first.Reason, 7), (letter.Position, letter.DeviceKey, letter.Reason, letter.Bytes));
        Assert.Equal(garbage, Service.ReadDeadLetter(letter));

        // Another device's equal bytes are another letter.
        Assert.Equal(IngestOutcome.DeadLettered, Submit(Session("brand-1/2"), garbage).Outcome);
    }

    [Fact]
    public void Submit_FlippedByte_IsKeptAsChecksumMismatch()
    {
        byte[] batch = Batches.Seal(Epoch, 1, fill: 100);
        batch[20] ^= 1;
        Assert.Equal((IngestOutcome.DeadLettered, RefusalReason.ChecksumMismatch), (Submit(Session(), batch) is var t ? (t.Outcome, t.Reason) : default));

        // The whole batch, sent again, is taken.
        Assert.Equal(IngestOutcome.Stored, Send(1));
    }

    [Fact]
    public async Task Replay_AfterTheProfileIsRegistered_StoresEachOnceWithItsTime()
    {
        for (ulong seq = 1; seq <= 3; seq++) Assert.Equal(RefusalReason.UnknownProfile, Submit(Session(), Batches.Seal(Epoch, seq, LateProfile)).Reason);
        Assert.Equal(IngestOutcome.Duplicate, Submit(Session(), Batches.Seal(Epoch, 2, LateProfile)).Outcome);
        Log.FlushPending();
        Assert.Empty(Service.MissingOf(1001));
        Assert.Equal(new ReplayResult(0, 0, 3), await Service.ReplayDeadLettersAsync(CancellationToken.None));

        Directory.Profiles.Add(LateProfile);
        Assert.Equal(new ReplayResult(3, 0, 0), await ReplayWhileFlushing());
        Assert.Equal(new ReplayResult(0, 0, 0), await ReplayWhileFlushing());
        Assert.Equal([1ul, 2ul, 3ul], Stored().Select(batch => batch.Seq));
        Assert.Empty(Service.ListDeadLetters());
        Assert.Equal(3, Service.Counts.Replayed);
        Assert.True(Service.Counts.IsConserved);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Replay_ThenRestart_StaysSettled(bool isOrderly)
    {
        Submit(Session(), Batches.Seal(Epoch, 1, LateProfile));
        byte[] early = Batches.Seal(Epoch, 2, LateProfile);
        Submit(Session(), early);
        Submit(Session(), [9, 9, 9]);
        Log.FlushPending();
        Directory.Profiles.Add(LateProfile);
        Assert.Equal(new ReplayResult(2, 0, 1), await ReplayWhileFlushing());
        if (isOrderly) Close();
        else Kill();

        Assert.Equal(RefusalReason.Malformed, Assert.Single(Service.ListDeadLetters()).Reason);
        Assert.Equal(new ReplayResult(0, 0, 1), await ReplayWhileFlushing());
        Assert.Equal(IngestOutcome.Duplicate, Submit(Session(), early).Outcome);
        Assert.Equal(2, Stored().Count);
    }

    [Fact]
    public async Task Submit_SameBatchAfterTheProfileCame_TakesTheLettersPlace()
    {
        byte[] batch = Batches.Seal(Epoch, 1, LateProfile);
        Submit(Session(), batch);
        Log.FlushPending();
        Directory.Profiles.Add(LateProfile);
        Assert.Equal(IngestOutcome.Stored, Submit(Session(), batch).Outcome);
        Log.FlushPending();
        Assert.Equal(new ReplayResult(0, 0, 0), await ReplayWhileFlushing());
        Assert.Single(Stored());
    }

    [Fact]
    public async Task Replay_ErasedEpoch_DoesNotBringItBack()
    {
        Submit(Session(), Batches.Seal(Epoch, 1, LateProfile));
        Log.FlushPending();
        Directory.Profiles.Add(LateProfile);
        Directory.Erase(1001, Epoch);
        Assert.Equal(0, (await ReplayWhileFlushing()).Stored);
        Assert.Empty(Stored());
    }

    [Fact]
    public void Submit_MoreUnknownProfilesThanAllowed_AreRefusedNotForgotten()
    {
        Options.MaxReplayable = 2;
        Submit(Session(), Batches.Seal(Epoch, 1, LateProfile));
        Submit(Session(), Batches.Seal(Epoch, 2, LateProfile));
        IngestTicket third = Submit(Session(), Batches.Seal(Epoch, 3, LateProfile));
        Assert.Equal((IngestOutcome.Refused, RefusalReason.Overloaded), (third.Outcome, third.Reason));
        Assert.InRange(third.RetryAfterMs, 1, int.MaxValue);
    }

    // Replay waits for the flush of what it appends; without a writer thread the test is the flusher.
    private async Task<ReplayResult> ReplayWhileFlushing()
    {
        Task<ReplayResult> replay = Service.ReplayDeadLettersAsync(CancellationToken.None).AsTask();
        Log.FlushPending();
        return await replay;
    }
}
