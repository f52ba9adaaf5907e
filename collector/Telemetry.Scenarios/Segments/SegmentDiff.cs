namespace Telemetry.Scenarios.Segments;

/// <summary>What two answers about the same minutes name differently.</summary>
/// <param name="Minutes">Minutes that both cover and not both call <c>off</c>.</param>
/// <param name="Changes">Minutes by the two names, where they differ; most minutes first, then by name.</param>
public sealed record SegmentDiff(int Minutes, IReadOnlyList<SegmentChange> Changes)
{
    /// <summary>Minutes named differently.</summary>
    public int ChangedMinutes => Changes.Sum(change => change.Minutes);

    /// <summary>Compares minute by minute.</summary>
    /// <param name="before">In order of time, without overlap.</param>
    /// <param name="after">In order of time, without overlap.</param>
    public static SegmentDiff Of(IReadOnlyList<Segment> before, IReadOnlyList<Segment> after)
    {
        Dictionary<(string, string), int> changes = [];
        int minutes = 0;
        for (int b = 0, a = 0; b < before.Count && a < after.Count;)
        {
            Segment old = before[b], other = after[a];
            int common = Math.Min(old.EndMinute, other.EndMinute) - Math.Max(old.StartMinute, other.StartMinute);
            bool isOff = old.Scenario == ScenarioNames.Off && other.Scenario == ScenarioNames.Off;
            if (common > 0 && !isOff)
            {
                minutes += common;
                if (old.Scenario != other.Scenario) changes[(old.Scenario, other.Scenario)] = changes.GetValueOrDefault((old.Scenario, other.Scenario)) + common;
            }

            if (old.EndMinute <= other.EndMinute) b++;
            if (other.EndMinute <= old.EndMinute) a++;
        }

        return new SegmentDiff(minutes, Sorted(changes));
    }

    /// <summary>Several diffs as one.</summary>
    public static SegmentDiff Sum(IReadOnlyCollection<SegmentDiff> diffs)
    {
        Dictionary<(string, string), int> changes = [];
        foreach (SegmentChange change in diffs.SelectMany(diff => diff.Changes))
            changes[(change.Before, change.After)] = changes.GetValueOrDefault((change.Before, change.After)) + change.Minutes;
        return new SegmentDiff(diffs.Sum(diff => diff.Minutes), Sorted(changes));
    }

    private static SegmentChange[] Sorted(Dictionary<(string Before, string After), int> changes) =>
        [.. changes.Select(change => new SegmentChange(change.Key.Before, change.Key.After, change.Value))
            .OrderByDescending(change => change.Minutes).ThenBy(change => change.Before, StringComparer.Ordinal).ThenBy(change => change.After, StringComparer.Ordinal)];
}

/// <summary>Minutes that one answer names <paramref name="Before"/> and the other <paramref name="After"/>.</summary>
public readonly record struct SegmentChange(string Before, string After, int Minutes);
