using Microsoft.Data.Sqlite;
using Telemetry.Testing;
using Telemetry.Wire.V1;

namespace Telemetry.Registry.Tests;

public sealed class OrderTests : IDisposable
{
    private const uint Device = 1;

    private const string Json =
        """
        {"model": "band-2", "version": 1, "signals": [
          {"id": 1, "key": "heart_rate", "unit": "/min", "kind": "gauge", "resolution": 1, "min": 20, "max": 250, "privacy": "health", "periodMs": 1000, "minIntervalMs": 500, "maxIntervalMs": 60000},
          {"id": 2, "key": "steps", "unit": "1", "kind": "counter", "resolution": 1, "min": 0, "max": 1000, "privacy": "activity", "periodMs": 60000},
          {"id": 7, "key": "battery", "unit": "%", "kind": "gauge", "resolution": 1, "min": 0, "max": 100, "privacy": "device", "periodMs": 60000}]}
        """;

    private static readonly UserKey s_anna = UserKey.Parse("u0000000000000001"), s_ben = UserKey.Parse("u0000000000000002");
    private readonly TempFolder _folder = new();
    private readonly List<uint> _told = [];
    private DeviceRegistry _registry;

    public OrderTests()
    {
        _registry = Open();
        _registry.PutBrand("acme", "Acme");
        _registry.PutModel("acme", Json);
        _registry.AddDevice(new NewDevice("acme", "w1", "band-2"));
        _registry.AddUser(s_anna, 90);
        _registry.AddUser(s_ben, 0);
    }

    public void Dispose()
    {
        _registry.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Order_RatesAndRhythm_StandUntilTakenBackAlsoAfterRestart()
    {
        Assert.Null(_registry.FindOrders(Device));
        Order(new OrderChange { Rates = [("steps", 0), ("heart_rate", 5000)], Upload = new UploadRhythm(900, 0, 900) });
        DeviceOrders more = Order(new OrderChange { Rates = [("steps", 120_000)] });
        Assert.Equal([(1, 5000), (2, 120_000)], more.Rates.Select(rate => (rate.Signal, rate.PeriodMs)));
        Assert.Equal(900, more.Upload!.IntervalS);
        Assert.InRange(more.Upload.OffsetS, 0, 899);

        Reopen();
        DeviceOrders kept = _registry.FindOrders(Device)!;
        Assert.Equal(more.Rates.AsEnumerable(), kept.Rates);
        Assert.Equal(more.Upload, kept.Upload);

        DeviceOrders less = Order(new OrderChange { Rates = [("steps", null)], Upload = new UploadRhythm(0, 0, 0) });
        Assert.Equal([1], less.Rates.Select(rate => rate.Signal));
        Assert.Null(less.Upload);
        Order(new OrderChange { IsCleared = true });
        Reopen();
        Assert.Empty(_registry.FindOrders(Device)!.Rates); // the row stays: an empty Command takes the place of the last one
    }

    [Fact]
    public void Order_MaxBatchBytes_StandsUntilTakenBackAlsoAfterRestart()
    {
        DeviceOrders first = Order(new OrderChange { MaxBatchBytes = 1024 });
        Assert.Equal(1024, first.Batch!.MaxBytes);
        Assert.Same(first, Order(new OrderChange { MaxBatchBytes = 1024 }));
        Order(new OrderChange { Rates = [("steps", 0)] });
        Reopen();
        Assert.Equal(first.Batch, _registry.FindOrders(Device)!.Batch);
        Command command = new();
        _registry.FindOrders(Device)!.AddTo(command);
        Assert.Equal(1024u, command.MaxBatchBytes);
        Assert.True(_registry.FindOrders(Device)!.AreIn(command));
        command.MaxBatchBytes = 0;
        Assert.False(_registry.FindOrders(Device)!.AreIn(command));
        Assert.Null(Order(new OrderChange { MaxBatchBytes = 0 }).Batch);
        Reopen();
        Assert.Null(_registry.FindOrders(Device)!.Batch);
        Assert.Single(_registry.FindOrders(Device)!.Rates);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(255)]
    [InlineData(262_145)]
    public void Order_MaxBatchBytesOutOfItsLimits_IsRefused(int bytes) =>
        Assert.Contains("256..262144 B", Assert.Throws<RegistryException>(() => Order(new OrderChange { MaxBatchBytes = bytes })).Message, StringComparison.Ordinal);

    [Fact]
    public void PutOrders_AnswersWithWhatConsentTookBackToo()
    {
        Bind(s_anna, 0, DeviceBinding.Open);
        Say(s_anna, ConsentPurpose.Insights, isGranted: false);
        RegistryService service = new(_registry);
        StandingOrders answer = service.PutOrders(new OrderRequest { Brand = "acme", Device = "w1", Batch = new BatchLimit { MaxBytes = 512 } });
        Assert.Equal(["heart_rate", "steps"], answer.Withdrawn);
        Assert.Equal(512u, answer.Batch.MaxBytes);
        Assert.Equal(service.ListOrders(new OrdersRequest { Brand = "acme", Device = "w1" }), answer);
    }

    [Fact]
    public void Open_FileOfBeforeBatchOrders_KeepsItsOrders()
    {
        DeviceOrders orders = Order(new OrderChange { Rates = [("heart_rate", 5000)], Upload = new UploadRhythm(900, 0, 900) });
        _registry.Dispose();
        using (SqliteConnection old = new($"Data Source={_folder.File("registry.db")};Pooling=false"))
        {
            old.Open();
            using SqliteCommand command = old.CreateCommand();
            command.CommandText = "ALTER TABLE orders DROP COLUMN batch_max_bytes; ALTER TABLE orders DROP COLUMN batch_since_unix_ms; PRAGMA user_version=3";
            command.ExecuteNonQuery();
        }

        _registry = Open();
        Assert.Equal((orders.Upload, null), (_registry.FindOrders(Device)!.Upload, _registry.FindOrders(Device)!.Batch));
        Assert.Equal(1024, Order(new OrderChange { MaxBatchBytes = 1024 }).Batch!.MaxBytes);
    }

    [Fact]
    public void Order_TheSameAgain_ChangesAndTellsNothing()
    {
        OrderChange change = new() { Rates = [("heart_rate", 5000)], Upload = new UploadRhythm(86_400, 7200, 10_800) };
        DeviceOrders first = Order(change);
        Assert.InRange(first.Upload!.OffsetS, 7200, 7200 + 10_800 - 1);
        Assert.Same(first, Order(change));
        Assert.Equal([Device], _told);
    }

    [Theory]
    [InlineData("cadence", 1000, "no signal \"cadence\"; one of heart_rate, steps")]
    [InlineData("heart_rate", 499, "0 (none of it) or 500..60000 ms")]
    [InlineData("heart_rate", 60_001, "0 (none of it) or 500..60000 ms")]
    [InlineData("heart_rate", -1, "0 (none of it) or 500..60000 ms")]
    [InlineData("steps", 86_400_001, "0 (none of it) or 1..86400000 ms")]
    public void Order_SignalOrPeriodOutOfTheProfile_IsRefusedWhole(string signal, int periodMs, string expected)
    {
        RegistryException refusal = Assert.Throws<RegistryException>(() => Order(new OrderChange { Rates = [("steps", 1000), (signal, periodMs)] }));
        Assert.Equal(RegistryError.Invalid, refusal.Error);
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
        Assert.Null(_registry.FindOrders(Device));
    }

    [Theory]
    [InlineData(604_801, 0, 0)]
    [InlineData(-1, 0, 0)]
    [InlineData(60, 60, 0)]
    [InlineData(60, 0, 61)]
    public void Order_RhythmOutOfItsLimits_IsRefused(int interval, int offset, int spread) =>
        Assert.Equal(RegistryError.Invalid, Assert.Throws<RegistryException>(() => Order(new OrderChange { Upload = new UploadRhythm(interval, offset, spread) })).Error);

    [Fact]
    public void Confirm_WhatStands_IsKeptUntilTheNextChange()
    {
        DeviceOrders first = Order(new OrderChange { Rates = [("heart_rate", 5000)] });
        DeviceOrders second = Order(new OrderChange { Rates = [("heart_rate", 6000)] });
        _registry.ConfirmOrders(Device, first); // of a Command that was on its way
        Assert.Equal(0, _registry.FindOrders(Device)!.ConfirmedUnixMs);
        _registry.ConfirmOrders(Device, second);
        Reopen();
        Assert.NotEqual(0, _registry.FindOrders(Device)!.ConfirmedUnixMs);
        Assert.Equal(0, Order(new OrderChange { Rates = [("heart_rate", 7000)] }).ConfirmedUnixMs);
    }

    [Fact]
    public void Ask_StandsUntilAnsweredAlsoAfterRestart()
    {
        Bind(s_anna, 0, DeviceBinding.Open);
        long id = Ask();
        Reopen();
        OpenQuestion open = _registry.FindOrders(Device)!.Question!;
        Assert.Equal((id, 9, "1970-01-01 01:30-01:40: was it run?"), (open.Id, open.AnswerSignal, open.Question.Text));
        Assert.Equal(["yes", "no"], open.Question.Labels);
        _told.Clear();
        Assert.True(_registry.AnswerQuestion(Device, 1, long.MaxValue / 2));
        Assert.Equal([Device], _told);
        Reopen();
        Assert.Null(_registry.FindOrders(Device)!.Question);
    }

    [Fact]
    public void Ask_TheDeviceGoesToSomebodyElse_TheyAreNotAsked()
    {
        Bind(s_anna, 0, DeviceBinding.Open);
        Ask();
        Bind(s_anna, 0, 1000);
        Bind(s_ben, 1000, DeviceBinding.Open);
        Assert.Null(_registry.FindOrders(Device)!.Question);
    }

    [Fact]
    public void EraseUser_TakesBackWhatTheirDevicesWereTold()
    {
        Bind(s_anna, 0, DeviceBinding.Open);
        Order(new OrderChange { Rates = [("heart_rate", 5000)] });
        Ask();
        _told.Clear();
        _registry.EraseUser(s_anna, []);
        Assert.Equal([Device], _told);
        Reopen();
        DeviceOrders orders = _registry.FindOrders(Device)!;
        Assert.Empty(orders.Rates);
        Assert.Null(orders.Question);
    }

    [Fact]
    public void EraseUser_WhoGaveTheDeviceAway_LeavesItsOrders()
    {
        Bind(s_anna, 0, 1000);
        Bind(s_ben, 1000, DeviceBinding.Open);
        Order(new OrderChange { Rates = [("heart_rate", 5000)] });
        _registry.EraseUser(s_anna, []);
        Assert.Single(_registry.FindOrders(Device)!.Rates);
    }

    [Fact]
    public void SetConsent_LastOneTakenBack_EndsCaptureOfAllThatIsPersonalUntilItIsGivenAgain()
    {
        Bind(s_anna, 0, DeviceBinding.Open);
        Assert.Null(_registry.FindOrders(Device)); // who never said a word has refused nothing
        Say(s_anna, ConsentPurpose.Insights, isGranted: true);
        Say(s_anna, ConsentPurpose.Partner, isGranted: true, "acme");
        Say(s_anna, ConsentPurpose.Insights, isGranted: false);
        Assert.Null(_registry.FindOrders(Device)); // the brand's aggregates still need it
        Assert.Empty(_told);

        Say(s_anna, ConsentPurpose.Partner, isGranted: false, "acme");
        DeviceOrders withdrawn = _registry.FindOrders(Device)!;
        Assert.Equal([1, 2], withdrawn.Withdrawn.AsEnumerable());
        Assert.Equal([Device], _told);
        _registry.ConfirmOrders(Device, withdrawn);
        Reopen();
        withdrawn = _registry.FindOrders(Device)!;
        Assert.Equal([1, 2], withdrawn.Withdrawn.AsEnumerable());
        Assert.NotEqual(0, withdrawn.ConfirmedUnixMs);

        _told.Clear();
        Say(s_anna, ConsentPurpose.Triggers, isGranted: true);
        DeviceOrders again = _registry.FindOrders(Device)!; // not null: an empty Command takes the place of the last one
        Assert.Empty(again.Withdrawn);
        Assert.Equal(0, again.ConfirmedUnixMs);
        Assert.Equal([Device], _told);
    }

    [Fact]
    public void SetConsent_TakenBackForAnotherBrand_LeavesThisBrandsDevicesAlone()
    {
        _registry.PutBrand("other", "Other");
        Bind(s_anna, 0, DeviceBinding.Open);
        Say(s_anna, ConsentPurpose.Partner, isGranted: false, "other");
        Assert.Null(_registry.FindOrders(Device));
    }

    [Fact]
    public void Bind_FromAUserWhoTookConsentBackToOneWhoDidNot_CaptureBeginsAgain()
    {
        Bind(s_anna, 0, DeviceBinding.Open);
        Say(s_anna, ConsentPurpose.Insights, isGranted: false);
        Assert.NotEmpty(_registry.FindOrders(Device)!.Withdrawn);
        _told.Clear();
        Bind(s_anna, 0, 1000);
        Assert.Equal([Device], _told);
        Bind(s_ben, 1000, DeviceBinding.Open);
        Assert.Empty(_registry.FindOrders(Device)!.Withdrawn);
    }

    private void Say(UserKey user, ConsentPurpose purpose, bool isGranted, string recipient = "") => _registry.SetConsent(user, new ConsentEntry(purpose, recipient, isGranted, FromUnixMs: 0));

    private DeviceOrders Order(OrderChange change) => _registry.Order(Device, change);

    private void Bind(UserKey user, long from, long to) => _registry.Bind(new DeviceBinding(Device, user, from, to));

    private long Ask() => _registry.Ask(new UserQuestion(s_anna, Device, 0, 10, [new("run", true), new("run", false)], "run", "m1"), answerSignal: 9);

    private void Reopen()
    {
        _registry.Dispose();
        _registry = Open();
    }

    private DeviceRegistry Open()
    {
        DeviceRegistry registry = DeviceRegistry.Open(_folder.File("registry.db"), TimeProvider.System);
        registry.Changed += change =>
        {
            if (change.Kind == RegistryChangeKind.Orders) _told.Add(change.DeviceKey);
        };
        return registry;
    }
}
