namespace Telemetry.Simulator.People;

/// <summary>What a simulated person truly does in a minute.</summary>
public enum Activity : byte
{
    Sleep,
    Rest,
    Desk,
    Walk,
    Run,
    Cycle,
    Vehicle,
    Workout,
}

/// <summary>Where a simulated person is; values are those of the <c>place</c> signal.</summary>
public enum Place : byte
{
    Unknown = 0,
    Home = 1,
    Work = 2,
    Other = 3,
}

/// <summary>One minute of a person's truth.</summary>
/// <param name="Activity">What is done.</param>
/// <param name="Place">Where.</param>
/// <param name="IsBandOff">The wristband lies on its charger: no device can know what is done.</param>
public readonly record struct TrueMinute(Activity Activity, Place Place, bool IsBandOff)
{
    private static readonly string[] Names = ["sleep", "rest", "desk", "walk", "run", "cycle", "vehicle", "workout"];

    /// <summary>The scenario a perfect collector would name (the names of Telemetry.Scenarios): "off" while nothing is worn.</summary>
    public string Scenario => IsBandOff ? "off" : Names[(int)Activity];
}
