namespace Telemetry.Simulator.Fit;

/// <summary>What one FIT file holds that a device could have measured, in the order of the file.</summary>
/// <remarks>A damaged file still carries everything before its damage; <see cref="Damage"/> says where and what.</remarks>
public sealed class FitActivity
{
    /// <summary>Who wrote the file; null when the file has no file_id message.</summary>
    public FitFileId? FileId { get; internal set; }

    /// <summary>Messages "record" (20): one line of measurements each.</summary>
    public List<FitRecord> Records { get; } = [];

    /// <summary>Messages "lap" (19).</summary>
    public List<FitSpan> Laps { get; } = [];

    /// <summary>Messages "session" (18).</summary>
    public List<FitSpan> Sessions { get; } = [];

    /// <summary>Messages "event" (21), e.g. timer start and stop.</summary>
    public List<FitEvent> Events { get; } = [];

    /// <summary>Messages "device_info" (23): the watch and what was paired to it.</summary>
    public List<FitDeviceInfo> Devices { get; } = [];

    /// <summary>Data messages read, of any kind.</summary>
    public int MessageCount { get; internal set; }

    /// <summary>Messages of the kinds above that had no usable timestamp and were left out.</summary>
    public int UntimedCount { get; internal set; }

    /// <summary>The first fault found, or null for a whole file. Nothing behind it was read.</summary>
    public FitDamage? Damage { get; internal set; }
}

/// <summary>Message file_id (0). Numbers are the protocol's; null where the file says "invalid".</summary>
public sealed record FitFileId(int? Type, int? Manufacturer, int? Product, long? SerialNumber, long? CreatedUnixMs);

/// <summary>Message record (20), values in the protocol's units; null where the file says "invalid" or has no such field.</summary>
/// <param name="UnixMs">Time of the record.</param>
/// <param name="HeartRate">1/min.</param>
/// <param name="Cadence">Revolutions or strides a minute, with the fractional part where the file has one.</param>
/// <param name="SpeedMetersPerSecond">The enhanced field where present.</param>
/// <param name="DistanceMeters">Since the start of the activity.</param>
/// <param name="AltitudeMeters">The enhanced field where present.</param>
/// <param name="TemperatureCelsius">Of the device.</param>
/// <param name="PowerWatts">Of the person.</param>
/// <param name="LatitudeSemicircles">Position as coded, 2^31 = 180 degrees. Stays in this reader: no profile has a signal for it.</param>
/// <param name="LongitudeSemicircles">As the latitude.</param>
public sealed record FitRecord(
    long UnixMs, double? HeartRate, double? Cadence, double? SpeedMetersPerSecond, double? DistanceMeters, double? AltitudeMeters,
    double? TemperatureCelsius, double? PowerWatts, int? LatitudeSemicircles, int? LongitudeSemicircles);

/// <summary>A lap or a session: a stretch of the activity. Sport numbers are the protocol's (0 generic, 1 running, 2 cycling, 11 walking).</summary>
public sealed record FitSpan(long UnixMs, long? StartUnixMs, double? ElapsedSeconds, double? DistanceMeters, int? Sport);

/// <summary>Message event (21): numbers as in the protocol (event 0 = timer; type 0 = start, 1 = stop, 4 = stop all).</summary>
public sealed record FitEvent(long UnixMs, int? Event, int? EventType);

/// <summary>Message device_info (23).</summary>
public sealed record FitDeviceInfo(long UnixMs, int? DeviceIndex, int? Manufacturer, int? Product, long? SerialNumber);

/// <summary>Where a file is damaged and how.</summary>
/// <param name="Offset">Byte of the file where the damaged structure begins.</param>
/// <param name="Found">What stands there.</param>
/// <param name="Expected">What the protocol expects.</param>
public sealed record FitDamage(long Offset, string Found, string Expected)
{
    public override string ToString() => $"damaged at byte {Offset}: found {Found}, expected {Expected}";
}
