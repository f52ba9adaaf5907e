using Telemetry.Scenarios.Datasets;

namespace Telemetry.Scenarios.Features;

/// <summary>What the quality gate says of the minutes of one band.</summary>
/// <param name="Band">What the set calls the band.</param>
/// <param name="People">Who wore it.</param>
/// <param name="Minutes">Minutes judged.</param>
/// <param name="HeartRateMinutes">Those with a heart rate.</param>
/// <param name="Untrue">Minutes of which a part cannot have been measured (<see cref="QualityFlags.Untrue"/>).</param>
/// <param name="UntrueShare">Of all minutes.</param>
/// <param name="LeastOfAPerson">The share of the person with the smallest.</param>
/// <param name="MostOfAPerson">The share of the person with the greatest.</param>
/// <param name="Reasons">Minutes by reason; a minute may have several.</param>
public sealed record GateReport(
    string Band, int People, int Minutes, int HeartRateMinutes, int Untrue, double UntrueShare, double LeastOfAPerson, double MostOfAPerson, IReadOnlyDictionary<string, long> Reasons)
{
    private static readonly (QualityFlags Flag, string Name)[] s_reasons =
    [
        (QualityFlags.FrozenHeartRate, "frozenHeartRate"), (QualityFlags.ImpossibleHeartRate, "impossibleHeartRate"), (QualityFlags.FilledHeartRate, "filledHeartRate"),
        (QualityFlags.FractionalSteps, "fractionalSteps"), (QualityFlags.ImpossibleSteps, "impossibleSteps"), (QualityFlags.OffBody, "offBody"),
    ];

    /// <summary>Judges every person of every band with a gate of their own, as the collector does.</summary>
    /// <param name="minutes">Ascending for one band and person.</param>
    /// <returns>A report a band, in the order of their first minutes.</returns>
    public static IReadOnlyList<GateReport> Of(IEnumerable<BandMinute> minutes)
    {
        OrderedDictionary<string, Dictionary<string, Wearer>> bands = new(StringComparer.Ordinal);
        foreach (BandMinute minute in minutes)
        {
            if (!bands.TryGetValue(minute.Band, out Dictionary<string, Wearer>? wearers)) bands[minute.Band] = wearers = new(StringComparer.Ordinal);
            if (!wearers.TryGetValue(minute.Person, out Wearer? wearer)) wearers[minute.Person] = wearer = new Wearer();
            wearer.Judge(minute);
        }

        return [.. bands.Select(band => OfBand(band.Key, band.Value.Values))];
    }

    private static GateReport OfBand(string band, IReadOnlyCollection<Wearer> wearers)
    {
        int minutes = wearers.Sum(wearer => wearer.Minutes), untrue = wearers.Sum(wearer => wearer.Untrue);
        return new GateReport(
            band, wearers.Count, minutes, wearers.Sum(wearer => wearer.HeartRateMinutes), untrue, Round((double)untrue / minutes),
            Round(wearers.Min(wearer => wearer.UntrueShare)), Round(wearers.Max(wearer => wearer.UntrueShare)),
            s_reasons.ToDictionary(reason => reason.Name, reason => wearers.Sum(wearer => wearer.Gate.Count(reason.Flag))));
    }

    private static double Round(double share) => Math.Round(share, 6);

    private sealed class Wearer
    {
        public QualityGate Gate { get; } = new();

        public int Minutes { get; private set; }

        public int HeartRateMinutes { get; private set; }

        public int Untrue { get; private set; }

        public double UntrueShare => (double)Untrue / Minutes;

        public void Judge(BandMinute minute)
        {
            Minutes++;
            if (minute.Row.Has(Telemetry.Scenarios.Minutes.SignalSlot.HeartRate)) HeartRateMinutes++;
            if ((Gate.Judge(minute.Minute, minute.Row) & QualityFlags.Untrue) != 0) Untrue++;
        }
    }
}
