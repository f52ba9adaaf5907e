using Telemetry.Testing;
using Telemetry.Wire.V1;

namespace Telemetry.Registry.Tests;

public sealed class RegistryServiceTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly DeviceRegistry _registry;
    private readonly RegistryService _service;

    public RegistryServiceTests()
    {
        _registry = DeviceRegistry.Open(_folder.File("registry.db"), TimeProvider.System);
        _service = new RegistryService(_registry);
        _service.PutBrand(new Brand { Id = "acme", Name = "Acme Wearables" });
        _service.PutModel(new PutModelRequest { Brand = "acme", ProfileJson = Profiles.Band() });
    }

    public void Dispose()
    {
        _registry.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Onboarding_OneOfEach_ReadsBackAsPut()
    {
        DeviceCredentials band = _service.AddDevice(new AddDeviceRequest { Brand = "acme", Device = "w1", Model = "band-2", Hub = true });
        User anna = _service.AddUser(new AddUserRequest { UtcOffsetMinutes = 60 });
        Binding bound = _service.BindDevice(new Binding { User = anna.User_, Brand = "acme", Device = "w1", FromUnixMs = 1000 });
        Consent consent = _service.SetConsent(new Consent { User = anna.User_, Purpose = Purpose.Partner, Recipient = "acme", Granted = true, FromUnixMs = 500 });

        Assert.Equal("acme/w1", band.Username);
        Device listed = Assert.Single(_service.ListDevices(new ListRequest()).Devices);
        Assert.Equal(("w1", "band-2", band.Device.Key, anna.User_, true), (listed.Device_, listed.Model, listed.Key, listed.User, listed.Hub));
        User read = Assert.Single(_service.ListUsers(new ListRequest()).Users);
        Assert.Equal(bound, Assert.Single(read.Bindings));
        Assert.Equal(0, bound.ToUnixMs); // open
        Assert.Equal(consent, Assert.Single(read.Consents));
        Assert.Equal(read, _service.FindUser(anna.User_));
        Assert.Equal("Acme Wearables", Assert.Single(_service.ListBrands(new ListRequest()).Brands).Name);
    }

    [Fact]
    public void ListModels_InPages_GoByVersionAsANumber()
    {
        foreach (int version in new[] { 2, 10, 9 }) _service.PutModel(new PutModelRequest { Brand = "acme", ProfileJson = Profiles.Band(version: version) });
        List<uint> versions = [];
        ListRequest request = new() { Limit = 3 };
        for (ModelList page = _service.ListModels(request); page.Models.Count > 0; page = _service.ListModels(request))
        {
            versions.AddRange(page.Models.Select(model => model.Version));
            request.After = $"acme/band-2/{versions[^1]:d10}";
        }

        Assert.Equal([1u, 2u, 9u, 10u], versions);
    }

    [Fact]
    public void List_BeyondTheLimit_IsRefused() =>
        Assert.Equal(RegistryError.Invalid, Assert.Throws<RegistryException>(() => _service.ListUsers(new ListRequest { Limit = 10_001 })).Error);

    [Fact]
    public void BindDevice_UnknownDeviceOrUser_IsNotFound()
    {
        _service.AddUser(new AddUserRequest { User = "ben" });
        Assert.Equal(RegistryError.NotFound, Assert.Throws<RegistryException>(() => _service.BindDevice(new Binding { User = "ben", Brand = "acme", Device = "w9" })).Error);
        _service.AddDevice(new AddDeviceRequest { Brand = "acme", Device = "w1", Model = "band-2" });
        Assert.Equal(RegistryError.NotFound, Assert.Throws<RegistryException>(() => _service.BindDevice(new Binding { User = "carla", Brand = "acme", Device = "w1" })).Error);
        Assert.Equal(RegistryError.Invalid, Assert.Throws<RegistryException>(() => _service.BindDevice(new Binding { User = "a b", Brand = "acme", Device = "w1" })).Error);
    }

    [Fact]
    public void AddUsers_OneIsRefused_AddsNone()
    {
        ConsentEntry nobody = new(ConsentPurpose.Partner, "nobody", true, 0);
        Assert.Throws<RegistryException>(() => _registry.AddUsers([new NewUser(UserKey.Parse("ben"), 0), new NewUser(default, 0) { Consents = [nobody] }]));
        Assert.Null(_registry.FindUser(UserKey.Parse("ben")));
        Assert.Empty(_service.ListUsers(new ListRequest()).Users);

        ConsentEntry yes = new(ConsentPurpose.Insights, "", true, 0);
        IReadOnlyList<UserRecord> added = _registry.AddUsers([.. Enumerable.Range(0, 100).Select(_ => new NewUser(default, 0) { Consents = [yes] })]);
        Assert.Equal(100, added.Select(user => user.User).Distinct().Count());
        Assert.All(added, user => Assert.True(_registry.HasConsent(user.User, ConsentPurpose.Insights, "", 1)));
    }
}
