using Telemetry.Registry;
using Telemetry.Wire.Profiles;

namespace Telemetry.Ingest;

/// <summary>What ingest asks of the registry. Reads take no lock and touch no disk.</summary>
internal interface IDeviceDirectory
{
    /// <summary>Runs with the device's key after one of its epochs was erased.</summary>
    event Action<uint>? EpochErased;

    /// <summary>The device "brand/device", when the secret is its own.</summary>
    DirectoryEntry? Authenticate(string username, ReadOnlySpan<byte> secret);

    /// <summary>The device "brand/device", or null.</summary>
    DirectoryEntry? Find(string username);

    /// <summary>Whether the device's brand registered this profile.</summary>
    bool KnowsProfile(uint deviceKey, uint profileHash);

    /// <summary>Whether this epoch of the device was erased.</summary>
    bool IsErasedEpoch(uint deviceKey, uint epoch);
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
            if (change.Kind == RegistryChangeKind.ErasedEpoch) EpochErased?.Invoke(change.DeviceKey);
        };
    }

    public event Action<uint>? EpochErased;

    public DirectoryEntry? Authenticate(string username, ReadOnlySpan<byte> secret) => EntryOf(_registry.Authenticate(username, secret));

    public DirectoryEntry? Find(string username) => EntryOf(_registry.FindDevice(username));

    public bool KnowsProfile(uint deviceKey, uint profileHash) => _registry.FindProfile(deviceKey, profileHash) is not null;

    public bool IsErasedEpoch(uint deviceKey, uint epoch) => _registry.IsErasedEpoch(deviceKey, epoch);

    private static DirectoryEntry? EntryOf(DeviceRecord? device) => device is null ? null : new DirectoryEntry(device.Description, device.IsHub);
}
