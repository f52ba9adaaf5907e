using Telemetry.Collector.Derivation;
using Telemetry.Insights.Store;
using Telemetry.Log;
using Telemetry.Scenarios;
using Telemetry.Scenarios.Segments;
using Telemetry.Testing;

namespace Telemetry.Collector.Tests.Derivation;

public sealed class ScenarioConsumerTests : IDisposable
{
    private const int Hours = 30; // over a midnight, so that two days and a warm-up are at stake
    private readonly TempFolder _folder = new();
    private readonly Household _home = new();
    private int _stores;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Step_AnyOrderOfDeliveryStepsAndRestarts_EndsInTheSameSegmentsAsOnePass()
    {
        List<(uint Device, byte[] Bytes)> batches = Household.Batches(1, Hours);
        List<string> expected = await DeriveAsync(batches, new DerivationOptions(), restartEvery: int.MaxValue);
        Assert.Contains(expected, line => line.Contains(ScenarioNames.Run, StringComparison.Ordinal));

        for (int plan = 0; plan < 12; plan++)
        {
            Random random = new(plan);
            (uint, byte[])[] order = [.. batches];
            if (plan % 3 == 0) random.Shuffle(order);
            else Delay(order, random, most: plan % 3 == 1 ? 6 : 80);
            DerivationOptions options = new() { StepRecords = random.Next(1, 60), HotUsers = 16 };
            List<string> segments = await DeriveAsync(order, options, restartEvery: random.Next(2, 10));
            Assert.True(expected.SequenceEqual(segments), $"Plan {plan} (seed {plan}) ends in other segments.");
        }
    }

    [Fact]
    public async Task Step_UserWhoDoesNotConsent_LeavesNothing()
    {
        _home.Consent = (0, 1);
        Assert.Empty(await DeriveAsync(Household.Batches(1, 3), new DerivationOptions(), int.MaxValue));
    }

    [Fact]
    public async Task Step_ConsentFromTheMiddleOfAMinute_BeginsWithTheNextWholeMinute()
    {
        _home.Consent = (Household.MidnightMs + (90 * 60_000L) + 1, long.MaxValue);
        List<string> segments = await DeriveAsync(Household.Batches(1, 3), new DerivationOptions(), int.MaxValue);
        Assert.StartsWith($"{(Household.MidnightMs / 60_000) + 91} ", segments[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Step_BatchesBeforeTheClockWasSet_ArePlacedByALaterPairOfTheSameBoot()
    {
        List<(uint, byte[])> batches = [.. Enumerable.Range(0, 12).Select(i => (Household.Band, Household.BandBatch(i * 10, (ulong)i + 1, 1, isSet: true)))];
        List<string> expected = await DeriveAsync(batches, new DerivationOptions(), int.MaxValue);

        List<(uint, byte[])> unset = [.. Enumerable.Range(0, 12).Select(i => (Household.Band, Household.BandBatch(i * 10, (ulong)i + 1, 1, isSet: i == 11)))];
        Assert.Equal(expected, await DeriveAsync(unset, new DerivationOptions { StepRecords = 2 }, restartEvery: 2));
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(1)]
    public async Task Step_BatchesFromBeforeTheClockWasSetComeLast_ArePlacedByTheEarlierPairOfTheSameBoot(int restartEvery)
    {
        List<(uint, byte[])> batches = [.. Enumerable.Range(0, 12).Select(i => (Household.Band, Household.BandBatch(i * 10, (ulong)i + 1, 1, isSet: i >= 10)))];
        List<string> expected = await DeriveAsync(batches, new DerivationOptions(), int.MaxValue);

        batches.Reverse();
        Assert.Equal(expected, await DeriveAsync(batches, new DerivationOptions { StepRecords = 2, MostWaiting = 0 }, restartEvery));
    }

    [Fact]
    public async Task Step_ClockNeverSet_IsPlacedByReceiveTimeAfterTheWait()
    {
        List<(uint, byte[])> batches = [.. Enumerable.Range(0, 3).Select(i => (Household.Band, Household.BandBatch(i * 10, (ulong)i + 1, 2, isSet: false)))];
        Assert.Empty(await DeriveAsync(batches, new DerivationOptions(), int.MaxValue));

        List<string> segments = await DeriveAsync(batches, new DerivationOptions { MostWaiting = 0 }, int.MaxValue);
        Assert.StartsWith($"{Household.MidnightMs / 60_000} ", segments[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_AfterAStep_CountWhatWasDone()
    {
        using BlockLog log = OpenLog();
        await Household.AppendAsync(log, [.. Household.Batches(1, 2), (55u, Household.BandBatch(0, 1, 1, true))]);
        using InsightsStore store = OpenStore();
        using ScenarioConsumer consumer = new(log, _home, _home, store);
        Assert.True(consumer.Step());
        Assert.Equal((log.DurablePosition, 0), (store.Cursor, consumer.Metrics.Days));
        Assert.True(consumer.Position < log.DurablePosition, "The segments are not said yet.");

        Assert.True(consumer.Step());
        Assert.False(consumer.Step());
        Assert.Equal(25, consumer.Metrics.Batches);
        Assert.Equal(1, consumer.Metrics.BatchesWithoutUser);
        Assert.Equal(120, consumer.Metrics.Minutes);
        Assert.Equal((120 * 6 * 3) + 120, consumer.Metrics.Samples);
        Assert.Equal((log.DurablePosition, 1), (consumer.Position, consumer.Metrics.Days));
    }

    [Fact]
    public async Task Step_DayThatManyStepsTouch_IsNamedOnce()
    {
        using BlockLog log = OpenLog();
        await Household.AppendAsync(log, Household.Batches(1, 1));
        using InsightsStore store = OpenStore();
        using ScenarioConsumer consumer = new(log, _home, _home, store, options: new DerivationOptions { StepRecords = 2, NamingDelay = TimeSpan.FromHours(1) });
        int steps = 0;
        while (consumer.Step()) steps++;
        Assert.Equal((7, 1), (steps, consumer.Metrics.Days)); // 12 batches, 2 a step, and one step that names
    }

    [Fact]
    public async Task Step_LogThatGoesOn_NamesAfterTheDelayOfItsReceiveTimes()
    {
        using BlockLog log = OpenLog();
        await Household.AppendAsync(log, Household.Batches(1, 4));
        using InsightsStore store = OpenStore();
        using ScenarioConsumer consumer = new(log, _home, _home, store, options: new DerivationOptions { StepRecords = 4, NamingDelay = TimeSpan.FromMinutes(55) });
        for (int step = 0; step < 3; step++) Assert.True(consumer.Step()); // an hour of two devices is twelve batches
        Assert.Equal(0, consumer.Metrics.Days);

        for (int step = 0; step < 3; step++) Assert.True(consumer.Step());
        Assert.Equal(1, consumer.Metrics.Days);
    }

    [Fact]
    public async Task Step_UserErasedBeforeTheNaming_LeavesNothing()
    {
        using BlockLog log = OpenLog();
        await Household.AppendAsync(log, Household.Batches(1, 3));
        using InsightsStore store = OpenStore();
        using ScenarioConsumer consumer = new(log, _home, _home, store);
        Assert.True(consumer.Step());

        store.EraseUser(_home.User);
        while (consumer.Step()) Assert.Equal(0, consumer.Metrics.Days);
        Assert.Empty(store.Users());
        Assert.Equal(log.DurablePosition, consumer.Position);
    }

    private static void Delay((uint, byte[])[] order, Random random, int most)
    {
        double[] arrival = [.. order.Select((_, i) => i + (most * random.NextDouble()))];
        Array.Sort(arrival, order);
    }

    // Appends a part, derives it, now and then forgets everything at hand as a restart would, and goes on.
    private async Task<List<string>> DeriveAsync(IReadOnlyList<(uint Device, byte[] Bytes)> batches, DerivationOptions options, int restartEvery)
    {
        using BlockLog log = OpenLog();
        using InsightsStore store = OpenStore();
        ScenarioConsumer consumer = new(log, _home, _home, store, options: options);
        int part = Math.Max(1, batches.Count / 8), steps = 0;
        for (int at = 0; at < batches.Count; at += part)
        {
            await Household.AppendAsync(log, [.. batches.Skip(at).Take(part)]);
            while (consumer.Step())
            {
                if (++steps % restartEvery != 0) continue;
                consumer.Dispose();
                consumer = new ScenarioConsumer(log, _home, _home, store, options: options);
            }
        }

        consumer.Dispose();
        return [.. store.Segments(_home.User, 0, int.MaxValue).Select(stored => Text(stored.Segment))];
    }

    private static string Text(Segment segment) =>
        $"{segment.StartMinute} {segment.EndMinute} {segment.Scenario} {segment.Confidence} {segment.IsProvisional} {segment.ModelVersion} "
        + $"[{string.Join(',', segment.Devices)}] {string.Join(',', segment.Evidence.Select(evidence => $"{evidence.Feature}={evidence.Share}"))}";

    private BlockLog OpenLog() => BlockLog.Open(new BlockLogOptions { Folder = _folder.File($"log-{++_stores}"), SegmentBytes = 1 << 20 });

    private InsightsStore OpenStore() => InsightsStore.Open(_folder.File($"insights-{++_stores}.db"));
}
