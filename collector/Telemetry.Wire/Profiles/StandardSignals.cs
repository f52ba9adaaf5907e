namespace Telemetry.Wire.Profiles;

/// <summary>The signal keys that scenarios understand, with the unit and kind they are read in (collector/Telemetry.Scenarios/Features/FEATURES.md).</summary>
/// <remarks>A model may carry any other key; it is stored and returned, and gives scenarios no evidence.</remarks>
public static class StandardSignals
{
    /// <summary>Unit and kind by key.</summary>
    public static IReadOnlyDictionary<string, (string Unit, SignalKind Kind)> All { get; } = new Dictionary<string, (string, SignalKind)>(StringComparer.Ordinal)
    {
        ["heart_rate"] = ("/min", SignalKind.Gauge),
        ["steps"] = ("1", SignalKind.Counter),
        ["cadence"] = ("/min", SignalKind.Gauge),
        ["motion"] = ("1", SignalKind.Gauge),
        ["intensity"] = ("1", SignalKind.Gauge),
        ["speed"] = ("m/s", SignalKind.Gauge),
        ["distance"] = ("m", SignalKind.Counter),
        ["foot_strikes"] = ("1", SignalKind.Counter),
        ["place"] = ("1", SignalKind.State),
        ["room_motion"] = ("1", SignalKind.Counter),
        ["room"] = ("1", SignalKind.State),
        ["door"] = ("1", SignalKind.State),
        ["light"] = ("lx", SignalKind.Gauge),
        ["co2"] = ("[ppm]", SignalKind.Gauge),
        ["temperature"] = ("Cel", SignalKind.Gauge),
        ["humidity"] = ("%", SignalKind.Gauge),
        ["sound"] = ("dB", SignalKind.Gauge),
        ["bed"] = ("1", SignalKind.State),
        ["appliance"] = ("1", SignalKind.State),
        ["charging"] = ("1", SignalKind.State),
        ["screen"] = ("1", SignalKind.State),
        ["power"] = ("W", SignalKind.Gauge),
        ["button"] = ("1", SignalKind.Event),
        ["answer"] = ("1", SignalKind.Event),
        ["altitude"] = ("m", SignalKind.Gauge),
        ["tilt"] = ("deg", SignalKind.Gauge),
        ["accel_x"] = ("m/s2", SignalKind.Gauge),
        ["accel_y"] = ("m/s2", SignalKind.Gauge),
        ["accel_z"] = ("m/s2", SignalKind.Gauge),
    };
}
