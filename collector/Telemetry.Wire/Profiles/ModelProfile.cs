namespace Telemetry.Wire.Profiles;

/// <summary>The signals of a model in one version, as a brand wrote them (proto/WIRE.md, "Profile").</summary>
public sealed class ModelProfile(string model, int version, uint hash, IReadOnlyList<SignalDefinition> signals)
{
    private readonly Dictionary<int, SignalDefinition> _byId = signals.ToDictionary(signal => signal.Id);

    /// <summary>Model id, e.g. <c>band-2</c>.</summary>
    public string Model { get; } = model;

    /// <summary>Version, from 1; a change of any signal is a new version.</summary>
    public int Version { get; } = version;

    /// <summary>What devices name in every batch (proto/WIRE.md, "Profile hash").</summary>
    public uint Hash { get; } = hash;

    /// <summary>Signals in ascending id.</summary>
    public IReadOnlyList<SignalDefinition> Signals { get; } = signals;

    /// <summary>The signal with this id, or null.</summary>
    public SignalDefinition? Find(int signalId) => _byId.GetValueOrDefault(signalId);
}

/// <summary>One measured thing of a model.</summary>
/// <param name="Id">1..<see cref="WireLimits.MaxSignalId"/>, never reused within a model.</param>
/// <param name="Key">Standard key where one exists, e.g. <c>heart_rate</c>: [a-z][a-z0-9_]{0,47}.</param>
/// <param name="Unit">UCUM, e.g. <c>/min</c>, <c>Cel</c>, <c>1</c>.</param>
/// <param name="Kind">How values combine over time.</param>
/// <param name="Resolution">Value = scaled integer * resolution; greater than 0. Ignored for reals.</param>
/// <param name="Min">Least possible value, in the unit.</param>
/// <param name="Max">Greatest possible value, in the unit.</param>
/// <param name="Privacy">How personal the signal is.</param>
/// <param name="PeriodMs">Default sampling period; 0 = on change or event.</param>
public sealed record SignalDefinition(
    int Id, string Key, string Unit, SignalKind Kind, double Resolution, double Min, double Max, PrivacyClass Privacy, int PeriodMs)
{
    /// <summary>How often the firmware keeps a sample. Not part of the profile's hash: it does not change what a sample means.</summary>
    public SignalPolicy Policy { get; init; } = new(0, 0, null);

    private readonly (double Mantissa, double Power) _step = DecimalResolution.Of(Resolution) is { } step ? (step.Mantissa, Math.Pow(10, step.Decimals)) : (Resolution, 1);

    /// <summary>A scaled integer in the signal's unit: the double nearest to scaled * resolution as decimals, while scaled * mantissa is below 2^53.</summary>
    public double ToUnit(long scaled) => scaled * _step.Mantissa / _step.Power;
}

/// <summary>How often the firmware keeps a sample of a signal.</summary>
/// <param name="MinIntervalMs">Least time between two samples; 0 = none.</param>
/// <param name="MaxIntervalMs">Time after which a sample is kept although it says nothing new; 0 = never.</param>
/// <param name="Deadband">In the unit: a value this near to the last one kept says nothing new. 0 = only the same value; null = every value is kept.</param>
public sealed record SignalPolicy(int MinIntervalMs, int MaxIntervalMs, double? Deadband);

/// <summary>How a signal's samples combine.</summary>
public enum SignalKind
{
    /// <summary>A level at an instant (heart rate): averaged, min, max.</summary>
    Gauge = 1,

    /// <summary>Things counted since the previous sample (steps): added up.</summary>
    Counter = 2,

    /// <summary>A state that holds until the next sample (worn, door).</summary>
    State = 3,

    /// <summary>Something that happened at an instant (button, answer).</summary>
    Event = 4,

    /// <summary>An IEEE double level, when no integer scale fits.</summary>
    Real = 5,
}

/// <summary>How personal a signal is; retention and release rules go by it.</summary>
public enum PrivacyClass
{
    Device = 1,
    Ambient = 2,
    Activity = 3,
    Health = 4,
}

/// <summary>What consumers of the log need to name a sample. The registry implements it; reads are lock-free.</summary>
public interface IDeviceCatalog
{
    /// <summary>The device with this key, or null.</summary>
    DeviceDescription? FindDevice(uint deviceKey);

    /// <summary>The profile a batch of this device names, or null when its brand never registered it.</summary>
    ModelProfile? FindProfile(uint deviceKey, uint profileHash);
}

/// <summary>Names of a device.</summary>
public sealed record DeviceDescription(uint DeviceKey, uint BrandKey, string Brand, string Device, string Model);
