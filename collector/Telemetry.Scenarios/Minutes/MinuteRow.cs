namespace Telemetry.Scenarios.Minutes;

/// <summary>
/// The feature row of one user and one minute: what each bound device said. A commutative, mergeable fold: rows of any split of the
/// samples merge to the same row and the same bytes. Devices stay apart until features are made, so that two step counters
/// on one body are not added up and a segment can say what it would be without one of them.
/// </summary>
public sealed class MinuteRow
{
    /// <summary>Devices a row keeps; the ones with the lowest keys win, whatever came first. Bounds a row's bytes.</summary>
    public const int MaxDevices = 16;

    private readonly List<DeviceMinute> _devices = new(2);

    /// <summary>Parts by ascending device key.</summary>
    public IReadOnlyList<DeviceMinute> Devices => _devices;

    /// <summary>The part of a device, made when it had none.</summary>
    /// <returns>Null when the row is full of devices with lower keys.</returns>
    public DeviceMinute? Device(uint deviceKey)
    {
        int at = 0;
        while (at < _devices.Count && _devices[at].DeviceKey < deviceKey) at++;
        if (at < _devices.Count && _devices[at].DeviceKey == deviceKey) return _devices[at];
        if (at == MaxDevices) return null;
        if (_devices.Count == MaxDevices) _devices.RemoveAt(MaxDevices - 1);
        DeviceMinute made = new(deviceKey);
        _devices.Insert(at, made);
        return made;
    }

    /// <summary>Takes in a row folded from other samples of the same user and minute.</summary>
    public void Merge(MinuteRow other)
    {
        foreach (DeviceMinute part in other._devices) Device(part.DeviceKey)?.Merge(part);
    }

    /// <summary>The row as it were if a device had never spoken; shares the parts of the others.</summary>
    /// <returns>Null when nothing is left.</returns>
    /// <remarks>Of a row that was full, a device that was pushed out does not come back.</remarks>
    public MinuteRow? Without(uint deviceKey)
    {
        MinuteRow rest = new();
        rest._devices.AddRange(_devices.Where(device => device.DeviceKey != deviceKey));
        return rest._devices.Count == 0 ? null : rest;
    }
}
