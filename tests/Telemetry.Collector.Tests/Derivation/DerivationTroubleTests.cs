using Telemetry.Collector.Derivation;
using Telemetry.Collector.Lifetime;
using Telemetry.Insights.Store;
using Telemetry.Log;
using Telemetry.Testing;

namespace Telemetry.Collector.Tests.Derivation;

/// <summary>A store that refuses (a full disk below SQLite) stands in readiness with its words, costs nothing acknowledged, and is over by itself.</summary>
public sealed class DerivationTroubleTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Run_StoreIsFullAndHasRoomAgain_ReadinessSaysSoAndGoesOn()
    {
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(1));
        using BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = _folder["log"], SegmentBytes = 1 << 20 });
        using InsightsStore store = InsightsStore.Open(_folder["insights.db"]);
        Refusing home = new();
        using ScenarioConsumer consumer = new(log, home, home, store, options: new DerivationOptions { Pause = TimeSpan.Zero });
        ConsumerTask task = new("scenarios", () => consumer.Position, consumer.RunAsync, () => consumer.Trouble);
        Readiness readiness = new(log, [task]);
        Assert.True(log.TryAppend(LogRecordKind.Batch, 0, Household.Band, Household.MidnightMs + 600_000, Household.BandBatch(0, 1, 1, isSet: true), out long position));
        Assert.True(await log.WaitDurableAsync(position, limit.Token));
        using CancellationTokenSource stop = new();
        task.Start(stop.Token);

        while (readiness.Reasons().Count == 0) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, limit.Token);
        Assert.Contains("scenarios: database or disk is full", Assert.Single(readiness.Reasons()), StringComparison.Ordinal);

        home.Refuses = false;
        while (consumer.Position < log.DurablePosition || readiness.Reasons().Count > 0) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, limit.Token);
        await stop.CancelAsync();
        await task.EndAsync();
        Assert.NotEmpty(store.Segments(home.User, 0, int.MaxValue));
    }

    /// <summary>Fails where a step writes, in SQLite's words for a full disk.</summary>
    private sealed class Refusing : Household
    {
        private const int SqliteFull = 13;

        public volatile bool Refuses = true;

        public override IReadOnlyList<ConsentedRange> RangesOf(uint deviceKey) =>
            Refuses ? throw new Microsoft.Data.Sqlite.SqliteException("database or disk is full", SqliteFull) : base.RangesOf(deviceKey);
    }
}
