using Telemetry.Collector.Options;
using Telemetry.Collector.Upkeep;
using Telemetry.Registry;
using Telemetry.Testing;

namespace Telemetry.Collector.Tests.Upkeep;

/// <summary>Which rule holds for which device.</summary>
public sealed class RetentionPolicyTests : IDisposable
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(1_795_000_000_000);

    private readonly TempFolder _folder = new();
    private readonly DeviceRegistry _registry;
    private readonly uint _band;
    private readonly uint _lamp;

    public RetentionPolicyTests()
    {
        _registry = DeviceRegistry.Open(_folder["registry.db"], new ManualTime());
        _registry.PutBrand("acme", "");
        _registry.PutBrand("lux", "");
        _registry.PutModel("acme", """{"model":"band","version":1,"signals":[{"id":1,"key":"heart_rate","unit":"/min","kind":"gauge","resolution":1,"min":0,"max":300,"privacy":"health","periodMs":1000}]}""");
        _registry.PutModel("lux", """{"model":"lamp","version":1,"signals":[{"id":1,"key":"light","unit":"lx","kind":"gauge","resolution":1,"min":0,"max":99999,"privacy":"ambient","periodMs":1000}]}""");
        _band = _registry.AddDevice(new NewDevice("acme", "b1", "band")).Device.DeviceKey;
        _lamp = _registry.AddDevice(new NewDevice("lux", "l1", "lamp")).Device.DeviceKey;
    }

    public void Dispose()
    {
        _registry.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void KeptSince_NoRules_KeepsEverything() => Assert.Null(Policy().KeptSince(_band, Now));

    [Fact]
    public void KeptSince_PrivacyRule_HoldsForModelsWithSuchASignal()
    {
        RetentionPolicy policy = Policy(new RetentionRule { Privacy = "health", Days = 30 });
        Assert.Equal(Now.AddDays(-30), policy.KeptSince(_band, Now));
        Assert.Null(policy.KeptSince(_lamp, Now));
    }

    [Fact]
    public void KeptSince_SeveralRules_TheShortestCounts()
    {
        RetentionPolicy policy = Policy(new RetentionRule { Days = 365 }, new RetentionRule { Brand = "acme", Days = 10 }, new RetentionRule { Privacy = "health", Days = 30 });
        Assert.Equal(Now.AddDays(-10), policy.KeptSince(_band, Now));
        Assert.Equal(Now.AddDays(-365), policy.KeptSince(_lamp, Now));
    }

    [Fact]
    public void KeptSince_WithoutConsent_EndsWithTheFirstYes()
    {
        RetentionPolicy policy = Policy(new RetentionRule { WithoutConsent = true, Days = 2 });
        UserKey user = _registry.AddUser(default, 0).User;
        _registry.Bind(new DeviceBinding(_band, user, 0, DeviceBinding.Open));
        Assert.Equal(Now.AddDays(-2), policy.KeptSince(_band, Now));

        _registry.SetConsent(user, new ConsentEntry(ConsentPurpose.Insights, "", true, 0));
        Assert.Null(policy.KeptSince(_band, Now));
        Assert.Equal(Now.AddDays(-2), policy.KeptSince(_lamp, Now));
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(-3, null)]
    [InlineData(5, "secret")]
    public void Check_RuleThatCannotWork_NamesTheKey(double days, string? privacy)
    {
        CollectorOptions options = CollectorOptions.OnFreePorts(_folder.Path) with { Retention = [new RetentionRule { Days = days, Privacy = privacy }] };
        Assert.StartsWith("retention", Assert.Throws<OptionsException>(options.Check).Key, StringComparison.Ordinal);
    }

    private RetentionPolicy Policy(params RetentionRule[] rules) => new(rules, _registry);
}
