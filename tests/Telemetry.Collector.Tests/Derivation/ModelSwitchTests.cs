using Google.Protobuf;
using Telemetry.Collector.Derivation;
using Telemetry.Insights;
using Telemetry.Insights.Privacy;
using Telemetry.Insights.Store;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Scenarios.Model;
using Telemetry.Testing;
using Telemetry.Wire.V1;
using SegmentDiff = Telemetry.Scenarios.Segments.SegmentDiff;

namespace Telemetry.Collector.Tests.Derivation;

public sealed class ModelSwitchTests : IDisposable
{
    private const int Hours = 78, MinutesPerDay = 1440;
    private static readonly ScenarioModel s_other = ModelFile.Default with { Version = "other-1", Terms = [.. ModelFile.Default.Terms.Skip(6)], AbstainBelow = 0 };
    private readonly TempFolder _folder = new();
    private readonly Household _home = new();
    private readonly DeviceRegistry _registry;

    public ModelSwitchTests()
    {
        _registry = DeviceRegistry.Open(_folder["registry.db"], TimeProvider.System);
        _registry.AddUser(_home.User, 0);
    }

    public void Dispose()
    {
        _registry.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Shadow_OfAnotherModel_SaysByDayWhatTheSwitchThenChanges()
    {
        using BlockLog log = await LogAsync();
        using InsightsStore store = InsightsStore.Open(_folder["insights.db"]);
        Derive(log, store, ModelFile.Default, new DerivationOptions());
        IReadOnlyList<StoredSegment> before = store.Segments(_home.User, 0, int.MaxValue);
        long revision = store.Revision;

        ShadowReport report = Shadow(store, s_other);
        Assert.Equal((ModelFile.Default.Version, "other-1"), (report.PresentVersion, report.ShadowVersion));
        Assert.Equal(revision, store.Revision);
        Assert.Equal(Text(before), Text(store.Segments(_home.User, 0, int.MaxValue)));

        Derive(log, store, s_other, new DerivationOptions());
        IReadOnlyList<StoredSegment> after = store.Segments(_home.User, 0, int.MaxValue);
        int firstDay = (int)(Household.MidnightMs / 86_400_000), changed = 0;
        Assert.Equal(Enumerable.Range(firstDay, 4).Select(day => day * 86_400_000L), report.Days.Select(day => day.StartUnixMs));
        foreach (ShadowDay day in report.Days)
        {
            int from = (int)(day.StartUnixMs / 60_000);
            SegmentDiff expected = SegmentDiff.Of(OfDay(before, from), OfDay(after, from));
            Assert.Equal((uint)expected.Minutes, day.Minutes);
            Assert.Equal(expected.Changes.Select(change => (change.Before, change.After, (uint)change.Minutes)), day.Changes.Select(change => (change.Before, change.After, change.Minutes)));
            changed += expected.ChangedMinutes;
        }

        Assert.True(changed > 100, $"The other model names {changed} minutes differently; the test shows nothing.");
    }

    [Fact]
    public async Task Switch_WithRestartsInBetween_EndsAsIfTheModelHadAlwaysBeenThere()
    {
        using BlockLog log = await LogAsync();
        using InsightsStore always = InsightsStore.Open(_folder["always.db"]);
        Derive(log, always, s_other, new DerivationOptions());

        using InsightsStore store = InsightsStore.Open(_folder["insights.db"]);
        Derive(log, store, ModelFile.Default, new DerivationOptions());
        for (int restart = 0; restart < 2; restart++)
        {
            using ScenarioConsumer consumer = new(log, _home, _home, store, s_other, new DerivationOptions { StepDays = 1 });
            Assert.True(consumer.Step());
            Assert.Equal((1, 0), (consumer.Metrics.Days, consumer.Position));
        }

        Assert.Equal(2, Derive(log, store, s_other, new DerivationOptions { StepDays = 1 }));
        Assert.Equal(Text(always.Segments(_home.User, 0, int.MaxValue)), Text(store.Segments(_home.User, 0, int.MaxValue)));
    }

    [Fact]
    public async Task Restart_WithTheSameModel_NamesNothingAgain()
    {
        using BlockLog log = await LogAsync();
        using InsightsStore store = InsightsStore.Open(_folder["insights.db"]);
        Assert.NotEqual(0, Derive(log, store, s_other, new DerivationOptions()));
        Assert.Equal(0, Derive(log, store, ModelFile.Read(ModelFile.Write(s_other)), new DerivationOptions()));
    }

    [Fact]
    public async Task Shadow_OfThePresentModelOrOutsideTheMinutes_ChangesNothing()
    {
        using BlockLog log = await LogAsync();
        using InsightsStore store = InsightsStore.Open(_folder["insights.db"]);
        Derive(log, store, ModelFile.Default, new DerivationOptions());
        Assert.All(Shadow(store, ModelFile.Default).Days, day => Assert.Empty(day.Changes));

        using InsightsService service = Open(store);
        ShadowRequest request = new() { User = _home.User.Text, Model = ByteString.CopyFrom(ModelFile.Write(s_other)), FromUnixMs = Household.MidnightMs + 86_400_000, ToUnixMs = Household.MidnightMs + 86_460_000 };
        Assert.Equal(request.FromUnixMs, Assert.Single(service.Shadow(request).Days).StartUnixMs);
        request.FromUnixMs = Household.MidnightMs + (30L * 86_400_000);
        request.ToUnixMs = 0;
        Assert.Empty(service.Shadow(request).Days);
    }

    [Fact]
    public void Shadow_UnsoundModelOrUnknownUser_IsRefused()
    {
        using InsightsStore store = InsightsStore.Open(_folder["insights.db"]);
        using InsightsService service = Open(store);
        ShadowRequest request = new() { User = _home.User.Text, Model = ByteString.CopyFromUtf8("{}") };
        Assert.Equal(RegistryError.Invalid, Assert.Throws<RegistryException>(() => service.Shadow(request)).Error);
        request.User = "u9";
        Assert.Equal(RegistryError.NotFound, Assert.Throws<RegistryException>(() => service.Shadow(request)).Error);
    }

    [Fact]
    public void Shadow_MoreDaysThanAreComparedAtATime_IsRefusedUntilAPartIsAskedFor()
    {
        using InsightsStore store = InsightsStore.Open(_folder["insights.db"]);
        int first = (int)(Household.MidnightMs / 60_000);
        using (InsightsTransaction transaction = store.Begin())
        {
            foreach (int minute in (int[])[first, first + (366 * MinutesPerDay)]) transaction.PutMinute(_home.User, minute, Scenarios.Minutes.MinuteRowCodec.Write(new Scenarios.Minutes.MinuteRow()));
            transaction.Commit(0);
        }

        using InsightsService service = Open(store);
        ShadowRequest request = new() { User = _home.User.Text, Model = ByteString.CopyFrom(ModelFile.Write(s_other)) };
        Assert.Contains("367 days", Assert.Throws<RegistryException>(() => service.Shadow(request)).Message, StringComparison.Ordinal);
        request.ToUnixMs = Household.MidnightMs + (366L * 86_400_000);
        Assert.Equal(366, service.Shadow(request).Days.Count);
    }

    private static List<Scenarios.Segments.Segment> OfDay(IReadOnlyList<StoredSegment> segments, int from) =>
        [.. segments.Select(stored => stored.Segment).Where(segment => segment.StartMinute >= from && segment.StartMinute < from + MinutesPerDay)];

    private static List<string> Text(IReadOnlyList<StoredSegment> segments) =>
        [.. segments.Select(stored => stored.Segment).Select(one => $"{one.StartMinute} {one.EndMinute} {one.Scenario} {one.Confidence} {one.ModelVersion} {string.Join(',', one.Evidence)}")];

    // Returns the days that were named.
    private long Derive(BlockLog log, InsightsStore store, ScenarioModel model, DerivationOptions options)
    {
        using ScenarioConsumer consumer = new(log, _home, _home, store, model, options);
        while (consumer.Step())
        {
        }

        Assert.Equal(log.DurablePosition, consumer.Position);
        return consumer.Metrics.Days;
    }

    private ShadowReport Shadow(InsightsStore store, ScenarioModel model)
    {
        using InsightsService service = Open(store);
        return service.Shadow(new ShadowRequest { User = _home.User.Text, Model = ByteString.CopyFrom(ModelFile.Write(model)) });
    }

    private InsightsService Open(InsightsStore store) => InsightsService.Open(store, _registry, _folder.Path, PrivacyOptions.Default, TimeProvider.System);

    // Three days and a piece; from the second day's noon to the third day's noon, over a whole midnight, nothing comes.
    private async Task<BlockLog> LogAsync()
    {
        BlockLog log = BlockLog.Open(new BlockLogOptions { Folder = _folder["log"], SegmentBytes = 1 << 20 });
        long last = 0;
        foreach ((uint device, byte[] bytes) in Household.Batches(3, Hours))
        {
            long uptimeMs = (long)Batch.Parser.ParseFrom(bytes).Clock.UptimeMs;
            if (uptimeMs is > 36 * 3_600_000L and <= 60 * 3_600_000L) continue;
            Assert.True(log.TryAppend(LogRecordKind.Batch, 0, device, Household.MidnightMs + uptimeMs, bytes, out last));
        }

        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(2));
        Assert.True(await log.WaitDurableAsync(last, limit.Token));
        return log;
    }
}
