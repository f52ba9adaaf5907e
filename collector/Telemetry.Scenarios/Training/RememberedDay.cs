using Telemetry.Scenarios.Segments;

namespace Telemetry.Scenarios.Training;

/// <summary>
/// The minutes of a person that <see cref="DaySegmenter"/> reads for a UTC day: nothing from before its warm-up is remembered when the day is named. Training and judging
/// remember just as much, so that a figure is not better than what the engine can do.
/// </summary>
/// <param name="WarmUp">Index of the first minute that is read.</param>
/// <param name="From">Index of the first minute of the day.</param>
/// <param name="To">Behind the last minute of the day.</param>
internal readonly record struct RememberedDay(int WarmUp, int From, int To)
{
    /// <summary>The days that hold minutes.</summary>
    /// <param name="minutes">Whole minutes since 1970 UTC, ascending.</param>
    public static IEnumerable<RememberedDay> Of(int[] minutes)
    {
        for (int warmUp = 0, from = 0, to; from < minutes.Length; from = to)
        {
            int day = minutes[from] / DaySegmenter.MinutesPerDay;
            for (to = from + 1; to < minutes.Length && minutes[to] / DaySegmenter.MinutesPerDay == day;) to++;
            while (minutes[warmUp] < DaySegmenter.FirstRowOf(day)) warmUp++;
            yield return new RememberedDay(warmUp, from, to);
        }
    }
}
