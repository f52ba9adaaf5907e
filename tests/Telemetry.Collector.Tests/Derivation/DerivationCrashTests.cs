using Telemetry.Collector.Derivation;
using Telemetry.Insights.Store;
using Telemetry.Log;
using Telemetry.Scenarios.Minutes;
using Telemetry.Testing;

namespace Telemetry.Collector.Tests.Derivation;

/// <summary>A collector that dies in the middle of a derivation step, again and again, ends with the minutes and segments of one that never did.</summary>
public sealed class DerivationCrashTests : IDisposable
{
    private const int Hours = 30;
    private const int StepRecords = 6;
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The bytes on disk at the instant of death are what the next life begins with: nothing is rolled back, closed or flushed in between.</summary>
    [Fact]
    public async Task Step_ProcessDiesAtTwoHundredPoints_EndsInTheTotalsOfTheBatchRun()
    {
        const int Crashes = 200;
        using BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = _folder["log"], SegmentBytes = 1 << 20 });
        await Household.AppendAsync(log, Household.Batches(5, Hours));
        (List<string> segments, List<string> minutes) = BatchRun(log);

        Random random = new(11);
        int life = 0, crashes = 0;
        for (bool isDone = false; !isDone; life++)
        {
            using InsightsStore store = InsightsStore.Open(Database(life));
            Mortal home = new(crashes < Crashes ? random.Next(StepRecords + 2) : int.MaxValue, () => CopyDatabase(life));
            using ScenarioConsumer consumer = new(log, home, home, store, options: new DerivationOptions { StepRecords = StepRecords });
            try
            {
                while (consumer.Step())
                {
                }

                isDone = true;
                Assert.Equal(segments, Segments(store));
                Assert.Equal(minutes, Minutes(store));
            }
            catch (DeathException)
            {
                crashes++;
            }
        }

        Assert.Equal(Crashes, crashes);
        Assert.Equal(Crashes + 1, life);
    }

    private (List<string> Segments, List<string> Minutes) BatchRun(BlockLog log)
    {
        Household home = new();
        using InsightsStore store = InsightsStore.Open(_folder["batch.db"]);
        using ScenarioConsumer consumer = new(log, home, home, store, options: new DerivationOptions { StepRecords = 10_000 });
        while (consumer.Step()) Assert.Equal(log.DurablePosition, store.Cursor); // one step takes all, one more names
        return (Segments(store), Minutes(store));
    }

    private string Database(int life) => _folder[$"insights-{life}.db"];

    private void CopyDatabase(int life)
    {
        foreach (string part in new[] { "", "-wal" })
        {
            if (File.Exists(Database(life) + part)) File.Copy(Database(life) + part, Database(life + 1) + part);
        }
    }

    private static List<string> Segments(InsightsStore store) =>
        [.. store.Segments(new Household().User, 0, int.MaxValue).Select(stored => $"{stored.Segment} {string.Join(',', stored.Segment.Devices)} {string.Join(',', stored.Segment.Evidence)}")];

    private static List<string> Minutes(InsightsStore store)
    {
        using InsightsTransaction transaction = store.Begin();
        return [.. transaction.Minutes(new Household().User, 0, int.MaxValue).Select(row => $"{row.Minute} {Samples(row.State)} {Convert.ToHexString(row.State)}")];
    }

    private static int Samples(byte[] state) => MinuteRowCodec.Read(state).Devices.Sum(device => device.Has(SignalSlot.HeartRate) ? device[SignalSlot.HeartRate].Count : 0);

    private sealed class DeathException : Exception;

    /// <summary>The household, until it is asked for one batch too many.</summary>
    private sealed class Mortal(int batches, Action die) : Household
    {
        private int _left = batches;

        public override IReadOnlyList<ConsentedRange> RangesOf(uint deviceKey)
        {
            if (_left-- > 0) return base.RangesOf(deviceKey);
            die();
            throw new DeathException();
        }
    }
}
