using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Insights;

/// <summary>
/// Runs another model beside the present one over a user's minutes at rest and says, day by day, which minutes it names differently. Both derive from the
/// rows of one reading, by the derivation's own steps, so what is found is the models' doing and not that of a batch in between. Nothing is written.
/// </summary>
/// <remarks>A day costs two derivations of 36 hours of minutes, about 20 ms.</remarks>
internal sealed class ShadowRun(InsightsStore store, BoundModel present)
{
    /// <summary>Days a question may span: some seconds of one core.</summary>
    public const int MostDays = 366;

    /// <summary>The whole UTC days of a user that touch [from, to), in order.</summary>
    /// <param name="user">Whose; what the user said holds under either model.</param>
    /// <param name="shadow">The other model.</param>
    /// <param name="fromMinute">Inclusive, minutes since 1970 UTC.</param>
    /// <param name="toMinute">Exclusive.</param>
    /// <exception cref="RegistryException">Invalid: the user's minutes in the range span more than <see cref="MostDays"/>.</exception>
    public IReadOnlyList<(int Day, SegmentDiff Diff)> Compare(UserRecord user, BoundModel shadow, int fromMinute, int toMinute)
    {
        if (store.MinuteSpan(user.User) is not { } span || fromMinute > span.Last || toMinute <= span.First) return [];
        int firstDay = Math.Max(fromMinute, span.First) / DaySegmenter.MinutesPerDay, lastDay = Math.Min(toMinute - 1, span.Last) / DaySegmenter.MinutesPerDay;
        if (lastDay - firstDay >= MostDays)
        {
            throw new RegistryException(RegistryError.Invalid, $"The minutes asked for span {lastDay - firstDay + 1} days; at most {MostDays} are compared at a time. Ask for a part with from and to.");
        }

        return [.. Enumerable.Range(firstDay, Math.Max(0, lastDay - firstDay + 1)).Select(day => (day, CompareDay(user, shadow, day, span)))];
    }

    private SegmentDiff CompareDay(UserRecord user, BoundModel shadow, int day, (int First, int Last) span)
    {
        IReadOnlyList<(int Minute, MinuteRow Row)> rows = store.Minutes(user.User, DaySegmenter.FirstRowOf(day), Math.Min(DaySegmenter.LastRowOf(day), span.Last) + 1);
        return SegmentDiff.Of(Derive(present), Derive(shadow));

        List<Segment> Derive(BoundModel model) => DaySegmenter.Derive(model, day, rows, span.First, span.Last, user.UtcOffsetMinutes, AnswerBook.Read(user, model));
    }
}
