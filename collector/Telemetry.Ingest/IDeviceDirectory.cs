using Telemetry.Wire.Profiles;

namespace Telemetry.Ingest;

/// <summary>What ingest asks of the registry. Reads are lock-free and never touch a disk.</summary>
internal interface IDeviceDirectory : IDeviceCatalog
{
    /// <summary>The device, when the secret is its own.</summary>
    DeviceIdentity? Authenticate(string brand, string device, ReadOnlySpan<byte> secret);

    /// <summary>The device of this name, or null.</summary>
    DeviceIdentity? Find(string brand, string device);
}

/// <summary>Keys of a registered device.</summary>
internal readonly record struct DeviceIdentity(uint DeviceKey, uint BrandKey, bool IsHub);
