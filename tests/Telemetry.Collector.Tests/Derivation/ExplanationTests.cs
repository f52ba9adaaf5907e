using Telemetry.Insights;
using Telemetry.Insights.Privacy;
using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;
using Telemetry.Testing;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Tests.Derivation;

public sealed class ExplanationTests : IDisposable
{
    private const int Hours = 30;
    private readonly TempFolder _folder = new();
    private readonly Household _home = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Explain_WithoutADevice_SaysWhatARunWithoutItsBatchesSays()
    {
        List<(uint Device, byte[] Bytes)> batches = Household.Batches(3, Hours);
        using InsightsStore whole = await _home.DeriveAsync(_folder, "whole", batches);
        using DeviceRegistry registry = DeviceRegistry.Open(_folder["registry.db"], TimeProvider.System);
        registry.AddUser(_home.User, 0);
        using InsightsService service = InsightsService.Open(whole, registry, _folder.Path, PrivacyOptions.Default, TimeProvider.System);

        int changed = 0;
        foreach (uint device in (uint[])[Household.Band, Household.Room])
        {
            using InsightsStore without = await _home.DeriveAsync(_folder, $"without-{device}", [.. batches.Where(batch => batch.Device != device)]);
            for (int minute = 5; minute < Hours * 60; minute += 60)
            {
                long at = Household.MidnightMs + (minute * 60_000L);
                Explanation explanation = service.Explain(new ExplainRequest { User = _home.User.Text, AtUnixMs = at });
                WithoutDevice answer = Assert.Single(explanation.Without, without => without.Device == $"{device}");
                Scenarios.Segments.Segment expected = Assert.Single(without.Segments(_home.User, (int)(at / 60_000), (int)(at / 60_000) + 1)).Segment;

                Assert.Equal(
                    (expected.Scenario, expected.StartMinute * 60_000L, expected.EndMinute * 60_000L, expected.Confidence),
                    (answer.Segment.Scenario, answer.Segment.StartUnixMs, answer.Segment.EndUnixMs, answer.Segment.Confidence));
                Assert.Equal(expected.Evidence.Select(evidence => evidence.Share), answer.Segment.Evidence.Select(evidence => evidence.Share));
                if (answer.Segment.Scenario != explanation.Segment.Scenario) changed++;
            }
        }

        Assert.True(changed > 5, $"Leaving a device out changed {changed} answers; the test shows nothing.");
    }

    [Fact]
    public async Task Explain_Evidence_ComesWithWhatWasMeasured()
    {
        using InsightsStore store = await _home.DeriveAsync(_folder, "whole", Household.Batches(3, Hours));
        using DeviceRegistry registry = DeviceRegistry.Open(_folder["registry.db"], TimeProvider.System);
        registry.AddUser(_home.User, 0);
        using InsightsService service = InsightsService.Open(store, registry, _folder.Path, PrivacyOptions.Default, TimeProvider.System);
        Scenarios.Segments.Segment run = store.Segments(_home.User, 0, int.MaxValue).First(stored => stored.Segment.Scenario == "run").Segment;

        Explanation explanation = service.Explain(new ExplainRequest { User = _home.User.Text, AtUnixMs = run.StartMinute * 60_000L });
        Assert.Equal(run.Evidence.Select(evidence => evidence.Feature), explanation.Values.Select(value => value.Feature));
        SlotStats[] steps = [.. store.Minutes(_home.User, run.StartMinute, run.EndMinute).SelectMany(minute => minute.Row.Devices).Where(device => device.Has(SignalSlot.Steps)).Select(device => device[SignalSlot.Steps])];
        FeatureValue said = Assert.Single(explanation.Values, value => value.Feature == "steps");
        Assert.Equal(("/min", (uint)steps.Length), (said.Unit, said.Minutes));
        Assert.Equal(steps.Average(cell => cell.Sum / 10.0), said.Mean, 3);
    }

    [Theory]
    [InlineData(0, null)] // the line was set by hand
    [InlineData(12, null)]
    [InlineData(12, "newer-1")] // another model named the segment: this one's line says nothing of it
    public async Task Explain_Confidence_SaysOnHowManyPeopleItWasHeldAgainst(int people, string? version)
    {
        using InsightsStore store = await _home.DeriveAsync(_folder, "few", Household.Batches(1, 1));
        using DeviceRegistry registry = DeviceRegistry.Open(_folder["registry.db"], TimeProvider.System);
        registry.AddUser(_home.User, 0);
        ScenarioModel shipped = ModelFile.Default, model = shipped with { Version = version ?? shipped.Version, Calibration = shipped.Calibration with { People = people } };
        using InsightsService service = InsightsService.Open(store, registry, _folder.Path, PrivacyOptions.Default, TimeProvider.System, model);

        Explanation explanation = service.Explain(new ExplainRequest { User = _home.User.Text, AtUnixMs = Household.MidnightMs + (5 * 60_000L) });
        Assert.NotNull(explanation.Segment);
        Assert.Equal(version is null ? (uint)people : 0, explanation.CalibratedPeople);
    }

    [Fact]
    public async Task Explain_InstantNothingIsKnownOf_IsEmptyAndAnUnknownUserIsRefused()
    {
        using InsightsStore store = await _home.DeriveAsync(_folder, "few", Household.Batches(1, 1));
        using DeviceRegistry registry = DeviceRegistry.Open(_folder["registry.db"], TimeProvider.System);
        registry.AddUser(_home.User, 0);
        using InsightsService service = InsightsService.Open(store, registry, _folder.Path, PrivacyOptions.Default, TimeProvider.System);

        Assert.Null(service.Explain(new ExplainRequest { User = _home.User.Text, AtUnixMs = Household.MidnightMs - 60_000 }).Segment);
        RegistryException fault = Assert.Throws<RegistryException>(() => service.Explain(new ExplainRequest { User = "u9", AtUnixMs = Household.MidnightMs }));
        Assert.Equal(RegistryError.NotFound, fault.Error);
    }
}
