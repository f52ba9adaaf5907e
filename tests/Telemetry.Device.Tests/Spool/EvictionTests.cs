using Telemetry.Device.Tests.Support;
using Telemetry.Wire.V1;

namespace Telemetry.Device.Tests.Spool;

public sealed class EvictionTests
{
    private const int Signals = 5;

    // Signals whose ids follow each other share one entry of the record; the collector is told of each.
    [Fact]
    public void Evict_BatchesOfSignalsInARow_EverySignalIsToldExactly()
    {
        Rig rig = new(options =>
        {
            options.Profile = new Profile(3, [1, 2, 3, 7, 40_000], [1, 1, 1, 1, 1], [1_000, 1_000, 1_000, 1_000, 1_000]);
            options.Flash = new Platform.MemoryFlash(64, 512, 6);
        });
        rig.Broker.IsUp = false;
        for (int second = 0; second < 4_000; second++)
        {
            foreach (int signal in (int[])[1, 2, 3, 7, 40_000]) rig.Client.RecordAt(signal, second * signal % 91, second * 1000L);
            rig.Run(1_000);
        }

        rig.AssertConserved();
        rig.Broker.IsUp = true;
        rig.Client.UploadNow();
        rig.Run(100_000);
        Assert.True(rig.Client.IsDrained);
        long evicted = rig.Client.ReadCounters().Dropped(LossReason.SpoolEvicted);
        Assert.True(evicted > 0);
        Dictionary<uint, ulong> told = [];
        foreach (byte[] batch in rig.Broker.Published)
        {
            foreach (Loss loss in Batch.Parser.ParseFrom(batch).Losses)
                told[loss.Signal] = told.GetValueOrDefault(loss.Signal) + loss.Count;
        }

        Assert.Equal(evicted / Signals, (long)told[1]);
        Assert.Equal((uint[])[1, 2, 3, 7, 40_000], told.Keys.Order());
        Assert.All(told.Values, samples => Assert.Equal(told[1], samples));
    }
}
