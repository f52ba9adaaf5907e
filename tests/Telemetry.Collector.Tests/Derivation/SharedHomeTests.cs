using Telemetry.Collector.Derivation;
using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Scenarios;
using Telemetry.Testing;
using Segment = Telemetry.Scenarios.Segments.Segment;

namespace Telemetry.Collector.Tests.Derivation;

/// <summary>Two people in one home, each with a band; the bedroom's sensor is bound to one of them.</summary>
public sealed class SharedHomeTests : IDisposable
{
    private const int Hours = 12, LaterMinutes = 60;
    private const uint OtherBand = 3;
    private static readonly UserKey s_anna = UserKey.Parse("anna"), s_ben = UserKey.Parse("ben");
    private readonly TempFolder _folder = new();
    private readonly Household _home = new();
    private readonly DeviceRegistry _registry;

    public SharedHomeTests()
    {
        _registry = DeviceRegistry.Open(_folder["registry.db"], TimeProvider.System);
        _registry.AddUsers([.. new[] { s_anna, s_ben }.Select(user => new NewUser(user, 0) { Consents = [new ConsentEntry(ConsentPurpose.Insights, "", true, 0)] })]);
        _registry.PutBrand("acme", "");
        _registry.PutModel("acme", """{"model": "band-2", "version": 1, "signals": [{"id": 1, "key": "heart_rate", "unit": "/min", "kind": "gauge", "resolution": 1, "min": 20, "max": 250, "privacy": "health", "periodMs": 10000}]}""");
        foreach ((uint device, UserKey user) in new[] { (Household.Band, s_anna), (Household.Room, s_anna), (OtherBand, s_ben) })
        {
            Assert.Equal(device, _registry.AddDevice(new NewDevice("acme", $"d{device}", "band-2")).Device.DeviceKey);
            _registry.Bind(new DeviceBinding(device, user, 0, DeviceBinding.Open));
        }
    }

    public void Dispose()
    {
        _registry.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Step_TwoPeopleInOneHome_EachHasTheSegmentsOfLivingAlone()
    {
        List<(uint Device, byte[] Bytes)> anna = Household.Batches(1, Hours);
        // Ben does at every time what Anna does an hour later.
        List<(uint Device, byte[] Bytes)> ben = [.. Enumerable.Range(0, (Hours * 6) - 6).Select(i => (OtherBand, Household.BandBatch(i * 10, (ulong)i + 1, 1, isSet: true, LaterMinutes)))];

        using InsightsStore together = await DeriveAsync("together", [.. anna.Zip(ben).SelectMany(pair => new[] { pair.First, pair.Second }), .. anna.Skip(ben.Count)]);
        using InsightsStore annaAlone = await DeriveAsync("anna", anna), benAlone = await DeriveAsync("ben", ben);
        List<Segment> annas = Segments(together, s_anna), bens = Segments(together, s_ben);
        Assert.Equal(Segments(annaAlone, s_anna).Select(Text), annas.Select(Text));
        Assert.Equal(Segments(benAlone, s_ben).Select(Text), bens.Select(Text));

        Assert.Contains(annas, segment => segment.Scenario == ScenarioNames.Sleep && segment.Devices.SequenceEqual([Household.Band, Household.Room])); // the room's part is fused in
        Assert.All(bens, segment => Assert.Equal([OtherBand], segment.Devices));
        Assert.Contains(bens, segment => segment.Scenario == ScenarioNames.Run);
        Assert.NotEqual(annas.Select(segment => segment.StartMinute), bens.Select(segment => segment.StartMinute));
    }

    private static List<Segment> Segments(InsightsStore store, UserKey user) => [.. store.Segments(user, 0, int.MaxValue).Select(stored => stored.Segment)];

    private static string Text(Segment segment) => $"{segment} {string.Join(',', segment.Devices)} {string.Join(',', segment.Evidence)}";

    private async Task<InsightsStore> DeriveAsync(string name, IEnumerable<(uint Device, byte[] Bytes)> batches)
    {
        using RegistryUsers users = new(_registry);
        return await _home.DeriveAsync(_folder, name, batches, users);
    }
}
