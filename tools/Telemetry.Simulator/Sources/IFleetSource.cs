namespace Telemetry.Simulator.Sources;

/// <summary>Where devices and their readings come from: recorded files, or simulated people.</summary>
public interface IFleetSource
{
    /// <summary>What a person calls it, e.g. "fitabase".</summary>
    string Name { get; }

    /// <summary>The devices, produced as they are read: a source of files need not hold all of them.</summary>
    /// <exception cref="InputException">While enumerating: the input cannot be used at all.</exception>
    IEnumerable<DeviceSource> Devices();

    /// <summary>What was wrong with the input so far, each text naming file and place. Bounded; see <see cref="FaultCount"/>.</summary>
    IReadOnlyList<string> Faults { get; }

    /// <summary>All faults so far.</summary>
    long FaultCount { get; }
}
