namespace Telemetry.Scenarios.Composites;

/// <summary>
/// Finds composites in a user's segments. The earliest start wins, from there the longest match; matches of one composite do not overlap, but what is
/// outside of one may be outside of the next as well. A pure function of its input, so late data moves composites as it moves segments.
/// </summary>
public static class CompositeMatcher
{
    private const int MostSegmentsOfAStep = 64; // bounds the search: a step of more pieces than this is no situation

    /// <summary>Finds every stay of every composite, in order of time, then of the file.</summary>
    /// <param name="composites">The patterns.</param>
    /// <param name="segments">Of one user, ascending, days joined.</param>
    /// <param name="utcOffsetMinutes">Of the user, for times of the day and days of the week.</param>
    public static IReadOnlyList<CompositeStay> Find(IReadOnlyList<Composite> composites, IReadOnlyList<PlacedSegment> segments, int utcOffsetMinutes)
    {
        List<CompositeStay> found = [];
        foreach (Composite composite in composites)
        {
            int free = int.MinValue; // end of the last match
            for (int start = 0; start < segments.Count; start++)
            {
                if (Match(composite, segments, start, 0) is not { } parts || parts[0].StartMinute < free || !Fits(composite, parts, utcOffsetMinutes)) continue;
                found.Add(new CompositeStay(composite, parts));
                free = parts[^1].EndMinute;
            }
        }

        return [.. found.OrderBy(stay => stay.StartMinute)];
    }

    // The segments of the pattern's time from a step on, the first of them at or (within the gap) after a place in the list; null = no match.
    private static List<Segments.Segment>? Match(Composite composite, IReadOnlyList<PlacedSegment> segments, int at, int step)
    {
        if (step == composite.Steps.Count) return [];
        CompositeStep wanted = composite.Steps[step];
        int first = step == 0 ? at : Next(composite, segments, at, wanted);
        if (first < 0 || !Answers(wanted, segments[first])) return null;

        List<int> taken = [first];
        while (taken.Count < MostSegmentsOfAStep && Next(composite, segments, taken[^1] + 1, wanted) is var next and >= 0) taken.Add(next);
        for (; taken.Count > 0; taken.RemoveAt(taken.Count - 1))
        {
            if (!wanted.Minutes.Holds(taken.Sum(index => segments[index].Segment.Minutes))) continue;
            if (Match(composite, segments, taken[^1] + 1, step + 1) is not { } rest) continue;
            return wanted.IsOutside ? rest : [.. taken.Select(index => segments[index].Segment), .. rest];
        }

        return null;
    }

    // The next segment that answers to a step, with at most the gap's minutes of others before it; -1 = none.
    private static int Next(Composite composite, IReadOnlyList<PlacedSegment> segments, int at, CompositeStep wanted)
    {
        int skipped = 0;
        for (; at < segments.Count; at++)
        {
            if (at > 0) skipped += segments[at].Segment.StartMinute - segments[at - 1].Segment.EndMinute;
            if (skipped > composite.GapMinutes) return -1;
            if (Answers(wanted, segments[at])) return at;
            skipped += segments[at].Segment.Minutes;
        }

        return -1;
    }

    private static bool Answers(CompositeStep wanted, PlacedSegment segment) =>
        (wanted.Scenarios.Count == 0 ? !ScenarioNames.ClaimsNothing(segment.Segment.Scenario) : wanted.Scenarios.Contains(segment.Segment.Scenario))
        && (wanted.Places.Count == 0 || wanted.Places.Contains(segment.Place))
        && (wanted.Device is null || segment.Models.Any(model => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(wanted.Device, model)));

    private static bool Fits(Composite composite, List<Segments.Segment> parts, int utcOffsetMinutes)
    {
        int local = parts[0].StartMinute + utcOffsetMinutes;
        return composite.Minutes.Holds(parts[^1].EndMinute - parts[0].StartMinute)
            && composite.StartsMinuteOfDay.Holds(local % 1440)
            && (composite.Days.Count == 0 || composite.Days.Contains((DayOfWeek)((local / 1440 + 4) % 7))); // 1970-01-01 was a Thursday
    }
}
