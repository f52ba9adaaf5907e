using Telemetry.Collector.Options;
using Telemetry.Registry;
using Telemetry.Wire.Profiles;

namespace Telemetry.Collector.Upkeep;

/// <summary>How long the batches of a device are kept, by the rules and by what the registry says of the device now.</summary>
internal sealed class RetentionPolicy(IReadOnlyList<RetentionRule> rules, DeviceRegistry registry)
{
    /// <summary>From which receipt on a device's batches are kept.</summary>
    /// <returns>Null: all of them.</returns>
    public DateTimeOffset? KeptSince(uint deviceKey, DateTimeOffset now)
    {
        if (rules.Count == 0 || registry.FindRecord(deviceKey) is not { } device) return null;
        double? days = rules.Where(rule => Matches(rule, device, now)).Min(rule => (double?)rule.Days);
        return days is { } least ? now - TimeSpan.FromDays(least) : null;
    }

    private bool Matches(RetentionRule rule, DeviceRecord device, DateTimeOffset now)
    {
        if (rule.Brand is { } brand && brand != device.Description.Brand) return false;
        if (rule.Privacy is { } privacy && !HasSignalOf(device.Description, privacy)) return false;
        return !rule.WithoutConsent || !HasConsent(device, now.ToUnixTimeMilliseconds());
    }

    private bool HasSignalOf(DeviceDescription device, string privacy) =>
        registry.Models(device.Brand).Where(model => model.Profile.Model == device.Model)
            .SelectMany(model => model.Profile.Signals).Any(signal => signal.Privacy.ToString().Equals(privacy, StringComparison.OrdinalIgnoreCase));

    private bool HasConsent(DeviceRecord device, long unixMs)
    {
        if (registry.FindUser(device.UserAt(unixMs)) is not { } user) return false;
        return user.Consents.Entries.Any(entry => user.Consents.Holds(entry.Purpose, entry.Recipient, unixMs));
    }
}
