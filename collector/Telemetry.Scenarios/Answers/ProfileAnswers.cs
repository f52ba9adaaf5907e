using Telemetry.Wire.Profiles;

namespace Telemetry.Scenarios.Answers;

/// <summary>The signal by which a device carries a person's answers.</summary>
public static class ProfileAnswers
{
    /// <summary>Key of the event signal; its value is the number of the choice, from 0.</summary>
    public const string Key = "answer";

    /// <summary>The signal of a profile, or null when its devices cannot answer.</summary>
    public static SignalDefinition? Find(ModelProfile profile) => profile.Signals.FirstOrDefault(signal => signal.Key == Key && signal.Kind == SignalKind.Event);
}
