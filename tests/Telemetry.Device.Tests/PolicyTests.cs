using Telemetry.Device.Platform;
using Telemetry.Device.Tests.Support;

namespace Telemetry.Device.Tests;

public sealed class PolicyTests
{
    private const int Light = 1, Count = 2, Level = 3, Press = 4;

    [Fact]
    public void Record_WithinDeadband_IsNotRecordedAndKeptAgainAfterTheMaxInterval()
    {
        Rig rig = NewRig(profile =>
        {
            profile.Deadbands = [5, -1, -1, -1];
            profile.MaxIntervalsMs = [60_000, 0, 0, 0];
        });
        int[] values = [100, 105, 95, 106, 104, 106];
        foreach (int value in values) RecordEverySecond(rig, Light, value);
        rig.Clock.Advance(60_000);
        rig.Client.Record(Light, 106);

        Assert.Equal([100L, 106, 106], Delivered(rig, Light));
        Assert.Equal(4, rig.Client.ReadCounters().Unchanged);
        Assert.Equal(3, rig.Client.ReadCounters().Recorded);
    }

    [Fact]
    public void Record_SoonerThanTheMinInterval_IsToldAsRateLimited()
    {
        Rig rig = NewRig(profile => profile.MinIntervalsMs = [5000, 5000, 0, 0]);
        for (int i = 0; i < 10; i++)
        {
            rig.Client.Record(Count, 1);
            RecordEverySecond(rig, Light, i);
        }

        Assert.Equal([0L, 5], Delivered(rig, Light));
        Assert.Equal(10, Delivered(rig, Count).Length); // a dropped count would be missing from the sum
        Assert.Equal(8, rig.Client.ReadCounters().Dropped(LossReason.RateLimited));
        rig.AssertConserved();
    }

    [Fact]
    public void Record_RealAndEventWithDeadband_OnlyTheSameRealIsSkipped()
    {
        Rig rig = NewRig(profile => profile.Deadbands = [0, 0, 0, 0]);
        rig.Client.Record(Level, 0.5);
        rig.Client.Record(Level, 0.5);
        rig.Client.Record(Level, 0.5000001);
        for (int i = 0; i < 3; i++)
        {
            rig.Client.Record(Press, 1);
            rig.Client.Record(Count, 1);
        }

        Assert.Equal(2, Delivered(rig, Level).Length);
        Assert.Equal(3, Delivered(rig, Press).Length);
        Assert.Equal(3, Delivered(rig, Count).Length);
    }

    [Fact]
    public void Record_ValuesAtBothEndsOfTheirBits_AreFarApart()
    {
        Rig rig = NewRig(profile => profile.Deadbands = [int.MaxValue, -1, -1, -1]);
        rig.Client.Record(Light, long.MinValue);
        rig.Client.Record(Light, long.MaxValue);
        Assert.Equal([long.MinValue, long.MaxValue], Delivered(rig, Light));
    }

    [Fact]
    public void Options_TableOfAnotherLength_IsRefusedByName()
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(() => NewRig(profile => profile.Deadbands = [1]));
        Assert.Contains("Profile.Deadbands", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Metrics_ProfileAsksForThem_AreRecordedEveryPeriod()
    {
        const int Queue = 10, Battery = 11, Connects = 12, FreeMemory = 13;
        Rig rig = new(options =>
        {
            options.Health = new Health { BatteryPercent = 81 };
            options.Profile = new Profile(
                5, [Light, Queue, Battery, Connects, FreeMemory],
                [(byte)SignalKind.Gauge, (byte)SignalKind.Gauge, (byte)SignalKind.Gauge, (byte)SignalKind.Counter, (byte)SignalKind.Gauge], [1000, 60_000, 60_000, 60_000, 60_000])
            {
                SdkMetrics = [0, (byte)SdkMetric.Queue, (byte)SdkMetric.Battery, (byte)SdkMetric.Connects, (byte)SdkMetric.FreeMemory],
            };
        });
        rig.Run(200_000);

        Assert.Equal([81L, 81, 81], Delivered(rig, Battery));
        Assert.Equal(3, Delivered(rig, Queue).Length);
        Assert.Equal(1, Delivered(rig, Connects).Sum());
        Assert.Empty(Delivered(rig, FreeMemory)); // -1: not known
        rig.AssertConserved();
    }

    private static Rig NewRig(Action<Profile> change) => new(options =>
    {
        options.Profile = new Profile(
            5, [Light, Count, Level, Press], [(byte)SignalKind.Gauge, (byte)SignalKind.Counter, (byte)SignalKind.Real, (byte)SignalKind.Event], [0, 0, 0, 0]);
        change(options.Profile);
    });

    private static void RecordEverySecond(Rig rig, int signal, int value)
    {
        rig.Client.Record(signal, value);
        rig.Clock.Advance(1000);
        rig.Client.Step();
    }

    private static long[] Delivered(Rig rig, int signal)
    {
        rig.Client.Flush();
        rig.Run(1000);
        return [.. Rig.Samples(rig.Broker.Published).Where(sample => sample.Signal == signal).OrderBy(sample => sample.Ms).Select(sample => sample.Value)];
    }

    private sealed class Health : IHealth
    {
        public int BatteryPercent { get; init; }

        public long FreeMemoryBytes => -1;
    }
}
