using Telemetry.Scenarios.Segments;

namespace Telemetry.Scenarios.Composites;

/// <summary>A pattern over the segments of one user: a situation that several stays make together.</summary>
/// <param name="Name">Stands where a scenario's name stands.</param>
/// <param name="Steps">1..<see cref="CompositeFile.MaxSteps"/>, in order of time; at least one that is not outside.</param>
/// <param name="GapMinutes">Minutes of other segments allowed between two segments of the pattern, 0..240.</param>
/// <param name="Minutes">Length of the whole without what is outside.</param>
/// <param name="StartsMinuteOfDay">When it may start, in the user's own time; may pass midnight.</param>
/// <param name="Days">Days of the week on which it may start; empty = any.</param>
public sealed record Composite(
    string Name, IReadOnlyList<CompositeStep> Steps, int GapMinutes, MinuteRange Minutes, MinuteRange StartsMinuteOfDay, IReadOnlyList<DayOfWeek> Days);

/// <summary>One step: segments one after the other that all answer to the same description.</summary>
/// <param name="Scenarios">Names that count; empty = any but unknown and off.</param>
/// <param name="Places">Place classes that count (1 home, 2 work, 3 other), as the devices last said; empty = any, also none.</param>
/// <param name="Device">Model that must have spoken, as <c>brand/model</c> with <c>*</c> for anything; null = any.</param>
/// <param name="Minutes">Of the step's segments together.</param>
/// <param name="IsOutside">Must be there, but is no part of the composite's time: the home a commute leaves.</param>
public sealed record CompositeStep(IReadOnlyList<string> Scenarios, IReadOnlyList<int> Places, string? Device, MinuteRange Minutes, bool IsOutside);

/// <summary>A range of minutes, both ends included.</summary>
public readonly record struct MinuteRange(int Least, int Most)
{
    /// <summary>True when it holds.</summary>
    public bool Holds(int minutes) => Least <= Most ? minutes >= Least && minutes <= Most : minutes >= Least || minutes <= Most;
}

/// <summary>A composite that was found.</summary>
/// <param name="Composite">Which.</param>
/// <param name="Segments">The segments it is made of, without those outside and without what lay in gaps.</param>
public sealed record CompositeStay(Composite Composite, IReadOnlyList<Segment> Segments)
{
    /// <summary>Inclusive, minutes since 1970 UTC.</summary>
    public int StartMinute => Segments[0].StartMinute;

    /// <summary>Exclusive.</summary>
    public int EndMinute => Segments[^1].EndMinute;

    /// <summary>Mean confidence of its segments, weighted by their minutes.</summary>
    public double Confidence => Math.Round(Segments.Sum(segment => segment.Confidence * segment.Minutes) / Segments.Sum(segment => segment.Minutes), 3);
}
