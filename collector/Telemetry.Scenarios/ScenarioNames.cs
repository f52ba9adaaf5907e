namespace Telemetry.Scenarios;

/// <summary>Names every model may use; a model lists the ones it knows, and may add its own.</summary>
public static class ScenarioNames
{
    public const string Sleep = "sleep";
    public const string Rest = "rest";
    public const string Desk = "desk";
    public const string Walk = "walk";
    public const string Run = "run";
    public const string Cycle = "cycle";
    public const string Vehicle = "vehicle";
    public const string Workout = "workout";
    public const string Active = "active";
    public const string Away = "away";
    public const string Home = "home";
    public const string Cooking = "cooking";
    public const string Shower = "shower";

    /// <summary>There was data, and the model does not know.</summary>
    public const string Unknown = "unknown";

    /// <summary>No device spoke, or none was worn.</summary>
    public const string Off = "off";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> Common { get; } = [Sleep, Rest, Desk, Walk, Run, Cycle, Vehicle, Workout, Active, Away, Home, Cooking, Shower, Unknown, Off];

    /// <summary>True for the two names that claim nothing.</summary>
    public static bool ClaimsNothing(string name) => name is Unknown or Off;
}
