namespace Telemetry.Scenarios.Answers;

/// <summary>What a person said about a stretch of own time: [<paramref name="FromMinute"/>, <paramref name="ToMinute"/>).</summary>
/// <param name="FromMinute">Inclusive, whole minutes since 1970 UTC.</param>
/// <param name="ToMinute">Exclusive.</param>
/// <param name="Scenario">The scenario spoken of.</param>
/// <param name="Holds">True: it was that. False: it was not that, whatever else it was.</param>
/// <param name="Suggested">What the stretch had been named when the person spoke; empty when nothing was.</param>
/// <param name="ModelVersion">Of the model that had named it so.</param>
public sealed record Answer(int FromMinute, int ToMinute, string Scenario, bool Holds, string Suggested, string ModelVersion);
