using System.Text;
using Telemetry.Registry;
using Telemetry.Wire.Profiles;

namespace Telemetry.Ingest.Tests;

/// <summary>Devices "brand-B/N" with key B * 1000 + N, secret "s"; device 0 of each brand is its hub.</summary>
internal sealed class FakeDirectory : IDeviceDirectory
{
    public event Action<uint>? CommandChanged;

    public HashSet<uint> Profiles { get; } = [Batches.KnownProfile];

    public HashSet<(uint Device, uint Epoch)> Erased { get; } = [];

    public Dictionary<uint, DeviceOrders> Orders { get; } = [];

    public DirectoryEntry? Authenticate(string username, ReadOnlySpan<byte> secret) =>
        Encoding.UTF8.GetString(secret) == "s" ? Find(username) : null;

    public DirectoryEntry? Find(string username)
    {
        string[] parts = username.Split('/');
        if (parts.Length != 2 || !parts[0].StartsWith("brand-", StringComparison.Ordinal)) return null;
        if (!uint.TryParse(parts[0].AsSpan(6), out uint brand) || !uint.TryParse(parts[1], out uint device) || device > 999) return null;
        return new DirectoryEntry(new DeviceDescription((brand * 1000) + device, brand, parts[0], parts[1], "band-2"), device == 0);
    }

    public bool KnowsProfile(uint deviceKey, uint profileHash) => Profiles.Contains(profileHash);

    public bool IsErasedEpoch(uint deviceKey, uint epoch) => Erased.Contains((deviceKey, epoch));

    public DeviceOrders? FindOrders(uint deviceKey) => Orders.GetValueOrDefault(deviceKey);

    public void ConfirmOrders(uint deviceKey, DeviceOrders orders) => Orders[deviceKey] = orders with { ConfirmedUnixMs = 1 };

    public void Order(uint deviceKey, DeviceOrders orders)
    {
        Orders[deviceKey] = orders;
        CommandChanged?.Invoke(deviceKey);
    }

    public void Erase(uint deviceKey, uint epoch)
    {
        Erased.Add((deviceKey, epoch));
        CommandChanged?.Invoke(deviceKey);
    }
}
