using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Training;

namespace Telemetry.Scenarios.Tests.Training;

public sealed class TrainingTests
{
    private static readonly TrainingOptions Quick = new(new BoostingOptions(Rounds: 12, Depth: 2, InputShare: 1, RowShare: 0.8, LeastWeight: 1), RowsOfClass: 200);

    [Fact]
    public void LeaveOneOut_PeopleWhoDifferWithAMissingDevice_NamesThemRightAndKnowsHowSure()
    {
        EvaluationReport report = CrossValidation.LeaveOneOut(People(1, noise: 1.2), Quick);
        Assert.Equal(6, report.People);
        Assert.True(report.MacroF1Lag5 >= 0.9, $"macro-F1 is {report.MacroF1Lag5}");
        Assert.True(report.MacroF1Lag5 >= report.MacroF1Streaming - 0.02);
        Assert.InRange(report.Ece, 0, 0.1);
        Assert.InRange(report.SegmentsRatio, 0.8, 1.3);
        Assert.True(report.BoundaryWithin5Min >= 0.9);
    }

    [Fact]
    public void LeaveOneOut_WithMoreThreads_GivesTheSameReport()
    {
        LabelledSet set = People(2, noise: 2);
        EvaluationReport one = CrossValidation.LeaveOneOut(set, Quick, threads: 1), two = CrossValidation.LeaveOneOut(set, Quick, threads: 2);
        Assert.Equal(one.MacroF1Lag5, two.MacroF1Lag5);
        Assert.Equal(one.Ece, two.Ece);
        Assert.Equal(one.Confusion.SelectMany(row => row), two.Confusion.SelectMany(row => row));
    }

    [Fact]
    public void LeaveOneOut_LabelsThatMeanNothing_IsNotSure()
    {
        LabelledSet set = People(3, noise: 1);
        Random random = new(7);
        set = set with { People = [.. set.People.Select(person => person with { Labels = [.. person.Labels.Select(_ => random.Next(3))] })] };
        EvaluationReport report = CrossValidation.LeaveOneOut(set, Quick);
        Assert.InRange(report.AccuracyLag5, 0.25, 0.42); // chance is a third: a leak from the judged person would lift it
        Assert.InRange(report.Ece, 0, 0.12);
    }

    // Every third person calls b what everybody else calls a. Doubted, they teach nothing, and are judged all the same.
    [Fact]
    public void LeaveOneOut_DoubtedMinutes_TeachNothingAndAreJudged()
    {
        LabelledSet set = People(3, noise: 1);
        LabelledPerson Wrong(LabelledPerson person, int number) => number % 3 > 0
            ? person
            : person with { Labels = [.. person.Labels.Select(label => (label + 1) % 3)], Doubted = [.. person.Labels.Select(_ => true)] };
        LabelledSet doubted = set with { People = [.. set.People.Select(Wrong)] }, believed = doubted with { People = [.. doubted.People.Select(person => person with { Doubted = null })] };
        EvaluationReport careful = CrossValidation.LeaveOneOut(doubted, Quick), gullible = CrossValidation.LeaveOneOut(believed, Quick);

        Assert.Equal(gullible.Minutes, careful.Minutes);
        Assert.InRange(careful.AccuracyStreaming, 0.5, 0.67); // four of six are right at most
        Assert.True(careful.MacroF1Streaming > gullible.MacroF1Streaming, $"{careful.MacroF1Streaming} without the doubted minutes, {gullible.MacroF1Streaming} with them");
    }

    // Two classes lie on top of each other; everybody does only one of them, which nobody else's labels tell.
    [Fact]
    public void LeaveOneOut_PeopleWhoAnswer_AreNamedRightMoreOftenFromTheNextDayOn()
    {
        Random random = new(5);
        LabelledPerson Person(int number)
        {
            int[] labels = [.. Enumerable.Range(0, 5 * 1440).Select(minute => minute / 60 % 2 == 0 ? 2 : number % 2)];
            return new LabelledPerson($"p{number}", [.. Enumerable.Range(1440 * 100, labels.Length)], [.. labels.Select(label => new[] { (label == 2 ? 4 : 0) + (float)random.NextDouble() })], labels);
        }

        LabelledSet set = new("made", ["level"], [[]], ["tea", "coffee", "walk"], [.. Enumerable.Range(0, 6).Select(Person)]);
        EvaluationReport report = CrossValidation.LeaveOneOut(set, Quick, answersPerDay: 4);
        Assert.Equal(4, report.WithAnswers!.AnswersPerDay);
        Assert.InRange(report.AccuracyStreaming, 0.3, 0.85);
        Assert.True(report.WithAnswers.AccuracyStreaming >= report.AccuracyStreaming + 0.1, $"{report.AccuracyStreaming} without, {report.WithAnswers.AccuracyStreaming} with answers");
    }

    [Fact]
    public void Train_WrittenAndRead_JudgesAlike()
    {
        LabelledSet set = People(4, noise: 1);
        ScenarioModel model = ModelTrainer.Train(set, "t-1", Quick);
        EvaluationReport before = CrossValidation.Judge(model, set), after = CrossValidation.Judge(ModelFile.Read(ModelFile.Write(model)), set);
        Assert.Equal(before.MacroF1Lag5, after.MacroF1Lag5);
        Assert.Equal(before.Ece, after.Ece);
    }

    [Fact]
    public void Report_HandCountedMinutes_GivesTheirFigures()
    {
        // Truth aaaa bbbb cut into two segments; named aaab bbbb: one minute wrong, the boundary one minute early.
        JudgedMinute[] minutes = [.. Enumerable.Range(0, 8).Select(i =>
            new JudgedMinute(i, i < 4 ? 0 : 1, i < 3 ? 0 : 1, i < 4 ? 0.6 : 1, i < 3 ? 0 : 1, 1))];
        EvaluationReport report = Evaluation.Report(["a", "b"], [minutes]);

        Assert.Equal(0.875, report.AccuracyLag5);
        Assert.Equal(Math.Round(((2 * 1 * 0.75 / 1.75) + (2 * 0.8 * 1 / 1.8)) / 2, 4), report.MacroF1Lag5, 3);
        Assert.Equal(1, report.AccuracyTopHalf);
        Assert.Equal(0.075, report.Ece, 4); // four minutes said 0.6, three of four right: |3 - 2.4| / 8
        Assert.Equal([(0.6, 1.0, 0.875), (0.65, 0.5, 1.0)], report.Coverage.Skip(12).Take(2).Select(point => (point.AtLeast, point.Named, point.Right)));
        Assert.Equal((1, 1, 1), (report.BoundaryWithin5Min, report.BoundaryMedianMin, report.SegmentsRatio));
    }

    [Fact]
    public void Page_OfAReport_IsWellFormedAndShowsItsFigures()
    {
        LabelledSet set = People(5, noise: 2) with { Scenarios = ["a<b", "b", "c"] };
        EvaluationReport report = CrossValidation.LeaveOneOut(set, Quick);
        string page = ReportPage.Write(new ReportSubject("made & more", "How."), report);

        System.Xml.Linq.XDocument html = System.Xml.Linq.XDocument.Parse(page.Replace("<!doctype html>", "", StringComparison.Ordinal).Replace("<meta charset=\"utf-8\">", "", StringComparison.Ordinal));
        Assert.Equal(3 + report.PerClass.Count, html.Descendants("svg").Count()); // sureness, silence, mistakes; a bar a scenario
        Assert.Equal(2, html.Descendants("polyline").Count());
        Assert.Equal(report.Reliability.Count, html.Descendants("circle").Count());
        Assert.Contains(html.Descendants("td"), cell => cell.Value == report.MacroF1Lag5.ToString("F3", System.Globalization.CultureInfo.InvariantCulture));
        Assert.Contains(html.Descendants("text"), text => text.Value == "a<b");
        Assert.DoesNotContain("http", page, StringComparison.Ordinal);
        Assert.Equal(report.Minutes, report.Reliability.Sum(bin => bin.Minutes));
    }

    // Six people whose levels differ; input "second" is missing in half of them; stays of 20 minutes.
    private static LabelledSet People(int seed, double noise)
    {
        Random random = new(seed);
        List<LabelledPerson> people = [];
        for (int person = 0; person < 6; person++)
        {
            double own = random.NextDouble();
            int[] labels = [.. Enumerable.Range(0, 360).Select(minute => minute / 20 * 7 % 3)];
            float[][] vectors = [.. labels.Select(label => new[]
            {
                (float)((label * 2) + own + (noise * (random.NextDouble() - 0.5) * 2)),
                person % 2 == 0 ? float.NaN : (float)((label == 1 ? 3 : 0) + random.NextDouble()),
            })];
            people.Add(new LabelledPerson($"p{person}", [.. Enumerable.Range(1000, 360)], vectors, labels));
        }

        return new LabelledSet("made", ["first", "second"], [["z120"], ["m5"]], ["a", "b", "c"], people);
    }
}
