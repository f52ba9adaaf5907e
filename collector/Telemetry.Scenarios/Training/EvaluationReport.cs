namespace Telemetry.Scenarios.Training;

/// <summary>How good a model is on minutes it had no part in. Property names are those of COMMANDS.md.</summary>
public sealed record EvaluationReport
{
    /// <summary>People judged.</summary>
    public required int People { get; init; }

    /// <summary>Labelled minutes judged.</summary>
    public required int Minutes { get; init; }

    /// <summary>Mean of the classes' F1, answers at once.</summary>
    public required double MacroF1Streaming { get; init; }

    /// <summary>Mean of the classes' F1, answers after 5 minutes.</summary>
    public required double MacroF1Lag5 { get; init; }

    /// <summary>Share of right minutes, answers at once.</summary>
    public required double AccuracyStreaming { get; init; }

    /// <summary>Mean of the classes' recall, answers at once.</summary>
    public required double ClassAccuracyStreaming { get; init; }

    /// <summary>Share of right minutes, answers after 5 minutes.</summary>
    public required double AccuracyLag5 { get; init; }

    /// <summary>Mean of the classes' recall, answers after 5 minutes.</summary>
    public required double ClassAccuracyLag5 { get; init; }

    /// <summary>By scenario, answers after 5 minutes.</summary>
    public required IReadOnlyDictionary<string, ClassReport> PerClass { get; init; }

    /// <summary>Expected calibration error of the streamed confidence, 15 bins of equal width.</summary>
    public required double Ece { get; init; }

    /// <summary>The same of the confidence after 5 minutes, which is what segments carry.</summary>
    public required double EceLag5 { get; init; }

    /// <summary>Share of right minutes among the half with the highest streamed confidence.</summary>
    public required double AccuracyTopHalf { get; init; }

    /// <summary>Share of true boundaries with a named one within 5 minutes.</summary>
    public required double BoundaryWithin5Min { get; init; }

    /// <summary>Median distance of the true boundaries found to the nearest named one, minutes.</summary>
    public required double BoundaryMedianMin { get; init; }

    /// <summary>Named segments by true segments, over stretches of labelled minutes.</summary>
    public required double SegmentsRatio { get; init; }

    /// <summary>The streamed confidence against the truth, by bins of it that hold minutes.</summary>
    public required IReadOnlyList<ReliabilityBin> Reliability { get; init; }

    /// <summary>What is left when answers at once below a confidence are held back as unknown, by that confidence.</summary>
    public required IReadOnlyList<CoveragePoint> Coverage { get; init; }

    /// <summary>What the models name when they keep silent below their own <c>abstainBelow</c>, chosen on people held out in training; answers after 5 minutes. Its first number is their mean.</summary>
    public required CoveragePoint Abstention { get; init; }

    /// <summary>What the people's own answers add; null when nobody was asked.</summary>
    public AnswersReport? WithAnswers { get; init; }

    /// <summary>Names of the rows and columns of <see cref="Confusion"/>.</summary>
    public required IReadOnlyList<string> Scenarios { get; init; }

    /// <summary>Truth (row) against named (column), answers after 5 minutes.</summary>
    public required IReadOnlyList<IReadOnlyList<int>> Confusion { get; init; }
}

/// <summary>The same people, asked now and then; judged on the minutes nobody asked about.</summary>
public sealed record AnswersReport(int AnswersPerDay, double MacroF1Streaming, double MacroF1Lag5, double AccuracyStreaming, double AccuracyLag5);

/// <summary>Figures of one class.</summary>
public sealed record ClassReport(double Precision, double Recall, double F1, int Minutes);

/// <summary>Minutes said with about the same confidence.</summary>
/// <param name="Confidence">Mean of what was said.</param>
/// <param name="Right">Share of right minutes.</param>
/// <param name="Minutes">How many.</param>
public sealed record ReliabilityBin(double Confidence, double Right, int Minutes);

/// <summary>What a model that holds back its less sure answers names, and how often it is right then.</summary>
/// <param name="AtLeast">Confidence below which a minute is called unknown.</param>
/// <param name="Named">Share of the labelled minutes that are named all the same.</param>
/// <param name="Right">Share of right ones among those; 0 when none is named.</param>
public sealed record CoveragePoint(double AtLeast, double Named, double Right);

/// <summary>Adds up judged minutes.</summary>
public static class Evaluation
{
    private const int CalibrationBins = 15;
    private const int CoverageSteps = 20;
    private const int BoundaryMinutes = 5;
    private const int SameStretchMinutes = 2;

    /// <summary>Makes the report.</summary>
    /// <param name="scenarios">Names of the labels.</param>
    /// <param name="people">Judged minutes of each person, ascending.</param>
    /// <param name="abstainBelow">By person: of the model that judged; null = it never keeps silent.</param>
    public static EvaluationReport Report(IReadOnlyList<string> scenarios, IReadOnlyList<IReadOnlyList<JudgedMinute>> people, IReadOnlyList<double>? abstainBelow = null)
    {
        int count = scenarios.Count;
        int[][] streaming = Confusion(count, people, minute => minute.Streaming), lagged = Confusion(count, people, minute => minute.Lagged);
        ClassReport[] classes = [.. Enumerable.Range(0, count).Select(k => Class(lagged, k))];
        int[] present = [.. Enumerable.Range(0, count).Where(k => lagged[k].Sum() > 0)];
        JudgedMinute[] all = [.. people.SelectMany(person => person)];
        ReliabilityBin[] bins = Bins(all, minute => (minute.StreamingConfidence, minute.Streaming == minute.Truth));
        (double within, double median, double ratio) = Boundaries(people);
        return new EvaluationReport
        {
            People = people.Count,
            Minutes = all.Length,
            MacroF1Streaming = Round(MacroF1(streaming)),
            MacroF1Lag5 = Round(MacroF1(lagged)),
            AccuracyStreaming = Round(all.Length == 0 ? 0 : (double)all.Count(minute => minute.Streaming == minute.Truth) / all.Length),
            ClassAccuracyStreaming = Round(present.Length == 0 ? 0 : present.Average(k => Class(streaming, k).Recall)),
            AccuracyLag5 = Round(all.Length == 0 ? 0 : (double)all.Count(minute => minute.Lagged == minute.Truth) / all.Length),
            ClassAccuracyLag5 = Round(present.Length == 0 ? 0 : present.Average(k => classes[k].Recall)),
            PerClass = present.ToDictionary(k => scenarios[k], k => classes[k]),
            Ece = Round(CalibrationError(bins)),
            EceLag5 = Round(CalibrationError(Bins(all, minute => (minute.LaggedConfidence, minute.Lagged == minute.Truth)))),
            AccuracyTopHalf = Round(AccuracyOfSurestHalf(all)),
            BoundaryWithin5Min = Round(within),
            BoundaryMedianMin = Round(median),
            SegmentsRatio = Round(ratio),
            Reliability = [.. bins.Select(bin => new ReliabilityBin(Round(bin.Confidence), Round(bin.Right), bin.Minutes))],
            Coverage = [.. Enumerable.Range(0, CoverageSteps).Select(step => Coverage(all, (double)step / CoverageSteps))],
            Abstention = Abstention(people, abstainBelow ?? [.. people.Select(_ => 0.0)]),
            Scenarios = scenarios,
            Confusion = lagged,
        };
    }

    /// <summary>Mean F1 over the classes that occur.</summary>
    internal static double MacroF1(int[][] confusion)
    {
        int[] present = [.. Enumerable.Range(0, confusion.Length).Where(k => confusion[k].Sum() > 0)];
        return present.Length == 0 ? 0 : present.Average(k => Class(confusion, k).F1);
    }

    internal static int[][] Confusion(int count, IEnumerable<IEnumerable<JudgedMinute>> people, Func<JudgedMinute, int> named)
    {
        int[][] confusion = [.. Enumerable.Range(0, count).Select(_ => new int[count])];
        foreach (JudgedMinute minute in people.SelectMany(person => person)) confusion[minute.Truth][named(minute)]++;
        return confusion;
    }

    private static ClassReport Class(int[][] confusion, int k)
    {
        int right = confusion[k][k], truth = confusion[k].Sum(), named = confusion.Sum(row => row[k]);
        double precision = named == 0 ? 0 : (double)right / named, recall = truth == 0 ? 0 : (double)right / truth;
        double f1 = precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall);
        return new ClassReport(Round(precision), Round(recall), Round(f1), truth);
    }

    private static ReliabilityBin[] Bins(JudgedMinute[] all, Func<JudgedMinute, (double Confidence, bool IsRight)> read) =>
    [
        .. all.Select(read).GroupBy(said => Math.Min(CalibrationBins - 1, (int)(said.Confidence * CalibrationBins))).OrderBy(bin => bin.Key)
            .Select(bin => new ReliabilityBin(bin.Average(said => said.Confidence), bin.Average(said => said.IsRight ? 1.0 : 0), bin.Count())),
    ];

    private static CoveragePoint Coverage(JudgedMinute[] all, double atLeast)
    {
        int named = all.Count(minute => minute.StreamingConfidence >= atLeast), right = all.Count(minute => minute.StreamingConfidence >= atLeast && minute.Streaming == minute.Truth);
        return new CoveragePoint(Round(atLeast), Round(all.Length == 0 ? 0 : (double)named / all.Length), Round(named == 0 ? 0 : (double)right / named));
    }

    private static CoveragePoint Abstention(IReadOnlyList<IReadOnlyList<JudgedMinute>> people, IReadOnlyList<double> abstainBelow)
    {
        JudgedMinute[] named = [.. people.SelectMany((person, i) => person.Where(minute => minute.LaggedConfidence >= abstainBelow[i]))];
        int all = people.Sum(person => person.Count), right = named.Count(minute => minute.Lagged == minute.Truth);
        return new CoveragePoint(Round(abstainBelow.DefaultIfEmpty().Average()), Round(all == 0 ? 0 : (double)named.Length / all), Round(named.Length == 0 ? 0 : (double)right / named.Length));
    }

    private static double CalibrationError(ReliabilityBin[] bins) =>
        bins.Length == 0 ? 0 : bins.Sum(bin => Math.Abs(bin.Right - bin.Confidence) * bin.Minutes) / bins.Sum(bin => bin.Minutes);

    private static double AccuracyOfSurestHalf(JudgedMinute[] all)
    {
        JudgedMinute[] surest = [.. all.OrderByDescending(minute => minute.StreamingConfidence).Take((all.Length + 1) / 2)];
        return surest.Length == 0 ? 0 : (double)surest.Count(minute => minute.Streaming == minute.Truth) / surest.Length;
    }

    // A stretch is a run of labelled minutes without a hole; only inside one can a boundary be told.
    private static (double Within, double Median, double Ratio) Boundaries(IReadOnlyList<IReadOnlyList<JudgedMinute>> people)
    {
        int trueSegments = 0, namedSegments = 0;
        List<int> distances = [];
        int boundaries = 0;
        foreach (IReadOnlyList<JudgedMinute> person in people)
        {
            for (int start = 0; start < person.Count;)
            {
                int end = start + 1;
                while (end < person.Count && person[end].Minute - person[end - 1].Minute <= SameStretchMinutes) end++;
                List<int> truth = Changes(person, start, end, minute => minute.Truth), named = Changes(person, start, end, minute => minute.Lagged);
                trueSegments += truth.Count + 1;
                namedSegments += named.Count + 1;
                boundaries += truth.Count;
                foreach (int boundary in truth)
                {
                    if (named.Count > 0) distances.Add(named.Min(other => Math.Abs(other - boundary)));
                }

                start = end;
            }
        }

        distances.Sort();
        int within = distances.Count(distance => distance <= BoundaryMinutes);
        double median = within == 0 ? double.NaN : distances[within / 2];
        return (boundaries == 0 ? 1 : (double)within / boundaries, double.IsNaN(median) ? 0 : median, trueSegments == 0 ? 1 : (double)namedSegments / trueSegments);
    }

    private static List<int> Changes(IReadOnlyList<JudgedMinute> person, int start, int end, Func<JudgedMinute, int> read)
    {
        List<int> changes = [];
        for (int i = start + 1; i < end; i++)
        {
            if (read(person[i]) != read(person[i - 1])) changes.Add(person[i].Minute);
        }

        return changes;
    }

    private static double Round(double value) => Math.Round(value, 4);
}
