using Telemetry.Collector.Derivation;
using Telemetry.Registry;
using Telemetry.Testing;

namespace Telemetry.Collector.Tests.Derivation;

public sealed class RegistryUsersTests : IDisposable
{
    private static readonly UserKey s_anna = UserKey.Parse("anna");
    private readonly TempFolder _folder = new();
    private readonly DeviceRegistry _registry;
    private readonly RegistryUsers _users;
    private readonly uint _band, _shoe;

    public RegistryUsersTests()
    {
        _registry = DeviceRegistry.Open(_folder.File("registry.db"), TimeProvider.System);
        (_band, _shoe) = (Add("acme", "band-2"), Add("zeta", "shoe-1"));
        _registry.AddUser(s_anna, 60);
        _registry.Bind(new DeviceBinding(_band, s_anna, 1000, 9000));
        _registry.Bind(new DeviceBinding(_shoe, s_anna, 0, DeviceBinding.Open));
        _users = new RegistryUsers(_registry);
    }

    public void Dispose()
    {
        _users.Dispose();
        _registry.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void RangesOf_NothingSaid_IsEmpty() => Assert.Empty(_users.RangesOf(_band));

    [Fact]
    public void RangesOf_Insights_CoversEveryDeviceWhileItIsBound()
    {
        Say(ConsentPurpose.Insights, "", true, 2000);
        Assert.Equal([new ConsentedRange(s_anna, 2000, 9000, 60)], _users.RangesOf(_band));
        Assert.Equal([new ConsentedRange(s_anna, 2000, long.MaxValue, 60)], _users.RangesOf(_shoe));
    }

    [Fact]
    public void RangesOf_PartnerOnly_CoversThatBrandsDevicesAlone()
    {
        Say(ConsentPurpose.Partner, "zeta", true, 2000);
        Assert.Empty(_users.RangesOf(_band));
        Assert.Equal([new ConsentedRange(s_anna, 2000, long.MaxValue, 60)], _users.RangesOf(_shoe));
    }

    [Fact]
    public void RangesOf_OnePurposeEndsWhileAnotherHolds_GoesOn()
    {
        Say(ConsentPurpose.Insights, "", true, 2000);
        Say(ConsentPurpose.Triggers, "", true, 3000);
        Say(ConsentPurpose.Insights, "", false, 4000);
        Assert.Equal([new ConsentedRange(s_anna, 2000, 9000, 60)], _users.RangesOf(_band));
        Say(ConsentPurpose.Triggers, "", false, 5000);
        Assert.Equal([new ConsentedRange(s_anna, 2000, 5000, 60)], _users.RangesOf(_band));
    }

    [Fact]
    public void RangesOf_UserErased_IsEmpty()
    {
        Say(ConsentPurpose.Insights, "", true, 0);
        Assert.NotEmpty(_users.RangesOf(_band));
        _registry.EraseUser(s_anna, []);
        Assert.Empty(_users.RangesOf(_band));
    }

    private void Say(ConsentPurpose purpose, string recipient, bool isGranted, long from) => _registry.SetConsent(s_anna, new ConsentEntry(purpose, recipient, isGranted, from));

    private uint Add(string brand, string model)
    {
        _registry.PutBrand(brand, "");
        _registry.PutModel(brand, $$"""{"model":"{{model}}","version":1,"signals":[{"id":1,"key":"steps","unit":"1","kind":"counter","resolution":1,"min":0,"max":400,"privacy":"activity"}]}""");
        return _registry.AddDevice(new NewDevice(brand, "one", model)).Device.DeviceKey;
    }
}
