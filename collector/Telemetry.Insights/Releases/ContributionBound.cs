using Telemetry.Scenarios.Composites;

namespace Telemetry.Insights.Releases;

/// <summary>
/// What one user can add to a release in one week. Noise is made for exactly this much, so a week of a user is hidden whatever they did;
/// what goes beyond is cut before anything is summed.
/// </summary>
/// <param name="Cells">Groups that may count a user-week; its largest do.</param>
/// <param name="Weighted">Sum over its groups of value * 1000 / weight.</param>
/// <param name="Weights">Thousandths by group number; a low weight means less noise there, and a value there counts more against the bound.</param>
internal sealed record ContributionBound(int Cells, long Weighted, int[] Weights)
{
    private const int MinutesPerWeek = 7 * 1440;

    // In scenario x hour a real user-week touches 40-90 groups, and the count of users needs noise for as many as may count it. What is
    // asked for is the count where it is the answer; where it only guards the threshold, the groups with most of the week's minutes do.
    private const int MaxCellsOfUsers = 64;
    private const int MaxCellsOfThreshold = 24;

    // 20 stays a day; 4 composites.
    private const int MaxEventsPerWeek = 140, MaxCompositesPerWeek = 28;

    // Typical most minutes of a day in a composite; its own page may say less.
    private const int MaxCompositeMinutesPerDay = 240;

    // Typical most minutes a week of what is rare. Their groups get sqrt(share of the week) of the noise: 4-6 times less, for about a quarter more elsewhere.
    private static readonly Dictionary<string, int> s_rareMinutes = new(StringComparer.Ordinal)
    {
        ["run"] = 300, ["cycle"] = 420, ["workout"] = 420, ["vehicle"] = 840, ["walk"] = 1680,
    };

    /// <summary>The bound for a question.</summary>
    public static ContributionBound For(ReleaseQuery query, CellSpace space)
    {
        int[] weights = new int[space.Count];
        Array.Fill(weights, 1000);
        int cells = Math.Min(space.Count, query.Measure == Measure.Users ? MaxCellsOfUsers : MaxCellsOfThreshold);
        if (query.Measure == Measure.Users) return new ContributionBound(cells, cells, weights);
        if (query.Measure is Measure.Segments or Measure.Transitions) return new ContributionBound(cells, query.IsOfComposites ? MaxCompositesPerWeek : MaxEventsPerWeek, weights);

        // A device set can count for several models at once; the cut below keeps that within the week's minutes.
        long rangeMinutes = query.FromUnixMs > 0 && query.ToUnixMs > 0 ? (query.ToUnixMs - query.FromUnixMs) / 60_000 : MinutesPerWeek;
        long minutes = Math.Max(1, (long)(Math.Min(MinutesPerWeek, rangeMinutes) * space.ShareOfWeek()));
        Dictionary<string, int> typical = query.IsOfComposites ? space.Composites().ToDictionary(pair => pair.Key, pair => MinutesOf(pair.Value), StringComparer.Ordinal) : s_rareMinutes;
        if (!query.GroupBy.Contains(query.StayKey))
        {
            return new ContributionBound(cells, query.IsOfComposites ? Math.Max(1, Math.Min(minutes, typical.Values.Sum(most => (long)most))) : minutes, weights);
        }

        for (int cell = 0; cell < weights.Length; cell++) weights[cell] = WeightOf(space.StayOf(cell) ?? "");
        long weighted = space.Stays().Sum(name => (long)(typical.GetValueOrDefault(name, MinutesPerWeek) * 1000.0 / WeightOf(name)));
        return new ContributionBound(cells, Math.Max(1, Math.Min(minutes * 5 / 4, weighted)), weights);

        int WeightOf(string name) => (int)(1000 * Math.Sqrt(typical.GetValueOrDefault(name, MinutesPerWeek) / (double)MinutesPerWeek));
    }

    // From the pattern alone, never from who was in it.
    private static int MinutesOf(Composite composite) =>
        (composite.Days.Count == 0 ? 7 : composite.Days.Distinct().Count()) * Math.Min(MaxCompositeMinutesPerDay, Math.Max(composite.Minutes.Least, composite.Minutes.Most));
}
