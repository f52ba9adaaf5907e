using Google.Protobuf;
using Telemetry.Device.Platform;
using Telemetry.Device.Tests.Support;
using Telemetry.Wire.Batches;
using Telemetry.Wire.V1;

namespace Telemetry.Device.Tests;

/// <summary>A spool that runs full: one row in four, counted; nothing of a counter's sum is missing.</summary>
public sealed class ThinningTests
{
    private const int Pulse = 1, Steps = 2;

    [Fact]
    public void SpoolFull_ThreeDaysOffline_CoversTwiceAsLongAndTellsEverySampleLeftOut()
    {
        long whole = CoveredMs(thins: false);
        long thinned = CoveredMs(thins: true);

        // Somewhat more than four times is possible: one row in four of these series is noise, which is written about its level.
        Assert.InRange(thinned, 2 * whole, 5 * whole);
    }

    [Fact]
    public void SpoolFull_RowsAreLeftOut_CountersKeepTheirSumAndNoGapIsLongerThanFourSeconds()
    {
        Rig rig = NewRig(thins: true);
        long steps = 0;
        int second = 0;
        while (rig.Client.ReadCounters().Dropped(LossReason.Thinned) < 1000) steps += RecordRow(rig, second++);
        Assert.Equal(0, rig.Client.ReadCounters().Dropped(LossReason.SpoolEvicted));

        rig.Broker.IsUp = true;
        rig.Client.UploadNow();
        rig.Run(60_000);
        Assert.True(rig.Client.IsDrained);
        steps += RecordRow(rig, second);
        rig.Client.Flush();
        rig.Run(1000);

        List<(int Signal, long Ms, long Value)> samples = Rig.Samples(rig.Broker.Published);
        Assert.Equal(steps, samples.Where(sample => sample.Signal == Steps).Sum(sample => sample.Value));
        long[] times = [.. samples.Where(sample => sample.Signal == Pulse).Select(sample => sample.Ms).Order()];
        long longest = times.Zip(times.Skip(1), (first, next) => next - first).SkipLast(1).Max(); // the last row came a minute later
        Assert.Equal(4000, longest);
        rig.AssertConserved();
    }

    [Fact]
    public void ErasureFence_CountsOfRowsLeftOut_DoNotComeOverIt()
    {
        Rig rig = NewRig(thins: true);
        long thinned = 0;
        int second = 0;
        while (rig.Client.ReadCounters().Dropped(LossReason.Thinned) is var now && (now < 100 || now == thinned))
        {
            thinned = now;
            RecordRow(rig, second++, steps: 1); // until the last row was left out
        }

        rig.Broker.Command = new Command { Version = 1, EraseEpoch = rig.Client.Epoch }.ToByteArray();
        rig.Broker.IsUp = true;
        rig.Client.UploadNow();
        rig.Run(60_000);
        rig.Broker.Published.Clear();
        RecordRow(rig, second, steps: 1);
        rig.Client.Flush();
        rig.Run(1000);
        Assert.Equal(1, Rig.Samples(rig.Broker.Published).Single(sample => sample.Signal == Steps).Value);
        rig.AssertConserved();
    }

    private static long CoveredMs(bool thins)
    {
        Rig rig = NewRig(thins);
        for (int second = 0; second < 3 * 86_400; second++) RecordRow(rig, second);
        rig.Broker.IsUp = true;
        rig.Client.UploadNow();
        rig.Run(60_000);
        Assert.True(rig.Client.IsDrained);

        TelemetryCounters counters = rig.Client.ReadCounters();
        Assert.Equal(thins, counters.Dropped(LossReason.Thinned) > 0);
        long told = 0;
        foreach (byte[] batch in rig.Broker.Published)
        {
            foreach (LossEntry loss in BatchReader.Losses(batch)) told += loss.Count;
        }

        List<(int Signal, long Ms, long Value)> samples = Rig.Samples(rig.Broker.Published);
        Assert.Equal(counters.DroppedTotal, told);
        Assert.Equal(2 * 3 * 86_400, samples.Count + told);
        rig.AssertConserved();
        return samples.Max(sample => sample.Ms) - samples.Min(sample => sample.Ms);
    }

    private static Rig NewRig(bool thins)
    {
        Rig rig = new(options =>
        {
            options.Profile = new Profile(1, [Pulse, Steps], [(byte)SignalKind.Gauge, (byte)SignalKind.Counter], [1000, 1000]);
            options.Flash = new MemoryFlash(256, 2048, 10);
            options.ThinsWhenNearlyFull = thins;
        });
        rig.Broker.IsUp = false;
        return rig;
    }

    private static int RecordRow(Rig rig, int second, int steps = -1)
    {
        if (steps < 0) steps = second * 7 % 11 % 3;
        rig.Client.Record(Pulse, 60 + (second / 60 % 30) + (second * 13 % 7 % 3));
        rig.Client.Record(Steps, steps);
        rig.Run(1000);
        return steps;
    }
}
