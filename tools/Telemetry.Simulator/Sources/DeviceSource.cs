using Telemetry.Simulator.Devices;

namespace Telemetry.Simulator.Sources;

/// <summary>One device of a fleet and everything it will measure.</summary>
/// <param name="Brand">Brand id.</param>
/// <param name="Device">Device id, unique within the brand.</param>
/// <param name="User">Key of the user it is bound to.</param>
/// <param name="Profile">The profile its signals belong to.</param>
/// <param name="Readings">In ascending time; made as they are read, so that a month of a fleet needs no memory.</param>
public sealed record DeviceSource(string Brand, string Device, string User, DeviceProfile Profile, IEnumerable<Reading> Readings)
{
    /// <summary>Signals its firmware measures all the time; the others of the profile come now and then, or never. Null = all of them.</summary>
    /// <remarks>The SDK gathers signals of one period into rows; one that is mostly missing would tear the rows apart.</remarks>
    public IReadOnlySet<int>? SteadySignals { get; init; }

    /// <summary>Who reads the questions that the device asks, and presses a button; null = nobody.</summary>
    public IRespondent? Respondent { get; init; }

    /// <summary>"brand/device", as in credentials and reports.</summary>
    public string Name => $"{Brand}/{Device}";
}
