using Telemetry.Simulator.Sources;

namespace Telemetry.Simulator.Fitabase;

/// <summary>What the band of one person recorded, in ascending time.</summary>
/// <param name="Id">The person's number in the files.</param>
/// <param name="Readings">Heart rate, steps and intensity with the signal ids of the fitabase profile.</param>
public sealed record FitabasePerson(string Id, IReadOnlyList<Reading> Readings);

/// <summary>A row that could not be used.</summary>
/// <param name="File">File name, without folder.</param>
/// <param name="Line">From 1, the header included.</param>
/// <param name="Reason">What was found and what is expected.</param>
public sealed record BadRow(string File, long Line, string Reason)
{
    public override string ToString() => $"{File} line {Line}: {Reason}";
}
