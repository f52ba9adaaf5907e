using Google.Protobuf;
using Telemetry.Registry;
using Telemetry.Testing;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.V1;

namespace Telemetry.Ingest.Tests;

public sealed class SubmitTests : IngestTestBase
{
    [Fact]
    public async Task Submit_NewBatch_IsStoredVerbatimAndDurableAfterTheFlush()
    {
        byte[] batch = Batches.Seal(Epoch, 1, fill: 300);
        IngestTicket ticket = Submit(Session(), batch);
        Assert.Equal(IngestOutcome.Stored, ticket.Outcome);
        ValueTask<bool> durable = Service.WaitDurableAsync(ticket.Position, CancellationToken.None);
        Assert.False(durable.IsCompleted);
        Log.FlushPending();
        Assert.True(await durable);

        using Telemetry.Log.LogReader reader = Log.OpenReader(ticket.Position);
        Assert.True(reader.TryRead(out Telemetry.Log.LogRecord record));
        Assert.Equal(batch, record.Payload.ToArray());
        Assert.Equal(1001u, record.DeviceKey);
    }

    [Fact]
    public async Task Submit_DuplicateBeforeFlush_WaitsForTheOriginal()
    {
        IngestTicket original = Submit(Session(), Batches.Seal(Epoch, 1));
        IngestTicket duplicate = Submit(Session(), Batches.Seal(Epoch, 1));
        Assert.Equal(IngestOutcome.Duplicate, duplicate.Outcome);
        ValueTask<bool> durable = Service.WaitDurableAsync(duplicate.Position, CancellationToken.None);
        Assert.False(durable.IsCompleted);
        Assert.True(duplicate.Position >= original.Position);
        Log.FlushPending();
        Assert.True(await durable);
        Assert.Single(Stored());
    }

    [Fact]
    public async Task Authenticate_WrongSecretOrName_GivesNoSession()
    {
        Assert.Null(await Service.AuthenticateAsync("brand-1/1", "x"u8.ToArray(), "mqtt", CancellationToken.None));
        Assert.Null(await Service.AuthenticateAsync("nobody/1", "s"u8.ToArray(), "mqtt", CancellationToken.None));
        Assert.Null(await Service.AuthenticateAsync("", "s"u8.ToArray(), "mqtt", CancellationToken.None));
    }

    [Fact]
    public void Relay_OnlyHubsAndOnlyOwnBrand()
    {
        IngestSession hub = Session("brand-1/0");
        Assert.Equal(1007u, Service.Relay(hub, "brand-1/7")!.DeviceKey);
        Assert.Null(Service.Relay(hub, "brand-2/7"));
        Assert.Null(Service.Relay(hub, "brand-1/unknown"));
        Assert.Null(Service.Relay(Session("brand-1/1"), "brand-1/7"));
    }

    [Fact]
    public void Submit_OverTheLimit_IsRefusedForGood()
    {
        IngestTicket ticket = Submit(Session(), new byte[Wire.WireLimits.MaxBatchBytes + 1]);
        Assert.Equal((IngestOutcome.Refused, RefusalReason.TooLarge, 0), (ticket.Outcome, ticket.Reason, ticket.RetryAfterMs));
    }

    [Fact]
    public void Submit_ErasedEpoch_IsRefusedAndTheDeviceToldToFence()
    {
        Assert.Equal(IngestOutcome.Stored, Send(1));
        int told = 0;
        using (Service.OnCommandChanged(Session(), () => told++)) Directory.Erase(1001, Epoch);
        Assert.Equal(1, told);

        IngestTicket ticket = Submit(Session(), Batches.Seal(Epoch, 2));
        Assert.Equal((IngestOutcome.Refused, RefusalReason.ErasedEpoch, 0), (ticket.Outcome, ticket.Reason, ticket.RetryAfterMs));
        Assert.Equal(Epoch, Command.Parser.ParseFrom(Service.CurrentCommand(Session()).Span).EraseEpoch);

        // The device begins anew and all is well.
        Assert.Equal(IngestOutcome.Stored, Send(1, Epoch + 1));
        Assert.Equal(0u, Command.Parser.ParseFrom(Service.CurrentCommand(Session()).Span).EraseEpoch);
    }

    [Fact]
    public void CurrentCommand_AsksForWhatNeverCame()
    {
        foreach (ulong seq in (ulong[])[1, 2, 5, 6, 9]) Assert.Equal(IngestOutcome.Stored, Send(seq));
        Command command = Command.Parser.ParseFrom(Service.CurrentCommand(Session()).Span);
        Assert.Equal([(3ul, 4ul), (7ul, 8ul)], command.Resend.Select(range => (range.First, range.Last)));
        Assert.All(command.Resend, range => Assert.Equal(Epoch, range.Epoch));
        Assert.True(command.ServerUnixMs > 0);

        foreach (ulong seq in (ulong[])[3, 4, 7, 8]) Assert.Equal(IngestOutcome.Stored, Send(seq));
        Assert.Empty(Command.Parser.ParseFrom(Service.CurrentCommand(Session()).Span).Resend);
        Assert.Empty(Service.MissingOf(1001));
    }

    [Fact]
    public void Missing_OfAllDevices_ListsEachRangeButNotOfErasedEpochs()
    {
        foreach ((string device, ulong seq) in ((string, ulong)[])[("brand-1/1", 2), ("brand-1/2", 1), ("brand-1/2", 2), ("brand-2/7", 1), ("brand-2/7", 5), ("brand-2/7", 700), ("brand-3/3", 9)])
            Assert.Equal(IngestOutcome.Stored, Submit(Session(device), Batches.Seal(Epoch, seq)).Outcome);
        Directory.Erase(3003, Epoch);
        Assert.Equal(
            [(1001u, 1ul, 1ul), (2007u, 2ul, 4ul), (2007u, 6ul, 699ul)],
            Service.Missing(limit: 100).Select(one => (one.DeviceKey, one.Gap.First, one.Gap.Last)).Order());
        Assert.InRange(Service.Missing(limit: 1).Count, 1, 2); // an epoch's ranges come whole
    }

    [Fact]
    public void Submit_GapBehindTheWindow_TellsTheDeviceAtOnce()
    {
        int told = 0;
        using IDisposable listening = Service.OnCommandChanged(Session(), () => told++);
        Send(1);
        Send(500);
        Assert.Equal(1, told);
        Assert.Equal((2ul, 499ul), Assert.Single(Service.MissingOf(1001).Select(gap => (gap.Gap.First, gap.Gap.Last))));
    }

    [Fact]
    public void Orders_Changed_ReachTheDevicesCommandWithAHigherVersionAndAreConfirmedByIt()
    {
        int told = 0;
        Assert.Equal(0u, Current().Version); // nothing was ever ordered
        using IDisposable listening = Service.OnCommandChanged(Session(), () => told++);
        DeviceOrders first = new() { Upload = new UploadOrder(60, 7, SinceUnixMs: 1) };
        Directory.Order(1001, first);
        Command before = Current();
        Directory.Order(1001, first with { Rates = [new CaptureOrder(4, 5_000, SinceUnixMs: 2)] });
        Command after = Current();
        Assert.Equal((60u, 7u), (after.UploadWindow.IntervalS, after.UploadWindow.OffsetS));
        Assert.Equal([(4u, 5_000u)], after.CaptureRates.Select(rate => (rate.Signal, rate.PeriodMs)));
        Assert.True(after.Version > before.Version);
        Assert.Equal(2, told);

        Service.CommandAcknowledged(Session(), before.ToByteArray()); // of the Command before
        Assert.Equal(0, Directory.Orders[1001].ConfirmedUnixMs);
        Service.CommandAcknowledged(Session(), after.ToByteArray());
        Assert.NotEqual(0, Directory.Orders[1001].ConfirmedUnixMs);

        Command Current() => Command.Parser.ParseFrom(Service.CurrentCommand(Session()).Span);
    }

    [Fact]
    public void Submit_ManyGaps_CommandStaysWithinItsLimit()
    {
        for (ulong seq = 1; seq < 4_000; seq += 2) Send(seq);
        Assert.InRange(Service.CurrentCommand(Session()).Length, 1, Wire.WireLimits.MaxCommandBytes);
    }

    [Fact]
    public void Submit_InPieces_IsTheSameBatch()
    {
        byte[] batch = Batches.Seal(Epoch, 1, fill: 1_000);
        Assert.Equal(IngestOutcome.Stored, Service.Submit(Session(), Pieces.Of(batch, cut: 10)).Outcome);
        Log.FlushPending();
        Assert.Equal([(1001u, Epoch, 1ul)], Stored());
    }

    [Fact]
    public void Counts_EveryOutcome_SumUp()
    {
        IngestSession session = Session();
        Submit(session, Batches.Seal(Epoch, 1));
        Submit(session, Batches.Seal(Epoch, 1));
        Submit(session, Batches.Seal(Epoch, 2, profile: 7));
        Submit(session, [1, 2, 3]);
        Submit(session, new byte[Wire.WireLimits.MaxBatchBytes + 1]);
        IngestCounts counts = Service.Counts;
        Assert.Equal((5, 1, 1, 2, 1), (counts.Received, counts.Stored, counts.Duplicate, counts.DeadLettered, counts.Refused));
        Assert.True(counts.IsConserved);
    }
}
