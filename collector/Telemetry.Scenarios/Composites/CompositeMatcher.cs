using System.IO.Enumeration;
using Telemetry.Scenarios.Segments;

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
    /// <param name="modelOf">The model of a device key, as <c>brand/model</c>; empty = not known.</param>
    /// <param name="utcOffsetMinutes">Of the user, for times of the day and days of the week.</param>
    public static IReadOnlyList<CompositeStay> Find(IReadOnlyList<Composite> composites, IReadOnlyList<Segment> segments, Func<uint, string> modelOf, int utcOffsetMinutes)
    {
        List<CompositeStay> found = [];
        foreach (Composite composite in composites)
        {
            Search search = new(composite, segments, modelOf);
            int free = int.MinValue; // end of the last match
            for (int start = 0; start < segments.Count; start++)
            {
                if (search.Match(start, 0) is not { } parts || parts[0].StartMinute < free || !Fits(composite, parts, utcOffsetMinutes)) continue;
                found.Add(new CompositeStay(composite, parts));
                free = parts[^1].EndMinute;
            }
        }

        return [.. found.OrderBy(stay => stay.StartMinute)];
    }

    private static bool Fits(Composite composite, List<Segment> parts, int utcOffsetMinutes)
    {
        int local = parts[0].StartMinute + utcOffsetMinutes;
        return composite.Minutes.Holds(parts[^1].EndMinute - parts[0].StartMinute)
            && composite.StartsMinuteOfDay.Holds(local % 1440)
            && (composite.Days.Count == 0 || composite.Days.Contains((DayOfWeek)((local / 1440 + 4) % 7))); // 1970-01-01 was a Thursday
    }

    /// <summary>The search for one composite in one list of segments.</summary>
    private readonly struct Search(Composite composite, IReadOnlyList<Segment> segments, Func<uint, string> modelOf)
    {
        // The segments of the pattern's time from a step on, the first of them at or (within the gap) after a place in the list; null = no match.
        public List<Segment>? Match(int at, int step)
        {
            if (step == composite.Steps.Count) return [];
            CompositeStep wanted = composite.Steps[step];
            int first = step == 0 ? at : Next(at, wanted);
            if (first < 0 || !Answers(wanted, segments[first])) return null;

            List<int> taken = [first];
            while (taken.Count < MostSegmentsOfAStep && Next(taken[^1] + 1, wanted) is var next and >= 0) taken.Add(next);
            for (; taken.Count > 0; taken.RemoveAt(taken.Count - 1))
            {
                if (!wanted.Minutes.Holds(Minutes(taken))) continue;
                if (Match(taken[^1] + 1, step + 1) is not { } rest) continue;
                if (wanted.IsOutside) return rest;
                List<Segment> parts = [];
                foreach (int index in taken) parts.Add(segments[index]);
                parts.AddRange(rest);
                return parts;
            }

            return null;
        }

        // The next segment that answers to a step, with at most the gap's minutes of others before it; -1 = none.
        private int Next(int at, CompositeStep wanted)
        {
            int skipped = 0;
            for (; at < segments.Count; at++)
            {
                if (at > 0) skipped += segments[at].StartMinute - segments[at - 1].EndMinute;
                if (skipped > composite.GapMinutes) return -1;
                if (Answers(wanted, segments[at])) return at;
                skipped += segments[at].Minutes;
            }

            return -1;
        }

        private bool Answers(CompositeStep wanted, Segment segment) =>
            (wanted.Scenarios.Count == 0 ? !ScenarioNames.ClaimsNothing(segment.Scenario) : wanted.Scenarios.Contains(segment.Scenario))
            && (wanted.Places.Count == 0 || wanted.Places.Contains(segment.Place))
            && (wanted.Device is null || HasModel(segment, wanted.Device));

        private bool HasModel(Segment segment, string wanted)
        {
            foreach (uint device in segment.Devices)
            {
                if (FileSystemName.MatchesSimpleExpression(wanted, modelOf(device))) return true;
            }

            return false;
        }

        private int Minutes(List<int> taken)
        {
            int minutes = 0;
            foreach (int index in taken) minutes += segments[index].Minutes;
            return minutes;
        }
    }
}
