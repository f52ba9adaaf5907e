using Google.Protobuf;
using Telemetry.Device.Platform;
using Telemetry.Device.Tests.Support;
using Telemetry.Wire.V1;

namespace Telemetry.Device.Tests;

public sealed class SessionTests
{
    private const int Session = 20, Boot = 21;

    [Fact]
    public void StartSession_PowerCutAtOnce_GoesOnAfterTheBootAndIsRecordedAgain()
    {
        MemoryFlash flash = new(256, 4096, 16);
        Rig first = NewRig(flash);
        Assert.Equal(DeviceStatus.Ok, first.Client.StartSession(5));

        Rig second = NewRig(flash); // RAM is forgotten
        Assert.Equal(5, second.Client.Session);
        second.Client.Flush();
        second.Run(1000);

        Assert.Equal([5L, 5L], Values(second, Session));
        second.AssertConserved();
    }

    [Fact]
    public void StopSession_PowerCutAtOnce_StaysStopped()
    {
        MemoryFlash flash = new(256, 4096, 16);
        Rig first = NewRig(flash);
        first.Client.StartSession(5);
        Assert.Equal(DeviceStatus.Ok, first.Client.StopSession());
        Assert.Equal(0, NewRig(flash).Client.Session);
    }

    [Fact]
    public void StartSession_RingWrappedAndAckedSince_IsStillKnownAfterManyBoots()
    {
        MemoryFlash flash = new(64, 512, 6);
        NewRig(flash).Client.StartSession(7);
        for (int boot = 0; boot < 40; boot++)
        {
            Rig rig = NewRig(flash);
            Assert.Equal(7, rig.Client.Session);
            for (int i = 0; i < 20; i++)
            {
                rig.Client.Record(Rig.Door, i & 1);
                rig.Client.Flush();
            }

            if (boot % 2 == 0) rig.Run(1000);
            rig.AssertConserved();
        }
    }

    [Fact]
    public void StartSession_Erased_EndsWithTheEpoch()
    {
        MemoryFlash flash = new(256, 4096, 16);
        Rig rig = NewRig(flash);
        rig.Client.StartSession(5);
        rig.Broker.Command = new Command { Version = 1, EraseEpoch = rig.Client.Epoch }.ToByteArray();
        rig.Run(1000);
        Assert.Equal(0, rig.Client.Session);
        Assert.Equal(0, NewRig(flash).Client.Session);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65536)]
    public void StartSession_NoSuchKind_IsRefused(int kind) => Assert.Equal(DeviceStatus.TooLarge, NewRig(new MemoryFlash(256, 4096, 16)).Client.StartSession(kind));

    [Fact]
    public void StartSession_ProfileWithoutIt_IsRefused() => Assert.Equal(DeviceStatus.UnknownSignal, new Rig().Client.StartSession(1));

    [Fact]
    public void Boot_ProfileAsksForIt_ReasonIsRecordedOnce()
    {
        Rig rig = NewRig(new MemoryFlash(256, 4096, 16), options => options.BootReason = BootReason.Watchdog);
        rig.Run(5000);
        Assert.Equal([(long)BootReason.Watchdog], Values(rig, Boot));
    }

    private static Rig NewRig(MemoryFlash flash, Action<TelemetryOptions>? change = null) => new(
        options =>
        {
            options.Profile = new Profile(
                0x77, [Rig.Door, Session, Boot], [(byte)SignalKind.State, (byte)SignalKind.State, (byte)SignalKind.Event], [0, 0, 0])
            {
                SdkMetrics = [0, (byte)SdkMetric.Session, (byte)SdkMetric.Boot],
            };
            change?.Invoke(options);
        },
        flash);

    private static long[] Values(Rig rig, int signal) => [.. Rig.Samples(rig.Broker.Published).Where(sample => sample.Signal == signal).Select(sample => sample.Value)];
}
