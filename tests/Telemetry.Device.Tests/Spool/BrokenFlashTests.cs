using Telemetry.Device.Platform;
using Telemetry.Device.Tests.Support;

namespace Telemetry.Device.Tests.Spool;

/// <summary>The whole client over flash that is rubbish in parts, or dies with the battery.</summary>
public sealed class BrokenFlashTests
{
    private const int PageBytes = 64, SectorBytes = 1024, Sectors = 10;

    [Fact]
    public void Mount_PagesOfRubbish_OnlyWhatWasRecordedArrivesAndTheDeviceGoesOn()
    {
        for (int seed = 1; seed <= 200; seed++)
        {
            Random random = new(seed);
            MemoryFlash flash = new(PageBytes, SectorBytes, Sectors);
            ManualClock clock = new(0);
            HashSet<(int, long, long)> recorded = [];
            Rig before = NewRig(flash, clock, seed);
            before.Broker.IsUp = false;
            Record(before, random, 400, recorded);
            for (int pages = random.Next(1, 12); pages > 0; pages--) Spoil(flash.Content, random);

            Rig after = NewRig(flash, clock, seed + 1000);
            after.AssertConserved();
            Record(after, random, 100, recorded);
            after.Client.Flush();
            after.Run(900_000);
            Assert.True(after.Client.IsDrained, $"seed {seed}");
            Assert.All(Rig.Samples(after.Broker.Published), sample => Assert.Contains(sample, recorded));
            after.AssertConserved();
        }
    }

    [Fact]
    public void Battery_DiesInTheMiddleOfEachWrite_TheNextBootDeliversAllThatWasSealed()
    {
        for (int write = 0; write < 260; write += 3)
        {
            CutFlash flash = new CutFlash(PageBytes, SectorBytes, Sectors).Copy(write);
            ManualClock clock = new(0);
            HashSet<(int, long, long)> recorded = [];
            Rig dying = NewRig(flash, clock, seed: 1);
            dying.Broker.IsUp = false;
            Record(dying, new Random(write), 300, recorded);
            dying.AssertConserved();
            long sealedBatches = dying.Client.ReadCounters().SealedBatches;

            flash.PowerUp();
            Rig next = NewRig(flash, clock, seed: 2);
            next.Run(900_000);
            Assert.True(next.Client.IsDrained, $"write {write}");
            Assert.True(next.Broker.Published.Count >= sealedBatches, $"write {write}: {next.Broker.Published.Count} batches of {sealedBatches} sealed ones");
            Assert.All(Rig.Samples(next.Broker.Published), sample => Assert.Contains(sample, recorded));
            next.AssertConserved();
        }
    }

    private static Rig NewRig(IFlash flash, ManualClock clock, int seed) => new(options =>
    {
        options.Flash = flash;
        options.Seed = seed;
        options.SealIntervalMs = 20_000;
        options.OfflineSealIntervalMs = 20_000;
        options.BatchBytes = 256;
    }, clock: clock);

    private static void Record(Rig rig, Random random, int seconds, HashSet<(int, long, long)> recorded)
    {
        for (int second = 0; second < seconds; second++)
        {
            Put(Rig.HeartRate, 60 + random.Next(3));
            Put(Rig.Cadence, random.Next(5));
            Put(Rig.Temperature, 2000 + random.Next(20));
            if (random.Next(20) == 0) Put(Rig.Door, random.Next(2));
            rig.Run(1000);
        }

        void Put(int signal, int value)
        {
            recorded.Add((signal, rig.Clock.UptimeMs, value));
            rig.Client.Record(signal, value);
        }
    }

    private static void Spoil(byte[] content, Random random)
    {
        Span<byte> page = content.AsSpan(random.Next(content.Length / PageBytes) * PageBytes, PageBytes);
        switch (random.Next(4))
        {
            case 0:
                random.NextBytes(page);
                break;
            case 1:
                page.Clear();
                break;
            case 2:
                page.Fill(0xFF);
                break;
            default:
                content.AsSpan(random.Next(content.Length / PageBytes) * PageBytes, PageBytes).CopyTo(page);
                break;
        }
    }
}
