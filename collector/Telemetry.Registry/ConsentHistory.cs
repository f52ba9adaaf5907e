using System.Collections.Immutable;

namespace Telemetry.Registry;

/// <summary>What a user can consent to; values are those of telemetry.v1.Purpose and never change.</summary>
public enum ConsentPurpose
{
    /// <summary>Scenarios, and aggregates for the operator's own analysts.</summary>
    Insights = 1,

    /// <summary>Aggregates for one brand.</summary>
    Partner = 2,

    /// <summary>Acting on a scenario.</summary>
    Triggers = 3,
}

/// <summary>One thing a user said: from this time on, yes or no.</summary>
/// <param name="Purpose">To what.</param>
/// <param name="Recipient">The brand, for <see cref="ConsentPurpose.Partner"/>; empty otherwise.</param>
/// <param name="IsGranted">Yes or no.</param>
/// <param name="FromUnixMs">For samples from this time on.</param>
public readonly record struct ConsentEntry(ConsentPurpose Purpose, string Recipient, bool IsGranted, long FromUnixMs);

/// <summary>
/// What a user said about consent, in the order said. For an instant the last word whose time has come counts; without a word there is no
/// consent. So a later "no, from then on" also covers an earlier "yes" with a later time.
/// </summary>
public sealed class ConsentHistory
{
    /// <summary>Nothing said: no consent to anything.</summary>
    public static readonly ConsentHistory Empty = new([]);

    private readonly ImmutableArray<ConsentEntry> _entries;

    private ConsentHistory(ImmutableArray<ConsentEntry> entries) => _entries = entries;

    /// <summary>Everything said, oldest first.</summary>
    public ImmutableArray<ConsentEntry> Entries => _entries;

    /// <summary>Whether consent holds for samples of an instant.</summary>
    public bool Holds(ConsentPurpose purpose, string recipient, long unixMs)
    {
        for (int i = _entries.Length - 1; i >= 0; i--)
        {
            ConsentEntry entry = _entries[i];
            if (entry.Purpose == purpose && entry.FromUnixMs <= unixMs && entry.Recipient == recipient) return entry.IsGranted;
        }

        return false;
    }

    /// <summary>Whether consent to anything holds for samples of an instant: without it nothing at all is derived.</summary>
    public bool HoldsForAny(long unixMs)
    {
        foreach (ConsentEntry entry in _entries)
        {
            if (entry.IsGranted && entry.FromUnixMs <= unixMs && Holds(entry.Purpose, entry.Recipient, unixMs)) return true;
        }

        return false;
    }

    /// <summary>The times for which consent holds: [from, to) in order; the last may end at <see cref="long.MaxValue"/>.</summary>
    public IReadOnlyList<(long FromUnixMs, long ToUnixMs)> Intervals(ConsentPurpose purpose, string recipient) =>
        IntervalsWhere(entry => entry.Purpose == purpose && entry.Recipient == recipient, unixMs => Holds(purpose, recipient, unixMs));

    /// <summary>
    /// The times for which something may be derived from the devices of a brand: consent holds to insights, to acting on scenarios, or to aggregates for that brand.
    /// What a release uses of it is decided again, by the purpose and recipient of the release.
    /// </summary>
    public IReadOnlyList<(long FromUnixMs, long ToUnixMs)> IntervalsOfDerivation(string brand) => IntervalsWhere(
        _ => true, unixMs => AllowsDerivation(brand, unixMs));

    /// <summary>Whether the user said no, and nothing may be derived from the devices of a brand now: what they would measure is for nobody. Who never said a word has refused nothing.</summary>
    public bool IsRefused(string brand, long unixMs)
    {
        foreach (ConsentEntry entry in _entries)
        {
            if (!entry.IsGranted && entry.FromUnixMs <= unixMs && (entry.Recipient.Length == 0 || entry.Recipient == brand)) return !AllowsDerivation(brand, unixMs);
        }

        return false;
    }

    private bool AllowsDerivation(string brand, long unixMs) =>
        Holds(ConsentPurpose.Insights, "", unixMs) || Holds(ConsentPurpose.Triggers, "", unixMs) || Holds(ConsentPurpose.Partner, brand, unixMs);

    // What holds can only change where a word's time comes.
    private List<(long FromUnixMs, long ToUnixMs)> IntervalsWhere(Func<ConsentEntry, bool> concerns, Func<long, bool> holds)
    {
        long[] times = [.. _entries.Where(concerns).Select(entry => entry.FromUnixMs).Distinct().Order()];
        List<(long From, long To)> intervals = [];
        for (int i = 0; i < times.Length; i++)
        {
            if (!holds(times[i])) continue;
            long end = i + 1 < times.Length ? times[i + 1] : long.MaxValue;
            if (intervals.Count > 0 && intervals[^1].To == times[i]) intervals[^1] = (intervals[^1].From, end);
            else intervals.Add((times[i], end));
        }

        return intervals;
    }

    internal ConsentHistory Add(ConsentEntry entry) => new(_entries.Add(entry));
}
