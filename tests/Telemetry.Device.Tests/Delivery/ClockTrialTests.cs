using Telemetry.Bench.Device;

namespace Telemetry.Device.Tests.Delivery;

/// <summary>The trial of <c>tools/bench clock</c> with a sample every ten seconds.</summary>
public sealed class ClockTrialTests
{
    [Theory]
    [InlineData(50)]
    [InlineData(-50)]
    [InlineData(7)]
    public void SevenDaysOffline_DriftAndTwoLostClocks_RecoverableWithinASecondTheRestFlagged(int driftPpm)
    {
        ClockResult result = new ClockTrial(stepMs: 10_000, driftPpm, seed: 5).Run();

        Assert.InRange(result.P99ErrorMs, 0, 1000);
        Assert.Equal(0, result.WrongAndNotFlagged);

        // Of ten and a half days the two and a half between the losses have no time, nor the minutes before the first sync, when only the battery-backed
        // clock speaks. Each power cut takes what is not sealed: out of reach of the collector at most an hour, 360 samples. At the end up to five minutes
        // are not sealed and as much is not uploaded.
        Assert.InRange(result.Flagged, 21_600 - 360, 21_600 + 30);
        Assert.InRange(result.Placed, 90_720 - 21_600 - 360 - 60, 90_720 - 21_600);
    }
}
