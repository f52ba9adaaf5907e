using System.Text;
using Telemetry.Testing;

namespace Telemetry.Registry.Tests;

public sealed class DeviceRegistryTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private DeviceRegistry _registry;

    public DeviceRegistryTests()
    {
        _registry = DeviceRegistry.Open(_folder.File("registry.db"), TimeProvider.System);
        _registry.PutBrand("acme", "Acme");
        _registry.PutModel("acme", Profiles.Band());
    }

    public void Dispose()
    {
        _registry.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Authenticate_RightSecret_ReturnsTheDevice_AlsoAfterRestart()
    {
        NewCredentials added = _registry.AddDevice(new NewDevice("acme", "w1", "band-2", IsHub: true));
        Reopen();

        DeviceRecord device = _registry.Authenticate(added.Username, Encoding.UTF8.GetBytes(added.Secret))!;
        Assert.Equal(("acme", "w1", "band-2", true), (device.Description.Brand, device.Description.Device, device.Description.Model, device.IsHub));
        Assert.Equal(32, added.Secret.Length); // 160 bits in base 32
    }

    [Fact]
    public void Authenticate_AnythingElse_ReturnsNull()
    {
        NewCredentials added = _registry.AddDevice(new NewDevice("acme", "w1", "band-2"));
        byte[] secret = Encoding.UTF8.GetBytes(added.Secret);

        Assert.NotNull(_registry.Authenticate("acme/w1", secret));
        Assert.Null(_registry.Authenticate("acme/w1", secret.AsSpan(1)));
        Assert.Null(_registry.Authenticate("acme/w1", []));
        Assert.Null(_registry.Authenticate("acme/w2", secret));
        Assert.Null(_registry.Authenticate("zeta/w1", secret));
        Assert.Null(_registry.Authenticate("acme", secret));
        Assert.Null(_registry.Authenticate("", secret));
        Assert.Null(_registry.Authenticate("acme/w1", new byte[100_000]));
    }

    [Fact]
    public void Secret_IsNotInTheFile()
    {
        NewCredentials added = _registry.AddDevice(new NewDevice("acme", "w1", "band-2"));
        _registry.Dispose();
        foreach (string file in Directory.GetFiles(_folder.Path))
        {
            Assert.Equal(-1, File.ReadAllBytes(file).AsSpan().IndexOf(Encoding.UTF8.GetBytes(added.Secret)));
        }

        Reopen();
    }

    [Fact]
    public void AddDevice_Refusals_NameWhatToDo()
    {
        _registry.AddDevice(new NewDevice("acme", "w1", "band-2"));
        AssertRefused(RegistryError.Conflict, "Choose another id", () => _registry.AddDevice(new NewDevice("acme", "w1", "band-2")));
        AssertRefused(RegistryError.NotFound, "telemetry brand add", () => _registry.AddDevice(new NewDevice("zeta", "w1", "band-2")));
        AssertRefused(RegistryError.NotFound, "telemetry model add", () => _registry.AddDevice(new NewDevice("acme", "w2", "band-9")));
        AssertRefused(RegistryError.Invalid, "1-64", () => _registry.AddDevice(new NewDevice("acme", "w/2", "band-2")));
        AssertRefused(RegistryError.Invalid, "1-32", () => _registry.PutBrand("Acme", ""));
    }

    [Fact]
    public void AddDevices_OneIsRefused_AddsNone()
    {
        AssertRefused(RegistryError.Conflict, "acme/w1", () => _registry.AddDevices([new("acme", "w1", "band-2"), new("acme", "w1", "band-2")]));
        Assert.Null(_registry.FindDevice("acme/w1"));
        Assert.Equal(0, _registry.DeviceCount);
        Reopen();
        Assert.Equal(0, _registry.DeviceCount);
    }

    [Fact]
    public void DeviceKeys_AfterRestart_GoOnAndStayApart()
    {
        uint first = _registry.AddDevice(new NewDevice("acme", "", "band-2")).Device.DeviceKey;
        Reopen();
        uint second = _registry.AddDevice(new NewDevice("acme", "", "band-2")).Device.DeviceKey;
        Assert.Equal(first + 1, second);
        Assert.NotEqual(_registry.FindDevice(first)!.Device, _registry.FindDevice(second)!.Device);
        Assert.Null(_registry.FindDevice(second + 1));
        Assert.Null(_registry.FindDevice(uint.MaxValue));
    }

    [Fact]
    public void Devices_ReadInPages_AreAllThereOnce()
    {
        _registry.AddDevices([.. Enumerable.Range(0, 5000).Select(i => new NewDevice("acme", $"w{i:d5}", "band-2"))]);
        List<string> seen = [];
        for (string after = ""; _registry.Devices("acme", after, 999) is { Count: > 0 } page; after = $"acme/{seen[^1]}") seen.AddRange(page.Select(device => device.Description.Device));
        Assert.Equal(Enumerable.Range(0, 5000).Select(i => $"w{i:d5}"), seen);
        Assert.Equal(5000u, _registry.FindDevice(5000)!.DeviceKey); // beyond the first chunk of the table
    }

    [Fact]
    public void FindProfile_OfTheDevicesBrandOnly()
    {
        _registry.PutBrand("zeta", "");
        _registry.PutModel("zeta", Profiles.Band(model: "other"));
        uint acme = _registry.AddDevice(new NewDevice("acme", "w1", "band-2")).Device.DeviceKey;
        uint band = _registry.Models("acme")[0].Profile.Hash, other = _registry.Models("zeta")[0].Profile.Hash;
        Reopen();

        Assert.Equal("band-2", _registry.FindProfile(acme, band)!.Model);
        Assert.Null(_registry.FindProfile(acme, other));
        Assert.Null(_registry.FindProfile(77, band));
    }

    [Fact]
    public void PutModel_SameAgain_IsFine_ChangedIsRefused_NewVersionIsFine()
    {
        Assert.Same(_registry.Models()[0], _registry.PutModel("acme", Profiles.Band()));
        AssertRefused(RegistryError.Conflict, "put a new version", () => _registry.PutModel("acme", Profiles.Band(max: 240)));
        _registry.PutModel("acme", Profiles.Band(version: 2, max: 240));
        AssertRefused(RegistryError.Conflict, "never reused", () => _registry.PutModel("acme", Profiles.Band(version: 3, key: "pulse")));
        Assert.Equal([1, 2], _registry.Models("acme").Select(model => model.Profile.Version));
    }

    [Fact]
    public void PutModel_WithFaults_NamesEachLine()
    {
        RegistryException fault = Assert.Throws<RegistryException>(() => _registry.PutModel("acme", "{\n\"model\": 1,\n\"version\": 0}"));
        Assert.Equal(RegistryError.Invalid, fault.Error);
        Assert.Contains("\n2:10 model", fault.Message, StringComparison.Ordinal);
        Assert.Contains("\n3:12 version", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Changed_IsToldAfterTheChangeIsVisible()
    {
        List<string> told = [];
        _registry.Changed += change => told.Add($"{change.Kind} {change.DeviceKey} {_registry.FindDevice(change.DeviceKey)?.Device}");
        _registry.AddDevice(new NewDevice("acme", "w1", "band-2"));
        _registry.FenceEpoch(new DeviceEpoch(1, 77));
        _registry.FenceEpoch(new DeviceEpoch(1, 77));
        Assert.Equal(["Device 1 w1", "ErasedEpoch 1 w1"], told);
    }

    [Fact]
    public void IsErasedEpoch_OfTheFencedOneOnly_AlsoAfterRestart()
    {
        _registry.AddDevices([new("acme", "w1", "band-2"), new("acme", "w2", "band-2")]);
        _registry.FenceEpoch(new DeviceEpoch(1, 0xDEADBEEF));
        Reopen();
        Assert.True(_registry.IsErasedEpoch(1, 0xDEADBEEF));
        Assert.False(_registry.IsErasedEpoch(1, 1));
        Assert.False(_registry.IsErasedEpoch(2, 0xDEADBEEF));
    }

    [Fact]
    public void Open_FileOfANewerProgram_IsRefusedUntouched()
    {
        _registry.Dispose();
        using (Microsoft.Data.Sqlite.SqliteConnection file = new($"Data Source={_folder.File("registry.db")};Pooling=False"))
        {
            file.Open();
            using Microsoft.Data.Sqlite.SqliteCommand command = file.CreateCommand();
            command.CommandText = "PRAGMA user_version=99";
            command.ExecuteNonQuery();
        }

        RegistryException fault = Assert.Throws<RegistryException>(() => DeviceRegistry.Open(_folder.File("registry.db"), TimeProvider.System));
        Assert.Contains("version 99", fault.Message, StringComparison.Ordinal);
        _registry = DeviceRegistry.Open(_folder.File("other.db"), TimeProvider.System);
    }

    [Fact]
    public void Open_NoDatabase_SaysWhatToDo()
    {
        File.WriteAllText(_folder.File("text.db"), new string('x', 5000));
        RegistryException fault = Assert.Throws<RegistryException>(() => DeviceRegistry.Open(_folder.File("text.db"), TimeProvider.System));
        Assert.Contains("Restore it from a backup", fault.Message, StringComparison.Ordinal);
    }

    private void Reopen()
    {
        _registry.Dispose();
        _registry = DeviceRegistry.Open(_folder.File("registry.db"), TimeProvider.System);
    }

    private static void AssertRefused(RegistryError error, string text, Action change)
    {
        RegistryException fault = Assert.Throws<RegistryException>(change);
        Assert.Equal(error, fault.Error);
        Assert.Contains(text, fault.Message, StringComparison.Ordinal);
    }
}
