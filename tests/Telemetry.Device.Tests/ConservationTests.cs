using Telemetry.Device.Platform;
using Telemetry.Device.Tests.Support;

namespace Telemetry.Device.Tests;

/// <summary>
/// Promise 2 on the device: restored + recorded = acked + spooled + open + dropped, after every step of random schedules. The long run is
/// <c>TELEMETRY_SCHEDULES=1-100000 dotnet test tests/Telemetry.Device.Tests -c Release --filter ConservationTests</c>, or in parts.
/// </summary>
public sealed class ConservationTests
{
    private const int Steps = 250;

    // Seeds, first and last.
    private static int[] Schedules => [.. (Environment.GetEnvironmentVariable("TELEMETRY_SCHEDULES") ?? "1-400").Split('-').Select(int.Parse)];

    [Fact]
    public void Counts_RandomSchedules_AlwaysAddUp()
    {
        long thinned = 0;
        long evicted = 0;
        for (int seed = Schedules[0]; seed <= Schedules[1]; seed++)
        {
            try
            {
                TelemetryCounters counters = RunSchedule(seed);
                thinned += counters.Dropped(LossReason.Thinned);
                evicted += counters.Dropped(LossReason.SpoolEvicted);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                throw new InvalidOperationException($"schedule of seed {seed} failed", e);
            }
        }

        Assert.NotEqual(0, thinned);
        Assert.NotEqual(0, evicted);
    }

    private static TelemetryCounters RunSchedule(int seed)
    {
        Random random = new(seed);
        MemoryFlash flash = new(64, 1024, 8);
        ManualClock clock = new(0);
        Rig rig = NewRig(random, flash, clock);
        for (int step = 0; step < Steps; step++)
        {
            switch (random.Next(12))
            {
                case 0:
                    rig.Client.Flush();
                    break;
                case 1:
                    rig.Broker.Acks = !rig.Broker.Acks;
                    break;
                case 2:
                    rig.Broker.Drop();
                    break;
                case 3:
                    rig.Broker.IsUp = !rig.Broker.IsUp;
                    break;
                case 4:
                    // The power goes: RAM is forgotten, flash is mounted again.
                    if (random.Next(4) == 0) rig = NewRig(random, flash, clock);
                    break;
                case 5:
                    rig.Broker.PubackReason = random.Next(3) == 0 ? (int[])[0x97, 0x99, 0x83] is var codes ? codes[random.Next(3)] : 0 : 0;
                    break;
                case 6:
                    rig.Broker.BreakAfterBytes = random.Next(2) == 0 ? random.Next(1, 600) : -1;
                    break;
                case 7:
                    flash.Content[random.Next(flash.Content.Length)] ^= (byte)(random.Next(30) == 0 ? 1 << random.Next(8) : 0);
                    break;
                default:
                    Record(rig, random);
                    break;
            }

            rig.Clock.Advance(random.Next(5000));
            rig.Client.Step();
            rig.AssertConserved();
        }

        rig.Client.Flush();
        rig.AssertConserved();
        return rig.Client.ReadCounters();
    }

    private static Rig NewRig(Random random, MemoryFlash flash, ManualClock clock) =>
        new(options =>
        {
            options.SealIntervalMs = 20_000;
            options.BatchBytes = 256;
            options.Seed = random.Next();
            options.ProtocolVersion = random.Next(4, 6);
        }, flash, clock);

    private static void Record(Rig rig, Random random)
    {
        if (random.Next(3) == 0)
        {
            for (int i = random.Next(1, 200); i > 0; i--)
            {
                for (int signal = Rig.HeartRate; signal <= Rig.Temperature; signal++) rig.Client.Record(signal, random.Next(200));
                rig.Clock.Advance(1000);
            }
        }

        for (int i = random.Next(1, 60); i > 0; i--)
        {
            int signal = random.Next(1, 7);
            if (signal == Rig.Power) rig.Client.Record(signal, random.NextDouble());
            else rig.Client.Record(signal, random.Next(-20, 300));
            if (random.Next(3) == 0) rig.Clock.Advance(random.Next(300));
        }
    }
}
