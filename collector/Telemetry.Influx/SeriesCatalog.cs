using Telemetry.Influx.LineProtocol;
using Telemetry.Wire.Profiles;

namespace Telemetry.Influx;

/// <summary>Escaped series names by device and profile, made once and kept while there is room.</summary>
internal sealed class SeriesCatalog(IDeviceCatalog catalog, InfluxOptions options)
{
    /// <summary>Devices kept; at the bound all are forgotten and made anew as they come.</summary>
    public const int MaxKept = 65_536;

    private readonly Dictionary<(uint DeviceKey, uint Profile), DeviceSeries> _kept = [];

    /// <summary>The names, or null when the device or the profile is not registered.</summary>
    public DeviceSeries? Find(uint deviceKey, uint profileHash)
    {
        if (_kept.TryGetValue((deviceKey, profileHash), out DeviceSeries? series)) return series;
        if (catalog.FindDevice(deviceKey) is not { } device || catalog.FindProfile(deviceKey, profileHash) is not { } profile) return null;
        if (_kept.Count >= MaxKept) _kept.Clear();
        series = new DeviceSeries(device, profile, options);
        _kept.Add((deviceKey, profileHash), series);
        return series;
    }
}
