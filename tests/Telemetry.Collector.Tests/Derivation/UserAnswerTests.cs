using Telemetry.Collector.Derivation;
using Telemetry.Insights;
using Telemetry.Insights.Store;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Scenarios;
using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Model;
using Telemetry.Testing;
using Telemetry.Wire.V1;
using Segment = Telemetry.Scenarios.Segments.Segment;

namespace Telemetry.Collector.Tests.Derivation;

/// <summary>What people say about their own time, from the registry's file to the segments: it holds against late data, other models and restarts, and goes with the person.</summary>
public sealed class UserAnswerTests : IDisposable
{
    private const int Hours = 30, Midnight = (int)(Household.MidnightMs / 60_000);
    private const int Run = Midnight + 565, RunEnd = Run + 20; // 9:25 to 9:45, as the household does every third hour
    private const string Profile = """
        {"model": "band-2", "version": 1, "signals": [
          {"id": 5, "key": "answer", "unit": "1", "kind": "event", "resolution": 1, "min": 0, "max": 3, "privacy": "activity"}]}
        """;

    private static readonly ScenarioModel s_other = ModelFile.Default with { Version = "other-1", Terms = [.. ModelFile.Default.Terms.Skip(4)] };
    private readonly TempFolder _folder = new();
    private readonly ManualTime _time = new();
    private readonly Household _home = new();
    private readonly BlockLog _log;
    private readonly InsightsStore _store;
    private DeviceRegistry _registry;

    public UserAnswerTests()
    {
        _time.Advance(TimeSpan.FromMilliseconds(Household.MidnightMs + (Hours * 3_600_000L)));
        _registry = DeviceRegistry.Open(_folder["registry.db"], _time);
        _registry.AddUsers([new NewUser(_home.User, 0) { Consents = [new ConsentEntry(ConsentPurpose.Insights, "", true, 0)] }]);
        _registry.PutBrand("acme", "");
        _registry.PutModel("acme", Profile);
        foreach (uint device in (uint[])[Household.Band, Household.Room])
        {
            Assert.Equal(device, _registry.AddDevice(new NewDevice("acme", $"d{device}", "band-2")).Device.DeviceKey);
            _registry.Bind(new DeviceBinding(device, _home.User, 0, DeviceBinding.Open));
        }

        _log = BlockLog.Open(new BlockLogOptions { Folder = _folder["log"], SegmentBytes = 1 << 20 });
        _store = InsightsStore.Open(_folder["insights.db"]);
    }

    public void Dispose()
    {
        _store.Dispose();
        _log.Dispose();
        _registry.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Refuse_ARun_HoldsAgainstLateDataAnotherModelAndRestarts()
    {
        List<(uint Device, byte[] Bytes)> batches = Household.Batches(4, Hours);
        (uint, byte[])[] late = [.. batches.Where((_, i) => i % 7 == 3)];
        await AppendAsync([.. batches.Except(late)]);
        Derive(ModelFile.Default);
        Assert.Contains(ScenarioNames.Run, Names(Run, RunEnd));

        SaidAnswer said = Book().Say(Request(Run - 10, RunEnd + 10, ScenarioNames.Run, isRefused: true));
        Assert.Equal((ScenarioNames.Run, ModelFile.Default.Version), (said.Suggested, said.ModelVersion));
        Derive(ModelFile.Default);
        Assert.DoesNotContain(ScenarioNames.Run, Names(Run - 10, RunEnd + 10));

        await AppendAsync(late);
        Derive(ModelFile.Default);
        Assert.DoesNotContain(ScenarioNames.Run, Names(Run - 10, RunEnd + 10));

        _registry.Dispose();
        _registry = DeviceRegistry.Open(_folder["registry.db"], _time);
        Derive(s_other);
        Assert.DoesNotContain(ScenarioNames.Run, Names(Run - 10, RunEnd + 10));
        Assert.Contains(ScenarioNames.Run, Names(Run + 180, RunEnd + 180)); // only there it was refused
    }

    [Fact]
    public async Task Say_BeforeOrAfterTheData_EndsInTheSameSegments()
    {
        List<(uint Device, byte[] Bytes)> batches = Household.Batches(4, Hours);
        SayRequest request = Request(Run, RunEnd, ScenarioNames.Cycle, isRefused: false);
        await AppendAsync([.. batches.Take(150)]);
        Derive(ModelFile.Default);
        Book().Say(request);
        await AppendAsync([.. batches.Skip(150)]);
        Derive(ModelFile.Default);
        List<Segment> after = Segments(_store);
        Assert.Equal([ScenarioNames.Cycle], Names(Run, RunEnd));

        using InsightsStore fresh = InsightsStore.Open(_folder["fresh.db"]);
        Derive(ModelFile.Default, fresh);
        Assert.Equal(after.Select(Text), Segments(fresh).Select(Text));
    }

    [Fact]
    public async Task Say_WhatIsSaidAlready_ChangesNoRevision()
    {
        await AppendAsync(Household.Batches(4, Hours));
        Derive(ModelFile.Default);
        SayRequest request = Request(Run, RunEnd, ScenarioNames.Cycle, isRefused: false);
        Book().Say(request);
        long before = _store.Revision;
        Derive(ModelFile.Default);
        Assert.Equal(before + 1, _store.Revision);
        ChangedSegments changed = Assert.Single(_store.ChangesSince(before));
        Assert.True(changed.FromMinute > Run - 60 && changed.ToMinute < RunEnd + 180, $"[{changed.FromMinute - Run}, {changed.ToMinute - Run}) changed.");

        Book().Say(request);
        Derive(ModelFile.Default);
        Assert.Equal(before + 1, _store.Revision);
        Assert.Equal(2, Book().List(new AnswersRequest { User = _home.User.Text }).Answers.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ask_AnsweredByAButtonTwice_TheLaterPressCountsInAnyOrderOfArrival(bool isReversed)
    {
        await AppendAsync(Household.Batches(4, Hours));
        Derive(ModelFile.Default);
        AskedQuestion question = Book().Ask(
            new AskRequest { Brand = "acme", Device = "d1", FromUnixMs = Run * 60_000L, ToUnixMs = RunEnd * 60_000L, Scenarios = { ScenarioNames.Cycle, ScenarioNames.Workout } }, Now);
        OpenQuestion open = _registry.FindRecord(Household.Band)!.Orders!.Question!;
        Assert.Equal((question.Id, 5), ((uint)open.Id, open.AnswerSignal));

        (uint, byte[])[] presses =
        [
            (Household.Band, Household.AnswerBatch(Now - 1000, 9000, 0)), // before it was asked: answers nothing
            (Household.Band, Household.AnswerBatch(Now + 5000, 9001, 0)),
            (Household.Band, Household.AnswerBatch(Now + 9000, 9002, 1)),
            (Household.Band, Household.AnswerBatch(Now + 12_000, 9003, 3)), // no such choice
        ];
        if (isReversed) Array.Reverse(presses);
        await AppendAsync(presses);
        Derive(ModelFile.Default);
        Assert.Equal([ScenarioNames.Workout], Names(Run, RunEnd));
        SaidAnswer answer = Assert.Single(Book().List(new AnswersRequest { User = _home.User.Text }).Answers);
        Assert.Equal((ScenarioNames.Workout, Now + 9000, "acme/d1"), (answer.Scenario, answer.SaidUnixMs, answer.Device));
    }

    [Fact]
    public async Task Ask_YesOrNo_NoRefusesWhatWasSuggested()
    {
        await AppendAsync(Household.Batches(4, Hours));
        Derive(ModelFile.Default);
        AskedQuestion question = Book().Ask(new AskRequest { Brand = "acme", Device = "d1", FromUnixMs = Run * 60_000L, ToUnixMs = RunEnd * 60_000L }, Now);
        Assert.Equal(("2026-11-02 09:25-09:45: was it run?", "yes", "no"), (question.Text, question.Answers[0], question.Answers[1]));
        await AppendAsync([(Household.Band, Household.AnswerBatch(Now + 5000, 9001, 1))]);
        Derive(ModelFile.Default);
        Assert.DoesNotContain(ScenarioNames.Run, Names(Run, RunEnd));
    }

    [Fact]
    public void Ask_NothingIsNamedOrNobodyHasTheDevice_IsRefused()
    {
        AskRequest request = new() { Brand = "acme", Device = "d1", FromUnixMs = Run * 60_000L, ToUnixMs = RunEnd * 60_000L };
        Assert.Contains("not named yet", Assert.Throws<RegistryException>(() => Book().Ask(request, Now)).Message, StringComparison.Ordinal);
        _registry.Bind(new DeviceBinding(Household.Band, _home.User, 0, Household.MidnightMs));
        Assert.Contains("Nobody", Assert.Throws<RegistryException>(() => Book().Ask(request, Now)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Say_BadStretchOrScenario_NamesWhatIsExpected()
    {
        Assert.Contains("1 to 1440", Assert.Throws<RegistryException>(() => Book().Say(Request(Run, Run + 1441, ScenarioNames.Run, false))).Message, StringComparison.Ordinal);
        Assert.Contains("sleep, rest", Assert.Throws<RegistryException>(() => Book().Say(Request(Run, RunEnd, "juggling", false))).Message, StringComparison.Ordinal);
        Assert.Throws<RegistryException>(() => Book().Say(Request(RunEnd, Run, ScenarioNames.Run, false)));
    }

    [Fact]
    public async Task Erase_APersonWhoAnswered_LeavesNoAnswer()
    {
        await AppendAsync(Household.Batches(4, 12));
        Book().Say(Request(Run, RunEnd, ScenarioNames.Cycle, isRefused: false));
        Assert.Equal(1, _registry.EraseUser(_home.User, []).Answers);
        _store.EraseUser(_home.User);
        Derive(ModelFile.Default);
        Assert.Empty(_store.Users());

        _registry.AddUser(_home.User, 0);
        Assert.Empty(_registry.FindUser(_home.User)!.Answers);
        Assert.Empty(_registry.AnsweredSince(0));
    }

    [Fact]
    public async Task Run_AnswerWhileNoSampleComes_IsTakenUpAtOnce()
    {
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(1)), stop = new();
        await AppendAsync(Household.Batches(4, 12));
        using RegistryUsers users = new(_registry);
        using ScenarioConsumer consumer = new(_log, _home, users, _store, options: new DerivationOptions { Pause = TimeSpan.Zero });
        Task running = consumer.RunAsync(stop.Token);
        while (consumer.Position < _log.DurablePosition) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, limit.Token);

        Book().Say(Request(Run, RunEnd, ScenarioNames.Cycle, isRefused: false));
        while (!Names(Run, RunEnd).SetEquals([ScenarioNames.Cycle])) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, limit.Token);
        await stop.CancelAsync();
        await running;
    }

    private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private AnswerBook Book() => new(_store, _registry, new BoundModel(ModelFile.Default, FeatureCatalog.Names));

    private SayRequest Request(int from, int to, string scenario, bool isRefused) =>
        new() { User = _home.User.Text, FromUnixMs = from * 60_000L, ToUnixMs = to * 60_000L, Scenario = scenario, Refused = isRefused };

    private void Derive(ScenarioModel model, InsightsStore? store = null)
    {
        using RegistryUsers users = new(_registry);
        using ScenarioConsumer consumer = new(_log, _home, users, store ?? _store, model);
        while (consumer.Step())
        {
        }

        Assert.Equal(_log.DurablePosition, consumer.Position);
    }

    private HashSet<string> Names(int from, int to) => [.. _store.Segments(_home.User, from, to).Select(stored => stored.Segment.Scenario)];

    private List<Segment> Segments(InsightsStore store) => [.. store.Segments(_home.User, 0, int.MaxValue).Select(stored => stored.Segment)];

    private static string Text(Segment segment) => $"{segment} {string.Join(',', segment.Devices)} {string.Join(',', segment.Evidence)}";

    private Task AppendAsync(IEnumerable<(uint Device, byte[] Bytes)> batches) => Household.AppendAsync(_log, batches);
}
