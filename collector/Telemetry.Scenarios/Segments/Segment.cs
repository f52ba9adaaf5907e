namespace Telemetry.Scenarios.Segments;

/// <summary>One stay in a scenario: [<paramref name="StartMinute"/>, <paramref name="EndMinute"/>). The segments of a user cover every minute once.</summary>
/// <param name="Scenario">Name, as in the model; or <see cref="ScenarioNames.Unknown"/> or <see cref="ScenarioNames.Off"/>.</param>
/// <param name="StartMinute">Inclusive, whole minutes since 1970-01-01 UTC.</param>
/// <param name="EndMinute">Exclusive, whole minutes since 1970-01-01 UTC.</param>
/// <param name="Confidence">Calibrated share of its minutes expected to be right, 0..1; 0 for <c>unknown</c> and <c>off</c>, which claim nothing.</param>
/// <param name="Evidence">Strongest features first; shares are signed and their absolute values add up to at most 1.</param>
/// <param name="Devices">Device keys that spoke in it, ascending.</param>
/// <param name="ModelVersion">Version of the model that said so.</param>
/// <param name="IsProvisional">True inside the lag at the edge of what has arrived; later minutes may still change it.</param>
public sealed record Segment(
    string Scenario,
    int StartMinute,
    int EndMinute,
    double Confidence,
    IReadOnlyList<Evidence> Evidence,
    IReadOnlyList<uint> Devices,
    string ModelVersion,
    bool IsProvisional)
{
    /// <summary>Place class that the devices had said last by its end: 1 home, 2 work, 3 other; 0 = none in the 12 hours before.</summary>
    public int Place { get; init; }

    /// <summary>Length in minutes.</summary>
    public int Minutes => EndMinute - StartMinute;
}

/// <summary>How much one feature spoke for the segment's scenario.</summary>
/// <param name="Feature">Name, as in FEATURES.md.</param>
/// <param name="Share">Of the summed absolute log-odds; negative when it spoke against.</param>
public readonly record struct Evidence(string Feature, double Share);
