using Telemetry.Collector.Derivation;
using Telemetry.Collector.Lifetime;
using Telemetry.Insights.Store;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Scenarios.Answers;
using Telemetry.Scenarios.Model;
using Telemetry.Testing;

namespace Telemetry.Collector.Tests.Derivation;

/// <summary>A store that refuses (a full disk below SQLite) stands in readiness with its words, costs nothing acknowledged, and is over by itself.</summary>
public sealed class DerivationTroubleTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Household _home = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Run_StoreIsFullAndHasRoomAgain_ReadinessSaysSoAndGoesOn()
    {
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(1));
        using BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = _folder["log"], SegmentBytes = 1 << 20 });
        using InsightsStore store = InsightsStore.Open(_folder["insights.db"]);
        Refusing users = new(_home) { Refuses = true };
        using ScenarioConsumer consumer = new(log, _home, users, store, options: new DerivationOptions { Pause = TimeSpan.Zero });
        ConsumerTask task = new("scenarios", () => consumer.Position, consumer.RunAsync, () => consumer.Trouble);
        Readiness readiness = new(log, [task]);
        Assert.True(log.TryAppend(LogRecordKind.Batch, 0, Household.Band, Household.MidnightMs + 600_000, Household.BandBatch(0, 1, 1, isSet: true), out long position));
        Assert.True(await log.WaitDurableAsync(position, limit.Token));
        using CancellationTokenSource stop = new();
        task.Start(stop.Token);

        while (readiness.Reasons().Count == 0) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, limit.Token);
        Assert.Contains("scenarios: database or disk is full", Assert.Single(readiness.Reasons()), StringComparison.Ordinal);

        users.Refuses = false;
        while (consumer.Position < log.DurablePosition) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, limit.Token);
        Assert.Empty(readiness.Reasons());
        await stop.CancelAsync();
        await task.EndAsync();
        Assert.NotEmpty(store.Segments(_home.User, 0, int.MaxValue));
    }

    /// <summary>Fails where a step writes, in SQLite's words for a full disk.</summary>
    private sealed class Refusing(Household home) : IConsentingUsers
    {
        public volatile bool Refuses;

        public IReadOnlyList<ConsentedRange> RangesOf(uint deviceKey) =>
            Refuses ? throw new Microsoft.Data.Sqlite.SqliteException("database or disk is full", SqliteFull) : home.RangesOf(deviceKey);

        public int? UtcOffsetOf(UserKey user) => home.UtcOffsetOf(user);

        public long AnswersVersion => home.AnswersVersion;

        public event Action? Answered
        {
            add => home.Answered += value;
            remove => home.Answered -= value;
        }

        public IReadOnlyList<(UserKey User, int FromMinute)> AnsweredSince(long version) => home.AnsweredSince(version);

        public PersonalAnswers AnswersOf(UserKey user, BoundModel model) => home.AnswersOf(user, model);

        public void TakeAnswer(uint deviceKey, int choice, long unixMs) => home.TakeAnswer(deviceKey, choice, unixMs);

        private const int SqliteFull = 13;
    }
}
