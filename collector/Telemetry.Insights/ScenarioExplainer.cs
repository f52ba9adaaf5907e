using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Scenarios.Answers;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Insights;

/// <summary>
/// Derives a user's day again with a device left out, from the minutes at rest: the answer that would have been given had the device never spoken. Same steps
/// as the derivation, so a replay of the log without the device's batches says just that.
/// </summary>
/// <remarks>Reads up to 36 hours of minutes a call. One day at a time: what a device said before the warm-up of the day is not looked at.</remarks>
internal sealed class ScenarioExplainer(InsightsStore store, BoundModel model)
{
    /// <summary>What a minute would be part of without each of some devices.</summary>
    /// <param name="user">Whose.</param>
    /// <param name="minute">Whole minutes since 1970 UTC.</param>
    /// <param name="devices">To be left out one by one.</param>
    /// <param name="utcOffsetMinutes">Of the user.</param>
    /// <param name="answers">What the user said; it holds without a device too.</param>
    /// <returns>By device, in the given order; null when nothing would be known of the minute.</returns>
    public IReadOnlyList<(uint Device, Segment? Segment)> WithoutEach(UserKey user, int minute, IReadOnlyList<uint> devices, int utcOffsetMinutes, PersonalAnswers answers)
    {
        int day = minute / DaySegmenter.MinutesPerDay;
        IReadOnlyList<(int Minute, MinuteRow Row)> rows = store.Minutes(user, DaySegmenter.FirstRowOf(day), DaySegmenter.LastRowOf(day) + 1);
        return [.. devices.Select(device => (device, Without(rows, device, day, minute, utcOffsetMinutes, answers)))];
    }

    private Segment? Without(IReadOnlyList<(int Minute, MinuteRow Row)> rows, uint device, int day, int minute, int utcOffsetMinutes, PersonalAnswers answers)
    {
        List<(int, MinuteRow)> rest = [];
        foreach ((int at, MinuteRow row) in rows)
        {
            if (row.Without(device) is { } without) rest.Add((at, without));
        }

        if (rest.Count == 0) return null;
        return DaySegmenter.Derive(model, day, rest, rest[0].Item1, rest[^1].Item1, utcOffsetMinutes, answers).Find(segment => segment.StartMinute <= minute && minute < segment.EndMinute);
    }
}
