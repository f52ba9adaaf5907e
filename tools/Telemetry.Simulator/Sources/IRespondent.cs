namespace Telemetry.Simulator.Sources;

/// <summary>A person who reads what a device asks (telemetry.v1.Question).</summary>
public interface IRespondent
{
    /// <summary>Reads a question.</summary>
    /// <param name="text">As it stands on the screen.</param>
    /// <param name="answers">The buttons, in order.</param>
    /// <param name="nowUnixMs">Simulated time.</param>
    /// <returns>What is pressed; null = nothing, ever.</returns>
    PressedButton? Read(string text, IReadOnlyList<string> answers, long nowUnixMs);
}

/// <summary>An answer to a question.</summary>
/// <param name="Choice">Number of the button.</param>
/// <param name="AfterMs">How long the person takes, simulated ms, above 0.</param>
public readonly record struct PressedButton(int Choice, long AfterMs);
