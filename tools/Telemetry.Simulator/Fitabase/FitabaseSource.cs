using Telemetry.Simulator.Devices;
using Telemetry.Simulator.Sources;

namespace Telemetry.Simulator.Fitabase;

/// <summary>A Fitabase export as a fleet: one band a person.</summary>
/// <param name="reader">The files.</param>
/// <param name="brand">Brand the bands belong to.</param>
/// <param name="profile">Their profile.</param>
public sealed class FitabaseSource(FitabaseReader reader, string brand, DeviceProfile profile) : IFleetSource
{
    /// <inheritdoc/>
    public string Name => "fitabase";

    /// <inheritdoc/>
    public IReadOnlyList<string> Faults => [.. reader.BadRows.Select(row => row.ToString())];

    /// <inheritdoc/>
    public long FaultCount => reader.BadRowCount;

    /// <inheritdoc/>
    public IEnumerable<DeviceSource> Devices() => reader.People().Where(person => person.Readings.Count > 0)
        .Select(person => new DeviceSource(brand, $"band-{person.Id}", $"fitabase-{person.Id}", profile, person.Readings));
}
