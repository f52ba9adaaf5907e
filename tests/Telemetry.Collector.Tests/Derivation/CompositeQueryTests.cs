using Telemetry.Insights;
using Telemetry.Insights.Privacy;
using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Scenarios;
using Telemetry.Testing;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Tests.Derivation;

public sealed class CompositeQueryTests : IDisposable
{
    private const int Monday = 20_759 * 1440; // 2026-11-02
    private static readonly UserKey s_user = UserKey.Parse("u1");
    private readonly TempFolder _folder = new();
    private readonly DeviceRegistry _registry;
    private readonly InsightsStore _store;
    private readonly InsightsService _service;

    public CompositeQueryTests()
    {
        _registry = DeviceRegistry.Open(_folder["registry.db"], TimeProvider.System);
        _registry.AddUser(s_user, 60);
        _store = InsightsStore.Open(_folder["insights.db"]);
        _service = InsightsService.Open(_store, _registry, _folder.Path, PrivacyOptions.Default, TimeProvider.System);
        using InsightsTransaction transaction = _store.Begin();
        Stay(transaction, ScenarioNames.Rest, 400, 60, place: 1);
        Stay(transaction, ScenarioNames.Vehicle, 460, 30, place: 3);
        Stay(transaction, ScenarioNames.Desk, 490, 120, place: 2);
        transaction.Commit(1);
    }

    public void Dispose()
    {
        _service.Dispose();
        _store.Dispose();
        _registry.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Scenarios_Composites_AreFoundByTheReportedPlaces()
    {
        Segment commute = Assert.Single(Ask().Segments);
        Assert.Equal(("commute", (Monday + 460) * 60_000L, (Monday + 490) * 60_000L, 0.9), (commute.Scenario, commute.StartUnixMs, commute.EndUnixMs, commute.Confidence));
        Assert.Equal(new Evidence { Feature = ScenarioNames.Vehicle, Share = 1 }, Assert.Single(commute.Evidence));
    }

    [Fact]
    public void Scenarios_CompositesFileInTheFolder_TakesThePlaceOfTheShippedOneAndIsReadAnew()
    {
        File.WriteAllText(_folder["composites.yaml"], "composites: [{name: at_work, steps: [{scenario: desk, place: work}]}]");
        Assert.Equal("at_work", Assert.Single(Ask().Segments).Scenario);

        File.WriteAllText(_folder["composites.yaml"], "composites:\n  - name: at_work\n    steps: [{place: office}]");
        RegistryException fault = Assert.Throws<RegistryException>(() => Ask());
        Assert.Equal(RegistryError.Invalid, fault.Error);
        Assert.Contains("Line 3: place 'office' is not known", fault.Message, StringComparison.Ordinal);
    }

    private SegmentList Ask() => _service.Scenarios(new ScenariosRequest { User = s_user.Text, Composites = true });

    private static void Stay(InsightsTransaction transaction, string scenario, int minute, int minutes, int place)
    {
        Scenarios.Segments.Segment segment = new(scenario, Monday + minute, Monday + minute + minutes, 0.9, [], [1], "m", false) { Place = place };
        transaction.ReplaceSegments(s_user, segment.StartMinute, segment.EndMinute, [segment]);
    }
}
