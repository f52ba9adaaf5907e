using Telemetry.Wire.Profiles;

namespace Telemetry.Collector.Series;

/// <summary>One stored value, placed in time and named.</summary>
/// <param name="Device">Whose it is.</param>
/// <param name="Signal">What it measures.</param>
/// <param name="UnixMs">When, after clock repair.</param>
/// <param name="ErrorMs">Bound on the time's error; 4294967295 = unknown.</param>
/// <param name="Value">In the signal's unit.</param>
/// <param name="Quality">Bit 0 worn, 1 charging, 2 estimated.</param>
/// <param name="Order">Place in the log, to break ties.</param>
internal readonly record struct SampleRow(DeviceDescription Device, SignalDefinition Signal, long UnixMs, uint ErrorMs, double Value, byte Quality, long Order);

/// <summary>One stretch of one device that a question asks about.</summary>
/// <param name="DeviceKey">The device.</param>
/// <param name="FromUnixMs">Inclusive.</param>
/// <param name="ToUnixMs">Exclusive.</param>
/// <param name="SignalKey">Only this signal; empty = all.</param>
internal readonly record struct SampleRange(uint DeviceKey, long FromUnixMs, long ToUnixMs, string SignalKey);
