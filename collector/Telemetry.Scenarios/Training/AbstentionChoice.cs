namespace Telemetry.Scenarios.Training;

/// <summary>
/// Chooses below which confidence a model keeps silent, from the coverage curve of people held out: where the minutes named right outnumber those named wrong by most. A name that is more
/// often wrong than right is worse than none, and one that is more often right is better; no other price of a mistake is assumed.
/// </summary>
/// <remarks>A person counts as one, however many minutes there are. Of two confidences alike the lower one is taken: silence has to earn its place.</remarks>
internal static class AbstentionChoice
{
    private const int Steps = 20; // of 0.05, as in the report's curve
    private const double ClearlyBetter = 0.002; // in shares of a person's minutes

    /// <summary>The confidence to abstain below, 0..0.95.</summary>
    /// <param name="people">Judged minutes of each person, with calibrated confidence.</param>
    public static double Choose(IReadOnlyList<IReadOnlyList<JudgedMinute>> people)
    {
        double best = 0, most = double.NegativeInfinity;
        for (int step = 0; step < Steps; step++)
        {
            double threshold = (double)step / Steps, gain = people.Where(person => person.Count > 0).Sum(person => person.Average(minute => Gain(minute, threshold)));
            if (gain > most + (ClearlyBetter * people.Count)) (best, most) = (threshold, gain);
        }

        return best;
    }

    private static double Gain(in JudgedMinute minute, double threshold) => minute.LaggedConfidence < threshold ? 0 : minute.Lagged == minute.Truth ? 1 : -1;
}
