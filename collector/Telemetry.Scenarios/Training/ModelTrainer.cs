using Telemetry.Scenarios.Model;

namespace Telemetry.Scenarios.Training;

/// <summary>Settings of <see cref="ModelTrainer"/>.</summary>
/// <param name="Boosting">Of the trees.</param>
/// <param name="Balance">0 = classes weigh as they occur, 1 = all alike.</param>
/// <param name="RowsOfClass">Minutes of one class and person that go in at most; a night has little news in its 400th minute.</param>
/// <param name="InnerFolds">People are split so often to choose the filter's settings and the calibration on people the trees did not see.</param>
/// <param name="Committee">Forests grown from other draws, whose mean is the model: each learns other accidents of its people by heart.</param>
/// <param name="BridgedMinutes">Labelled minutes of one scenario that lie no further apart are one stay; more than 2 where labels have holes.</param>
/// <param name="Levelled">Weight of <see cref="UsualShares"/>, 0..1; 0 = the model has none.</param>
/// <param name="Blanked">Every minute goes in a second time with inputs missing that were there; null = it does not.</param>
public sealed record TrainingOptions(
    BoostingOptions Boosting, double Balance = 0.5, int RowsOfClass = 150, int InnerFolds = 3, int Committee = 1, int BridgedMinutes = 2, double Levelled = 0,
    BlankedInputs? Blanked = null)
{
    /// <summary>Settings that suit a source: homes with few switches and few days take smaller trees on all their minutes.</summary>
    public static TrainingOptions For(string source) => source switch
    {
        "kasteren" or "ordonez" or "kasteren-rooms" or "ordonez-rooms" or "occupancy" => new TrainingOptions(new BoostingOptions(Rounds: 40, Depth: 2, InputShare: 0.5, RowShare: 0.8, LeastWeight: 1), RowsOfClass: 120),
        "extrasensory" => new TrainingOptions(
            new BoostingOptions(RowShare: 0.25), RowsOfClass: 100, InnerFolds: 5, Committee: 3, BridgedMinutes: 60, Levelled: 0.5,
            Blanked: new BlankedInputs(Devices: 0.3, Single: 0.2)),
        _ => new TrainingOptions(new BoostingOptions()),
    };
}

/// <summary>Makes a model from labelled people: trees first, then duration, weight, votes and calibration on people held out inside.</summary>
public static class ModelTrainer
{
    // The first is what boosted scores mean by themselves. Another is taken only where it is clearly better: the people it is chosen on are few, and the best of many is luck.
    private static readonly double[] Weights = [1, 0.6, 1.5, 0.35, 2.2, 0.2];
    private static readonly double[] Votes = [0.2, 0.4, 0.6];
    private const double ClearlyBetter = 0.01; // in macro-F1
    private const int UsualMinutes = 1440; // of a person, as far as it is remembered

    /// <summary>Trains on every person of a set.</summary>
    /// <param name="set">At least <see cref="TrainingOptions.InnerFolds"/> people.</param>
    /// <param name="version">Of the model.</param>
    /// <param name="options">How.</param>
    public static ScenarioModel Train(LabelledSet set, string version, TrainingOptions options)
    {
        ScenarioModel draft = Draft(set, version, options.BridgedMinutes);
        List<ScoredPerson> heldOut = [];
        for (int fold = 0; fold < options.InnerFolds; fold++)
        {
            int judged = fold;
            LabelledPerson[] rest = [.. set.People.Where((_, i) => i % options.InnerFolds != judged)];
            if (rest.Length == 0) continue;
            BoundModel inner = new(WithTrees(draft, rest, set, options), set.BaseNames);
            heldOut.AddRange(set.People.Where((_, i) => i % options.InnerFolds == judged).Select(person => ScoredPerson.Score(inner, person)));
        }

        if (options.Levelled > 0)
        {
            draft = draft with { Usual = new UsualShares(UsualMinutes, options.Levelled, MeanShares(heldOut, set.Scenarios.Count)) };
            BoundModel levelled = new(draft, set.BaseNames);
            heldOut = [.. heldOut.Select(person => person.Levelled(levelled))];
        }

        ScenarioModel settings = ChooseSettings(draft, set, heldOut);
        ScenarioModel trained = WithTrees(draft, set.People, set, options);
        return settings with { Trees = trained.Trees, Scenarios = [.. settings.Scenarios.Zip(trained.Scenarios, (chosen, grown) => chosen with { Bias = grown.Bias })] };
    }

    private static double[] MeanShares(List<ScoredPerson> people, int scenarios)
    {
        double[] sums = new double[scenarios];
        float[] shares = new float[scenarios];
        foreach (float[] scores in people.SelectMany(person => person.Scores))
        {
            OwnLevel.Shares(scores, shares);
            for (int k = 0; k < scenarios; k++) sums[k] += shares[k];
        }

        double total = sums.Sum();
        return [.. sums.Select(sum => Math.Round(sum / total, 4))];
    }

    private static ScenarioModel Draft(LabelledSet set, string version, int bridgedMinutes)
    {
        List<string> inputs = [];
        for (int i = 0; i < set.BaseNames.Count; i++)
        {
            inputs.Add(set.BaseNames[i]);
            foreach (string derived in set.Derived[i]) inputs.Add($"{set.BaseNames[i]}.{derived}");
        }

        return new ScenarioModel
        {
            Format = 1,
            Version = version,
            About = $"Trained on {set.Name}, {set.People.Count} people.",
            EmissionWeight = 0.5,
            EmissionFloor = 0.01,
            AbstainBelow = 0, // chosen last
            Scenarios = Stays.Shapes(set, bridgedMinutes),
            Inputs = inputs,
            Terms = [],
            Trees = [],
            Next = Stays.Followers(set, bridgedMinutes),
            Calibration = new Calibration([0, 1], [0, 1]),
        };
    }

    private static ScenarioModel WithTrees(ScenarioModel draft, IReadOnlyList<LabelledPerson> people, LabelledSet set, TrainingOptions options)
    {
        BoundModel bound = new(draft, set.BaseNames);
        List<float[]> rows = [];
        List<int> labels = [];
        foreach (LabelledPerson person in people) Collect(bound, person, set.Scenarios.Count, options, rows, labels);

        if (options.Blanked is { } blanked) blanked.AddTo(rows, labels, bound.Inputs, options.Boosting.Seed);
        int classes = set.Scenarios.Count;
        double[] share = new double[classes];
        foreach (int label in labels) share[label] += 1.0 / labels.Count;
        double[] weight = [.. share.Select(s => s == 0 ? 0 : Math.Pow(s * classes, -options.Balance))];
        double total = 0;
        for (int k = 0; k < classes; k++) total += share[k] * weight[k];
        float[] rowWeights = [.. labels.Select(label => (float)(weight[label] / total))];
        IReadOnlyList<SmallTree> trees = [.. Enumerable.Range(0, options.Committee).SelectMany(member => Member([.. rows], [.. labels], rowWeights, classes, options, member))];

        // Softmax scores hold the weighted share of each class; taking its logarithm away leaves a likelihood ratio.
        ScenarioShape[] shapes = [.. draft.Scenarios.Select((shape, k) => shape with { Bias = Math.Round(share[k] == 0 ? -5 : -Math.Log(share[k] * weight[k] / total), 4) })];
        return draft with { Trees = trees, Scenarios = shapes };
    }

    private static IEnumerable<SmallTree> Member(float[][] rows, int[] labels, float[] rowWeights, int classes, TrainingOptions options, int member) =>
        BoostedTrees.Grow(rows, labels, rowWeights, classes, options.Boosting with { Seed = options.Boosting.Seed + member })
            .Select(tree => tree with { Leaves = [.. tree.Leaves.Select(leaf => Math.Round(leaf / options.Committee, 4))] });

    private static void Collect(BoundModel bound, LabelledPerson person, int classes, TrainingOptions options, List<float[]> rows, List<int> labels)
    {
        int[] count = new int[classes];
        for (int i = 0; i < person.Labels.Length; i++)
        {
            if (Teaches(i)) count[person.Labels[i]]++;
        }

        int[] step = [.. count.Select(n => Math.Max(1, (n + options.RowsOfClass - 1) / options.RowsOfClass))];
        int[] seen = new int[classes];
        float[] inputs = new float[bound.Inputs.Count];
        foreach (RememberedDay day in RememberedDay.Of(person.Minutes))
        {
            InputReader reader = new(bound);
            for (int i = day.WarmUp; i < day.To; i++)
            {
                reader.Read(person.Minutes[i], person.Vectors[i], inputs);
                int label = person.Labels[i];
                if (i < day.From || !Teaches(i) || seen[label]++ % step[label] != 0) continue;
                rows.Add([.. inputs]);
                labels.Add(label);
            }
        }

        bool Teaches(int i) => person.Labels[i] >= 0 && person.Doubted?[i] != true;
    }

    // First the weight of a minute's evidence, then the votes for rare scenarios: a search along both at once costs twice the time and found nothing better.
    private static ScenarioModel ChooseSettings(ScenarioModel draft, LabelledSet set, List<ScoredPerson> heldOut)
    {
        ScenarioModel best = draft;
        double bestScore = -1;
        foreach (double weight in Weights) Try(draft with { EmissionWeight = weight });
        ScenarioModel weighed = best;
        foreach (double vote in Votes)
            Try(weighed with { Scenarios = [.. draft.Scenarios.Select(shape => shape with { Vote = Math.Round(Math.Pow(shape.Prior, -vote), 4) })] });
        ScenarioModel calibrated = best with { Calibration = CalibrationFit.Fit(JudgeBy(evidence: 0), JudgeBy(evidence: 1)) };
        return calibrated with { AbstainBelow = AbstentionChoice.Choose(Judge(calibrated, set, heldOut)) };

        IReadOnlyList<JudgedMinute>[] JudgeBy(double evidence) => Judge(best with { Calibration = new Calibration([0, 1], [0, 1], evidence) }, set, heldOut);

        void Try(ScenarioModel tried)
        {
            IReadOnlyList<JudgedMinute>[] judged = Judge(tried, set, heldOut);
            double score = (Evaluation.MacroF1(Evaluation.Confusion(set.Scenarios.Count, judged, minute => minute.Lagged))
                + Evaluation.MacroF1(Evaluation.Confusion(set.Scenarios.Count, judged, minute => minute.Streaming))) / 2;
            if (score > bestScore + ClearlyBetter) (best, bestScore) = (tried, score);
        }
    }

    private static IReadOnlyList<JudgedMinute>[] Judge(ScenarioModel model, LabelledSet set, List<ScoredPerson> people)
    {
        BoundModel bound = new(model, set.BaseNames);
        return [.. people.Select(person => person.Judge(bound))];
    }
}

/// <summary>How long stays last and what follows them, counted from labels.</summary>
internal static class Stays
{
    private const double ShortestShare = 0.15; // of true stays may be shorter than the shortest one a model allows

    public static ScenarioShape[] Shapes(LabelledSet set, int bridgedMinutes)
    {
        int count = set.Scenarios.Count;
        List<int>[] lengths = [.. Enumerable.Range(0, count).Select(_ => new List<int>())];
        double[] minutes = new double[count];
        foreach (LabelledPerson person in set.People)
        {
            foreach ((int label, int length) in Runs(person, bridgedMinutes))
            {
                lengths[label].Add(length);
                minutes[label] += length;
            }
        }

        double total = minutes.Sum() + count;
        return [.. Enumerable.Range(0, count).Select(k => Shape(set.Scenarios[k], lengths[k], (minutes[k] + 1) / total))];
    }

    public static double[][] Followers(LabelledSet set, int bridgedMinutes)
    {
        int count = set.Scenarios.Count;
        double[][] next = [.. Enumerable.Range(0, count).Select(from => Enumerable.Range(0, count).Select(to => from == to ? 0d : 0.5).ToArray())];
        foreach (LabelledPerson person in set.People)
        {
            int before = -1;
            foreach ((int label, _) in Runs(person, bridgedMinutes))
            {
                if (before >= 0 && label != before) next[before][label]++;
                before = label;
            }
        }

        foreach (double[] row in next)
        {
            double sum = row.Sum();
            for (int to = 0; to < count; to++) row[to] = Math.Round(row[to] / sum, 4);
        }

        return next;
    }

    private static ScenarioShape Shape(string name, List<int> lengths, double prior)
    {
        lengths.Sort();
        int shortest = lengths.Count == 0 ? 1 : Math.Clamp(lengths[(int)(lengths.Count * ShortestShare)], 1, 4);
        double mean = lengths.Count == 0 ? 10 : lengths.Average();
        return new ScenarioShape(name, Math.Round(prior, 5), shortest, Math.Round(Math.Max(mean, shortest + 1), 1));
    }

    private static IEnumerable<(int Label, int Length)> Runs(LabelledPerson person, int bridgedMinutes)
    {
        int label = -1, from = 0, to = 0;
        for (int i = 0; i < person.Minutes.Length; i++)
        {
            if (person.Labels[i] < 0) continue;
            int minute = person.Minutes[i];
            if (person.Labels[i] != label || minute - to > bridgedMinutes)
            {
                if (label >= 0) yield return (label, to - from + 1);
                (label, from) = (person.Labels[i], minute);
            }

            to = minute;
        }

        if (label >= 0) yield return (label, to - from + 1);
    }
}
