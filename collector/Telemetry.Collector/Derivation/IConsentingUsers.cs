using Telemetry.Registry;
using Telemetry.Scenarios.Answers;
using Telemetry.Scenarios.Model;

namespace Telemetry.Collector.Derivation;

/// <summary>Whose samples a device's are, whether anything may be derived from them, and what users say themselves.</summary>
public interface IConsentingUsers
{
    /// <summary>The times in which a device is bound to a user who consents to something that derivation serves; in no special order, empty when there are none.</summary>
    IReadOnlyList<ConsentedRange> RangesOf(uint deviceKey);

    /// <summary>Minutes the user's local time is ahead of UTC; null when there is no such user (any more).</summary>
    int? UtcOffsetOf(UserKey user);

    /// <summary>Grows with every answer that <see cref="AnswersOf"/> of some user tells.</summary>
    long AnswersVersion { get; }

    /// <summary>The users who answered behind a version, each with the first minute spoken of.</summary>
    IReadOnlyList<(UserKey User, int FromMinute)> AnsweredSince(long version);

    /// <summary>Everything the user said about own time, as a model reads it.</summary>
    PersonalAnswers AnswersOf(UserKey user, BoundModel model);

    /// <summary>Takes what somebody answered on a device. The same again changes nothing, and the order of calls leaves no trace.</summary>
    /// <param name="deviceKey">The device that asked.</param>
    /// <param name="choice">Number of the choice, as the event carries it.</param>
    /// <param name="unixMs">When it was pressed.</param>
    void TakeAnswer(uint deviceKey, int choice, long unixMs);

    /// <summary>Told after <see cref="AnswersVersion"/> grew, on any thread.</summary>
    event Action? Answered;
}

/// <summary>A time in which a device's samples count for a user.</summary>
/// <param name="User">Whose.</param>
/// <param name="FromUnixMs">Inclusive: the later of binding and consent.</param>
/// <param name="ToUnixMs">Exclusive; <see cref="long.MaxValue"/> = open.</param>
/// <param name="UtcOffsetMinutes">Of the user.</param>
public readonly record struct ConsentedRange(UserKey User, long FromUnixMs, long ToUnixMs, int UtcOffsetMinutes)
{
    /// <summary>True when the whole minute lies inside: a minute that is only partly the user's is nobody's.</summary>
    public bool Holds(int minute) => minute * 60_000L >= FromUnixMs && (minute + 1) * 60_000L <= ToUnixMs;
}
