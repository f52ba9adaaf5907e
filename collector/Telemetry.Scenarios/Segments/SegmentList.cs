namespace Telemetry.Scenarios.Segments;

/// <summary>Work on lists of segments in ascending order.</summary>
public static class SegmentList
{
    /// <summary>Joins neighbours of one scenario, model and state, such as the two halves of a night cut at midnight.</summary>
    /// <remarks>Confidence and evidence become means weighted by minutes; the place is that of the end.</remarks>
    public static IReadOnlyList<Segment> Join(IEnumerable<Segment> segments)
    {
        List<Segment> joined = [];
        foreach (Segment segment in segments)
        {
            if (joined.Count > 0 && Continues(joined[^1], segment)) joined[^1] = Joined(joined[^1], segment);
            else joined.Add(segment);
        }

        return joined;
    }

    /// <summary>True when both say the same in every part.</summary>
    public static bool Same(Segment one, Segment other) =>
        one.StartMinute == other.StartMinute && one.EndMinute == other.EndMinute && one.Scenario == other.Scenario
        && one.Confidence.Equals(other.Confidence) && one.IsProvisional == other.IsProvisional && one.ModelVersion == other.ModelVersion
        && one.Place == other.Place && one.Devices.SequenceEqual(other.Devices) && one.Evidence.SequenceEqual(other.Evidence);

    /// <summary>Minutes by scenario name.</summary>
    public static Dictionary<string, int> MinutesByScenario(IEnumerable<Segment> segments)
    {
        Dictionary<string, int> minutes = new(StringComparer.Ordinal);
        foreach (Segment segment in segments) minutes[segment.Scenario] = minutes.GetValueOrDefault(segment.Scenario) + segment.Minutes;
        return minutes;
    }

    private static bool Continues(Segment before, Segment after) =>
        before.EndMinute == after.StartMinute && before.Scenario == after.Scenario && before.ModelVersion == after.ModelVersion
        && before.IsProvisional == after.IsProvisional;

    private static Segment Joined(Segment before, Segment after)
    {
        double first = (double)before.Minutes / (before.Minutes + after.Minutes);
        Dictionary<string, double> shares = new(StringComparer.Ordinal);
        foreach (Evidence evidence in before.Evidence) shares[evidence.Feature] = evidence.Share * first;
        foreach (Evidence evidence in after.Evidence)
            shares[evidence.Feature] = shares.GetValueOrDefault(evidence.Feature) + (evidence.Share * (1 - first));
        return before with
        {
            EndMinute = after.EndMinute,
            Place = after.Place,
            Confidence = Math.Round((before.Confidence * first) + (after.Confidence * (1 - first)), 3),
            Evidence = [.. shares.Select(pair => new Evidence(pair.Key, Math.Round(pair.Value, 3)))
                .OrderByDescending(evidence => Math.Abs(evidence.Share)).ThenBy(evidence => evidence.Feature, StringComparer.Ordinal)],
            Devices = [.. before.Devices.Union(after.Devices).Order()],
        };
    }
}
