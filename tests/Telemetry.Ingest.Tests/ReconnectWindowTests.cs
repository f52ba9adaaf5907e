using Telemetry.Ingest.Commands;
using Telemetry.Testing;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.V1;

namespace Telemetry.Ingest.Tests;

/// <summary>The window that devices are told grows with the fleet, and who is connected hears of it.</summary>
public sealed class ReconnectWindowTests : IngestTestBase
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    public ReconnectWindowTests() => Options = new IngestOptions { ReconnectsPerSecond = 1 };

    [Theory]
    [InlineData(0, 2_000, 2_000)]
    [InlineData(2_000, 2_000, 2_000)]
    [InlineData(10_000, 2_000, 10_000)]
    [InlineData(1_000_000, 10_000, 200_000)]
    [InlineData(4_000_000_000, 1, 86_400_000)]
    public void WindowMs_IsTwiceTheFleetOverTheRateWithinItsBounds(long devices, int perSecond, int windowMs) =>
        Assert.Equal(windowMs, FleetSpread.WindowMs(devices, perSecond));

    [Fact]
    public void CurrentCommand_NamesTheWindowOfAllDevicesThatEverSent_AlsoAfterARestart()
    {
        Assert.Equal(2_000, WindowMs());
        for (uint device = 1; device <= 5; device++) Submit(Session($"brand-1/{device}"), Batches.Seal(Epoch, 1));
        Assert.Equal(10_000, WindowMs());
        Submit(Session("brand-1/5"), Batches.Seal(Epoch + 1, 1)); // was reset: still one device
        Assert.Equal(10_000, WindowMs());

        Close();
        Assert.Equal(10_000, WindowMs());
        Submit(Session("brand-2/1"), Batches.Seal(Epoch, 1));
        Log.FlushPending();
        Kill();
        Assert.Equal(12_000, WindowMs());

        int WindowMs()
        {
            Command command = Command.Parser.ParseFrom(Service.CurrentCommand(Session()).Span);
            Assert.Equal(Service.ReconnectWindowMs, (int)command.ReconnectWindow.WindowMs);
            return Service.ReconnectWindowMs;
        }
    }

    [Fact]
    public async Task Submit_FleetOutgrewByAQuarterWhatADeviceWasTold_ItIsToldWithoutANewVersion()
    {
        for (uint device = 1; device <= 8; device++) Submit(Session($"brand-1/{device}"), Batches.Seal(Epoch, 1));
        Close();
        TaskCompletionSource<uint> told = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using IDisposable listening = Service.OnCommandChanged(Session(), () => told.TrySetResult(Command.Parser.ParseFrom(Service.CurrentCommand(Session()).Span).ReconnectWindow.WindowMs));
        uint version = Command.Parser.ParseFrom(Service.CurrentCommand(Session()).Span).Version;
        Submit(Session("brand-2/1"), Batches.Seal(Epoch, 1));
        Assert.False(told.Task.IsCompleted);
        Submit(Session("brand-2/2"), Batches.Seal(Epoch, 1));
        Assert.Equal(20_000u, await told.Task.WaitAsync(s_limit));
        Assert.Equal(version, Command.Parser.ParseFrom(Service.CurrentCommand(Session()).Span).Version);
    }

    [Fact]
    public async Task OnDeviceAdded_ManyConnected_AreToldAtThePaceOfAcceptsAndOnlyWhenOutgrown()
    {
        const int Rate = 100, AtOnce = 10;
        TimeSpan pause = TimeSpan.FromSeconds(0.1);
        ManualTime time = new();
        CommandBoard board = new(time);
        using SemaphoreSlim told = new(0);
        for (uint device = 1; device <= 3 * AtOnce; device++) board.Listen(device, () => told.Release());
        board.Listen(1000, () => told.Release()).Dispose(); // gone: nobody to tell
        long devices = 1_000;
        using ReconnectWindows windows = new(() => Volatile.Read(ref devices), Rate, board, time);

        Volatile.Write(ref devices, 1_249);
        windows.OnDeviceAdded();
        Volatile.Write(ref devices, 1_250);
        windows.OnDeviceAdded();
        windows.OnDeviceAdded(); // under way already
        await ToldAsync(AtOnce);
        await ToldAsync(AtOnce);

        // It outgrows that too while the last are told: all are told once more, behind them.
        Volatile.Write(ref devices, 2_000);
        windows.OnDeviceAdded();
        for (int chunk = 0; chunk < 4; chunk++) await ToldAsync(AtOnce);

        Volatile.Write(ref devices, 2_499);
        windows.OnDeviceAdded();
        Assert.Equal(0, told.CurrentCount);

        async Task ToldAsync(int count)
        {
            for (int i = 0; i < count; i++) Assert.True(await told.WaitAsync(s_limit));
            await time.TimerAsync(pause);
            Assert.Equal(0, told.CurrentCount); // and no more before the pause is over
            time.Advance(pause);
        }
    }
}
