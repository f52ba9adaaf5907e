using Telemetry.Bench.Device;
using Telemetry.Device.Delivery;
using Telemetry.Device.Platform;

namespace Telemetry.Device.Tests.Delivery;

public sealed class ReconnectPolicyTests
{
    [Fact]
    public void NextDelayMs_AnyAttemptNumber_StaysInItsWindow()
    {
        Chance chance = new(1);
        for (int failures = 0; failures < 100_000; failures++)
        {
            Assert.InRange(ReconnectPolicy.NextDelayMs(failures, 0, 0, false, chance), 0, ReconnectPolicy.LongestOwnWindowMs - 1);
            Assert.InRange(ReconnectPolicy.NextDelayMs(failures, 200_000, 0, false, chance), 0, 199_999);
        }
    }

    [Fact]
    public void NextDelayMs_WindowNamedForASmallFleet_StillBacksOffForTheBattery()
    {
        Chance chance = new(8);
        int[] first = Delays(0), fifth = Delays(4), late = Delays(50);
        Assert.All(first, delay => Assert.InRange(delay, 0, 4_999)); // the window told is the longer one
        Assert.All(fifth, delay => Assert.InRange(delay, 0, 31_999));
        Assert.InRange(late.Average(), 0.4 * ReconnectPolicy.LongestOwnWindowMs, 0.6 * ReconnectPolicy.LongestOwnWindowMs);
        Assert.Contains(first, delay => delay > 2_000);

        int[] Delays(int failures) => [.. Enumerable.Range(0, 1000).Select(_ => ReconnectPolicy.NextDelayMs(failures, 9_090, 0, false, chance))];
    }

    [Fact]
    public void NextDelayMs_FarAttempts_KeepTheirJitter()
    {
        Chance chance = new(2);
        HashSet<int> delays = [.. Enumerable.Range(0, 100).Select(_ => ReconnectPolicy.NextDelayMs(1000, 0, 0, false, chance))];
        Assert.True(delays.Count > 95, $"only {delays.Count} of 100 delays differ");
    }

    [Fact]
    public void NextDelayMs_BadCredentials_AtMostOnceAnHour() =>
        Assert.InRange(ReconnectPolicy.NextDelayMs(0, 1000, 5, true, new Chance(3)), 3_600_000, 7_200_000);

    [Fact]
    public void NextDelayMs_SlotGiven_IsKeptExactly() => Assert.Equal(1234, ReconnectPolicy.NextDelayMs(7, 1000, 1234, false, new Chance(4)));

    [Fact]
    public void NextDelayMs_AbsurdWindow_IsADayAtMost() =>
        Assert.InRange(ReconnectPolicy.NextDelayMs(3, int.MaxValue, 0, false, new Chance(5)), 0, ReconnectPolicy.LongestWindowMs);

    [Theory]
    [InlineData(2, 2.0, 1.0, 400)]
    [InlineData(30, 5.0, 4.0, 400)]
    [InlineData(600, 1.05, 0.05, 200)]
    public void Herd_HundredThousandDevices_ComesBackWithoutStampede(int outageSeconds, double peak, double refused, double p999Seconds)
    {
        HerdRun run = HerdModel.Run(100_000, 1000, outageSeconds, 0.05, 6);
        Assert.True(run.PeakOverCapacity <= peak + 0.1, $"peak {run.PeakOverCapacity}"); // a tenth of the fleet: the peak of a second is noisier
        Assert.True(run.RefusedPerDevice <= refused + 0.05, $"refused {run.RefusedPerDevice}");
        Assert.True(run.P999Seconds <= p999Seconds, $"99.9 % after {run.P999Seconds} s");
    }
}
