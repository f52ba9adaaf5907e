using System.Collections.Concurrent;
using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest;

/// <summary>Logins under a device's name with a secret that is not its own.</summary>
/// <param name="Count">How many since the last right one, or since this process began.</param>
/// <param name="LastUnixMs">When the last of them came; 0 = none did.</param>
public readonly record struct RefusedLogins(long Count, long LastUnixMs);

// Who a device is.
public sealed partial class IngestService
{
    private readonly ConcurrentDictionary<uint, RefusedLogins> _refusedLogins = new(); // of registered devices alone, so no stranger makes it grow

    /// <inheritdoc/>
    public ValueTask<IngestSession?> AuthenticateAsync(string username, ReadOnlyMemory<byte> secret, string endpoint, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (_directory.Authenticate(username, secret.Span) is { } device)
        {
            uint key = device.Names.DeviceKey;
            if (_refusedLogins.ContainsKey(key)) _refusedLogins.TryRemove(key, out _); // the first takes no lock
            return new ValueTask<IngestSession?>(SessionOf(device, endpoint));
        }

        if (_directory.Find(username) is { } meant) _refusedLogins.AddOrUpdate(meant.Names.DeviceKey, static (_, now) => new RefusedLogins(1, now), static (_, before, now) => new RefusedLogins(before.Count + 1, now), NowUnixMs());
        return new ValueTask<IngestSession?>((IngestSession?)null);
    }

    /// <summary>Logins of a device that were refused for their secret.</summary>
    public RefusedLogins RefusedLoginsOf(uint deviceKey) => _refusedLogins.GetValueOrDefault(deviceKey);
}
