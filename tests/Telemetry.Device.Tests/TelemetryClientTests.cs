using Telemetry.Device.Tests.Support;

namespace Telemetry.Device.Tests;

public sealed class TelemetryClientTests
{
    [Fact]
    public void Record_AllSignalsOfATick_ArriveAsTheyWereAndAreFreed()
    {
        Rig rig = new();
        List<(int, long, long)> expected = [];
        for (int second = 0; second < 1500; second++)
        {
            long now = rig.Clock.UptimeMs;
            rig.Client.Record(Rig.HeartRate, 60 + (second % 40));
            rig.Client.Record(Rig.Cadence, second % 90);
            rig.Client.Record(Rig.Temperature, 36.6);
            expected.AddRange([(Rig.HeartRate, now, 60 + (second % 40)), (Rig.Cadence, now, second % 90), (Rig.Temperature, now, 3660)]);
            rig.Client.Step();
            rig.Clock.Advance(1000);
        }

        rig.Client.Flush();
        rig.Run(1000);

        Assert.Equal(expected.Order(), Rig.Samples(rig.Broker.Published).Order());
        Assert.True(rig.Client.IsDrained);
        TelemetryCounters counters = rig.Client.ReadCounters();
        Assert.Equal(4500, counters.Recorded);
        Assert.Equal(4500, counters.Acked);
        rig.AssertConserved();
    }

    [Fact]
    public void Record_MissingNeighboursIrregularWideAndReal_NothingIsLostOrMoved()
    {
        Rig rig = new();
        Random random = new(11);
        List<(int, long, long)> expected = [];
        for (int i = 0; i < 3000; i++)
        {
            long now = rig.Clock.UptimeMs;
            int signal = random.Next(1, 7);
            if (signal == Rig.Power)
            {
                double watts = random.NextDouble();
                rig.Client.RecordAt(signal, watts, now);
                expected.Add((signal, now, BitConverter.DoubleToInt64Bits(watts)));
            }
            else
            {
                int value = random.Next(0, 2);
                rig.Client.RecordAt(signal, value, now);
                expected.Add((signal, now, value));
            }

            if (random.Next(4) == 0) rig.Clock.Advance(random.Next(1, 2000));
            if (random.Next(9) == 0) rig.Client.Step();
            if (i % 100 == 0) rig.AssertConserved();
        }

        rig.Client.Flush();
        rig.Run(1000);

        Assert.Equal(expected.Order(), Rig.Samples(rig.Broker.Published).Order());
        rig.AssertConserved();
    }
}
