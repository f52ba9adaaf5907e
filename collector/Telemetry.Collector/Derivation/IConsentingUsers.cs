using Telemetry.Registry;

namespace Telemetry.Collector.Derivation;

/// <summary>Whose samples a device's are, and whether anything may be derived from them.</summary>
public interface IConsentingUsers
{
    /// <summary>The times in which a device is bound to a user who consents to something that derivation serves; in no special order, empty when there are none.</summary>
    IReadOnlyList<ConsentedRange> RangesOf(uint deviceKey);

    /// <summary>Minutes the user's local time is ahead of UTC; null when there is no such user (any more).</summary>
    int? UtcOffsetOf(UserKey user);
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
