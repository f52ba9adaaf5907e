using Telemetry.Scenarios.Model;

namespace Telemetry.Scenarios.Training;

/// <summary>Judges models on people (or days) that had no part in them.</summary>
public static class CrossValidation
{
    /// <summary>Judges a ready model on a set it has not seen.</summary>
    /// <exception cref="InvalidDataException">The model names no scenario of the set.</exception>
    public static EvaluationReport Judge(ScenarioModel model, LabelledSet set)
    {
        int[] labelOf = [.. model.Scenarios.Select(shape => set.Scenarios.ToList().IndexOf(shape.Name))];
        if (labelOf.All(label => label < 0)) throw new InvalidDataException($"Model {model.Version} names none of the scenarios {string.Join(", ", set.Scenarios)}.");
        BoundModel bound = new(model, set.BaseNames);
        return Evaluation.Report([.. set.Scenarios, "(other)"], [.. set.People.Select(person => (IReadOnlyList<JudgedMinute>)[.. Judged(bound, person).Select(ToLabels)])], [.. set.People.Select(_ => model.AbstainBelow)]);

        JudgedMinute ToLabels(JudgedMinute minute) => minute with { Streaming = Label(minute.Streaming), Lagged = Label(minute.Lagged) };
        int Label(int scenario) => labelOf[scenario] < 0 ? set.Scenarios.Count : labelOf[scenario];
    }

    /// <summary>Leaves each person out once, trains on the others and judges the one left out.</summary>
    /// <param name="set">At least four people; or one, then days are left out in turn.</param>
    /// <param name="options">How to train.</param>
    /// <param name="threads">Trainings at a time; the answer does not depend on it.</param>
    /// <param name="progress">Told after each how many are done, or null.</param>
    /// <param name="answersPerDay">Each person judged is asked so often a day, and judged again on the other minutes (<see cref="EvaluationReport.WithAnswers"/>); 0 = never.</param>
    public static EvaluationReport LeaveOneOut(LabelledSet set, TrainingOptions options, int threads = 1, Action<int>? progress = null, int answersPerDay = 0)
    {
        IReadOnlyList<JudgedMinute>[] judged = new IReadOnlyList<JudgedMinute>[set.People.Count], answered = new IReadOnlyList<JudgedMinute>[set.People.Count];
        double[] abstainBelow = new double[judged.Length];
        int done = 0;
        Parallel.For(0, judged.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
        {
            LabelledPerson person = set.People[i];
            ScenarioModel model = ModelTrainer.Train(set.Only(other => other.Name != person.Name), "left-out", options);
            BoundModel bound = new(model, set.BaseNames);
            judged[i] = Judged(bound, person);
            abstainBelow[i] = model.AbstainBelow;
            if (answersPerDay > 0) answered[i] = Judged(bound, person, new AskedPerson(bound, person, answersPerDay, seed: i));
            progress?.Invoke(Interlocked.Increment(ref done));
        });

        EvaluationReport report = Evaluation.Report(set.Scenarios, judged, abstainBelow);
        if (answersPerDay == 0) return report;
        EvaluationReport with = Evaluation.Report(set.Scenarios, answered);
        return report with { WithAnswers = new AnswersReport(answersPerDay, with.MacroF1Streaming, with.MacroF1Lag5, with.AccuracyStreaming, with.AccuracyLag5) };
    }

    private static IReadOnlyList<JudgedMinute> Judged(BoundModel bound, LabelledPerson person, AskedPerson? asked = null) => ScoredPerson.Score(bound, person).Judge(bound, asked);
}
