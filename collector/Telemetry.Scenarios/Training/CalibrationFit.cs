using Telemetry.Scenarios.Model;

namespace Telemetry.Scenarios.Training;

/// <summary>
/// Fits how sure a model may be: how much of its probability is read from the evidence itself (<see cref="Calibration.Evidence"/>), and from there a rising line to the share of
/// right minutes, logistic in the log-odds with two numbers (Platt 1999).
/// </summary>
/// <remarks>
/// One person's minutes are right or wrong together, so a person counts as one, however many minutes there are, and the probability taken as it is counts as <see cref="PriorPeople"/>
/// more. A line that follows its few people closely is a guess about the next one: where a hard person was left out, those that remain look easy.
/// </remarks>
internal static class CalibrationFit
{
    /// <summary>Weight of the straight line, in people.</summary>
    private const double PriorPeople = 10;

    private const double PriorCurvature = 0.2; // of one person's mean log-loss: p(1 - p) where most minutes lie
    private const double LeastOdds = 1e-4; // log-odds end here
    private const int Steps = 25;
    private const double LongestStep = 1;

    private static readonly double[] Blends = [0, 0.25, 0.5, 0.75, 1];
    private static readonly double[] Points = [0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1];

    /// <summary>Fits on people held out.</summary>
    /// <param name="byProbability">By person: minutes whose confidence is the filter's probability, unchanged.</param>
    /// <param name="byEvidence">The same minutes, their confidence the share of the evidence.</param>
    public static Calibration Fit(IReadOnlyList<IReadOnlyList<JudgedMinute>> byProbability, IReadOnlyList<IReadOnlyList<JudgedMinute>> byEvidence)
    {
        Calibration best = new([0, 1], [0, 1]);
        double least = double.PositiveInfinity;
        foreach (double blend in Blends)
        {
            List<Sample> samples = [.. byProbability.Zip(byEvidence).SelectMany(person => Samples(person.First, person.Second, blend))];
            if (samples.Count == 0) return best;
            (double slope, double shift) = Line(samples, isFlat: false);
            if (slope < 0) (slope, shift) = Line(samples, isFlat: true); // more evidence never makes it less sure
            Calibration fitted = new(Points, [.. Points.Select(point => Math.Round(Logistic((slope * LogOdds(point)) + shift), 4))], blend, byProbability.Count);
            double error = samples.Sum(sample => sample.Weight * Square(fitted.Map(sample.Probability) - sample.Right));
            if (error < least) (best, least) = (fitted, error);
        }

        return best;
    }

    private static IEnumerable<Sample> Samples(IReadOnlyList<JudgedMinute> byProbability, IReadOnlyList<JudgedMinute> byEvidence, double blend) =>
        byProbability.Zip(byEvidence, (one, other) => new Sample(
            ((1 - blend) * one.StreamingConfidence) + (blend * other.StreamingConfidence), one.Streaming == one.Truth ? 1 : 0, 1.0 / byProbability.Count));

    // Newton's steps on the log-loss of the people and the prior that slope is 1 and shift 0.
    private static (double Slope, double Shift) Line(List<Sample> samples, bool isFlat)
    {
        const double Prior = PriorPeople * PriorCurvature;
        double slope = isFlat ? 0 : 1, shift = 0;
        for (int step = 0; step < Steps; step++)
        {
            double towardsSlope = Prior * (1 - slope), towardsShift = -Prior * shift;
            double slopes = Prior, both = 0, shifts = Prior;
            foreach (Sample sample in samples)
            {
                double odds = LogOdds(sample.Probability), said = Logistic((slope * odds) + shift), missing = sample.Weight * (sample.Right - said);
                double curvature = sample.Weight * said * (1 - said);
                towardsSlope += missing * odds;
                towardsShift += missing;
                slopes += curvature * odds * odds;
                both += curvature * odds;
                shifts += curvature;
            }

            if (isFlat) (towardsSlope, both) = (0, 0);
            double determinant = (slopes * shifts) - (both * both);
            slope += Math.Clamp(((shifts * towardsSlope) - (both * towardsShift)) / determinant, -LongestStep, LongestStep);
            shift += Math.Clamp(((slopes * towardsShift) - (both * towardsSlope)) / determinant, -LongestStep, LongestStep);
        }

        return (slope, shift);
    }

    private static double LogOdds(double probability)
    {
        double inside = Math.Clamp(probability, LeastOdds, 1 - LeastOdds);
        return Math.Log(inside / (1 - inside));
    }

    private static double Logistic(double odds) => 1 / (1 + Math.Exp(-odds));

    private static double Square(double value) => value * value;

    /// <summary>A minute: what it is read from, 1 when it was right, and its part of a person.</summary>
    private readonly record struct Sample(double Probability, double Right, double Weight);
}
