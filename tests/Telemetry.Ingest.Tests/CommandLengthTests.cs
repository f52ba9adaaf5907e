using Telemetry.Registry;
using Telemetry.Wire;
using Telemetry.Wire.V1;

namespace Telemetry.Ingest.Tests;

/// <summary>A Command is never longer than its device reads, and what was left out is not taken for confirmed.</summary>
public sealed class CommandLengthTests : IngestTestBase
{
    private const int Rates = 60;

    [Fact]
    public void CurrentCommand_AnyRoom_IsFilledAndNeverPassed()
    {
        OrderMuch();
        // The question is the longest piece that goes at once.
        for (int room = 60; room < 1_000; room += 7) Assert.InRange(Service.CurrentCommand(Session(), room).Length, Math.Min(room, Whole().CalculateSize()) - 100, room);
        Assert.InRange(Service.CurrentCommand(Session()).Length, 500, WireLimits.MaxCommandBytes);
    }

    [Fact]
    public void CurrentCommand_TooLong_LeavesOutWhatIsNeededLeast()
    {
        OrderMuch();
        Command whole = Whole();
        Assert.Equal((8, Rates, 3), (whole.Resend.Count, whole.CaptureRates.Count, whole.WithdrawnSignals.Count));
        Command withoutRanges = Short(whole.CalculateSize() - 1);
        Assert.Equal((7, Rates, 3), (withoutRanges.Resend.Count, withoutRanges.CaptureRates.Count, withoutRanges.WithdrawnSignals.Count));
        Assert.NotNull(withoutRanges.Question);

        Command untold = Short(WireLimits.MaxUntoldCommandBytes);
        Assert.Empty(untold.Resend);
        Assert.Null(untold.Question);
        Assert.InRange(untold.CaptureRates.Count, 20, Rates - 1);
        Assert.Equal(whole.CaptureRates.Take(untold.CaptureRates.Count), untold.CaptureRates);
        Assert.Equal(whole.WithdrawnSignals, untold.WithdrawnSignals);

        Command least = Short(60);
        Assert.Equal((whole.Version, whole.ReconnectWindow, whole.UploadWindow, whole.MaxBatchBytes), (least.Version, least.ReconnectWindow, least.UploadWindow, least.MaxBatchBytes));
        Assert.NotEqual(0ul, least.ServerUnixMs);
        Assert.Equal([7u, 8u, 300u], least.WithdrawnSignals);
        Assert.InRange(least.CaptureRates.Count, 0, 3);
    }

    [Fact]
    public void CommandAcknowledged_WithLessThanWasOrdered_ConfirmsNothing()
    {
        OrderMuch();
        Service.CommandAcknowledged(Session(), Service.CurrentCommand(Session(), WireLimits.MaxUntoldCommandBytes).Span);
        Assert.Equal(0, Directory.Orders[1001].ConfirmedUnixMs);
        Service.CommandAcknowledged(Session(), Service.CurrentCommand(Session()).Span);
        Assert.NotEqual(0, Directory.Orders[1001].ConfirmedUnixMs);
    }

    private Command Whole() => Short(WireLimits.MaxCommandBytes);

    private Command Short(int maxBytes) => Command.Parser.ParseFrom(Service.CurrentCommand(Session(), maxBytes).Span);

    private void OrderMuch()
    {
        for (ulong seq = 1; seq < 1_000; seq += 100) Send(seq);
        Directory.Order(1001, new DeviceOrders
        {
            Rates = [.. Enumerable.Range(1, Rates).Select(signal => new CaptureOrder(signal, 60_000, SinceUnixMs: 1))],
            Upload = new UploadOrder(86_400, 7_200, SinceUnixMs: 1),
            Batch = new BatchOrder(1_024, SinceUnixMs: 1),
            Question = new OpenQuestion(5, new UserQuestion(UserKey.Parse("u0000000000000001"), 1001, 0, 10, [new("run", true), new("run", false)], "run", "m1"), AnswerSignal: 9, SinceUnixMs: 1),
            Withdrawn = [7, 8, 300],
        });
    }
}
