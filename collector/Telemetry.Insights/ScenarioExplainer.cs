using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Scenarios.Answers;
using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;
using FeatureValue = Telemetry.Wire.V1.FeatureValue;

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

    /// <summary>What features were in the minutes of a segment, whole devices fused, as the model saw them.</summary>
    /// <param name="user">Whose.</param>
    /// <param name="segment">Of one UTC day.</param>
    /// <param name="features">Which; names that are no feature are left out.</param>
    /// <param name="utcOffsetMinutes">Of the user.</param>
    public IReadOnlyList<FeatureValue> ValuesOf(UserKey user, Segment segment, IEnumerable<string> features, int utcOffsetMinutes)
    {
        int first = DaySegmenter.FirstRowOf(segment.StartMinute / DaySegmenter.MinutesPerDay);
        Dictionary<int, MinuteRow> rows = store.Minutes(user, first, segment.EndMinute).ToDictionary(row => row.Minute, row => row.Row);
        FeatureExtractor extractor = new(utcOffsetMinutes);
        float[] vector = new float[FeatureCatalog.Count];
        List<float>[] found = [.. vector.Select(_ => new List<float>())];
        for (int minute = first; minute < segment.EndMinute; minute++)
        {
            extractor.Read(minute, rows.GetValueOrDefault(minute), vector);
            for (int i = 0; minute >= segment.StartMinute && i < vector.Length; i++)
            {
                if (!float.IsNaN(vector[i])) found[i].Add(vector[i]);
            }
        }

        return
        [
            .. features.Select(name => FeatureCatalog.Names.ToList().IndexOf(name)).Where(index => index >= 0 && found[index].Count > 0).Select(index => new FeatureValue
            {
                Feature = FeatureCatalog.Names[index],
                Mean = Math.Round((Feature)index is Feature.Place or Feature.LastRoom ? found[index].CountBy(value => value).MaxBy(value => value.Value).Key : found[index].Average(), 3),
                Unit = FeatureCatalog.UnitOf((Feature)index),
                Minutes = (uint)found[index].Count,
            }),
        ];
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
