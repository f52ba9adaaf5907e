using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Training;

namespace Telemetry.Scenarios.Tests.Training;

public sealed class CalibrationFitTests
{
    private const int People = 200;

    [Fact]
    public void Fit_ProbabilityThatIsTooSure_TakesTheEvidenceThatIsNot()
    {
        // Named at 0.98 and right in 7 of 10; the evidence says 0.7.
        Calibration line = CalibrationFit.Fit(Said(People, 0.98, rightOfTen: 7), Said(People, 0.7, rightOfTen: 7));
        Assert.Equal(0.7, line.Map(((1 - line.Evidence) * 0.98) + (line.Evidence * 0.7)), 1);
        Assert.True(line.Evidence > 0, "the filter's probability alone cannot tell");
    }

    [Fact]
    public void Fit_OnePersonWithMostMinutes_CountsAsOne()
    {
        IReadOnlyList<JudgedMinute>[] people = [.. Said(People, 0.7, rightOfTen: 7), Minutes(0.7, rightOfTen: 0, tens: 5000)];
        Calibration line = CalibrationFit.Fit(people, people);
        Assert.InRange(line.Map(0.7), 0.68, 0.71);
    }

    [Fact]
    public void Fit_FewPeople_MovesLessThanMany()
    {
        double few = CalibrationFit.Fit(Said(3, 0.8, rightOfTen: 5), Said(3, 0.8, rightOfTen: 5)).Map(0.8);
        double many = CalibrationFit.Fit(Said(People, 0.8, rightOfTen: 5), Said(People, 0.8, rightOfTen: 5)).Map(0.8);
        Assert.InRange(many, 0.48, 0.53);
        Assert.InRange(few, many + 0.1, 0.79);
    }

    [Fact]
    public void Fit_SurerMinutesWrongMoreOften_DoesNotFall()
    {
        IReadOnlyList<JudgedMinute>[] people = [.. Said(People, 0.9, rightOfTen: 2), .. Said(People, 0.4, rightOfTen: 8)];
        Calibration line = CalibrationFit.Fit(people, people);
        Assert.All(line.Confidence.Zip(line.Confidence.Skip(1)), pair => Assert.True(pair.First <= pair.Second));
        Assert.InRange(line.Map(0.65), 0.45, 0.55);
    }

    [Fact]
    public void Fit_NobodyJudged_IsTheStraightLine()
    {
        Calibration line = CalibrationFit.Fit([], []);
        Assert.Equal((0.3, 0), (line.Map(0.3), line.Evidence));
    }

    private static IReadOnlyList<JudgedMinute>[] Said(int people, double confidence, int rightOfTen) => [.. Enumerable.Range(0, people).Select(_ => Minutes(confidence, rightOfTen, tens: 3))];

    private static IReadOnlyList<JudgedMinute> Minutes(double confidence, int rightOfTen, int tens) =>
        [.. Enumerable.Range(0, 10 * tens).Select(i => new JudgedMinute(i, i % 10 < rightOfTen ? 0 : 1, 0, confidence, 0, confidence))];
}
