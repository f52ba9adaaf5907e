using Telemetry.Scenarios.Training;

namespace Telemetry.Scenarios.Tests.Training;

public sealed class AbstentionChoiceTests
{
    [Fact]
    public void Choose_NamesRightMoreOftenThanNot_KeepsSilentNowhere() =>
        Assert.Equal(0, AbstentionChoice.Choose([Person((0.2, 6, 10), (0.6, 8, 10), (0.9, 10, 10))]));

    [Fact]
    public void Choose_NamesOfLittleConfidenceMostlyWrong_KeepsSilentJustThere() =>
        Assert.Equal(0.45, AbstentionChoice.Choose([Person((0.2, 2, 10), (0.42, 4, 10), (0.6, 8, 10), (0.9, 10, 10))]));

    [Fact]
    public void Choose_OnePersonOfManyWrongMinutes_CountsAsOne()
    {
        IReadOnlyList<JudgedMinute> hard = Person((0.3, 0, 10_000), (0.8, 500, 1_000)), easy = Person((0.3, 7, 10), (0.8, 9, 10));
        Assert.Equal(0.35, AbstentionChoice.Choose([hard]));
        Assert.Equal(0, AbstentionChoice.Choose([hard, easy, easy, easy, easy, easy, easy]));
    }

    [Fact]
    public void Report_PeopleJudgedByModelsThatKeepSilent_SaysWhatIsNamedAndRightThen()
    {
        EvaluationReport report = Evaluation.Report(["a", "b"], [Person((0.3, 1, 4), (0.8, 9, 10)), Person((0.3, 3, 6))], [0.5, 0.1]);
        Assert.Equal((0.3, 0.8, 0.75), (report.Abstention.AtLeast, report.Abstention.Named, report.Abstention.Right)); // 10 + 6 of 20 minutes, 9 + 3 of them right
    }

    private static IReadOnlyList<JudgedMinute> Person(params (double Confidence, int Right, int Of)[] said) =>
        [.. said.SelectMany(part => Enumerable.Range(0, part.Of).Select(i => (part.Confidence, Named: i < part.Right ? 0 : 1)))
            .Select((minute, i) => new JudgedMinute(i, 0, minute.Named, minute.Confidence, minute.Named, minute.Confidence))];
}
