using Telemetry.Registry;
using Telemetry.Wire.Profiles;

namespace Telemetry.Ingest;

/// <summary>What ingest asks of the registry. Reads take no lock and touch no disk.</summary>
internal interface IDeviceDirectory
{
    /// <summary>Runs with the device's key after its orders changed, or one of its epochs was erased.</summary>
    event Action<uint>? CommandChanged;

    /// <summary>The device "brand/device", when the secret is its own.</summary>
    DirectoryEntry? Authenticate(string username, ReadOnlySpan<byte> secret);

    /// <summary>The device "brand/device", or null.</summary>
    DirectoryEntry? Find(string username);

    /// <summary>Whether the device's brand registered this profile.</summary>
    bool KnowsProfile(uint deviceKey, uint profileHash);

    /// <summary>Whether this epoch of the device was erased.</summary>
    bool IsErasedEpoch(uint deviceKey, uint epoch);

    /// <summary>What the device is told until it is told otherwise; null when it never was told anything.</summary>
    DeviceOrders? FindOrders(uint deviceKey);

    /// <summary>The device said that it holds these orders.</summary>
    void ConfirmOrders(uint deviceKey, DeviceOrders orders);
}

/// <summary>A registered device.</summary>
internal readonly record struct DirectoryEntry(DeviceDescription Names, bool IsHub);

/// <summary>The registry as a directory.</summary>
internal sealed class RegistryDirectory : IDeviceDirectory
{
    private readonly DeviceRegistry _registry;

    public RegistryDirectory(DeviceRegistry registry)
    {
        _registry = registry;
        registry.Changed += change =>
        {
            if (change.Kind is RegistryChangeKind.ErasedEpoch or RegistryChangeKind.Orders) CommandChanged?.Invoke(change.DeviceKey);
        };
    }

    public event Action<uint>? CommandChanged;

    public DirectoryEntry? Authenticate(string username, ReadOnlySpan<byte> secret) => EntryOf(_registry.Authenticate(username, secret));

    public DirectoryEntry? Find(string username) => EntryOf(_registry.FindDevice(username));

    public bool KnowsProfile(uint deviceKey, uint profileHash) => _registry.FindProfile(deviceKey, profileHash) is not null;

    public bool IsErasedEpoch(uint deviceKey, uint epoch) => _registry.IsErasedEpoch(deviceKey, epoch);

    public DeviceOrders? FindOrders(uint deviceKey) => _registry.FindOrders(deviceKey);

    public void ConfirmOrders(uint deviceKey, DeviceOrders orders) => _registry.ConfirmOrders(deviceKey, orders);

    private static DirectoryEntry? EntryOf(DeviceRecord? device) => device is null ? null : new DirectoryEntry(device.Description, device.IsHub);
}
