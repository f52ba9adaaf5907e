using Telemetry.Scenarios.Answers;
using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Scenarios.Tests.Answers;

public sealed class PersonalAnswersTests
{
    private const int Day = Persona.Midnight / 1440, From = Persona.Midnight + 600;
    private static readonly BoundModel Default = new(ModelFile.Default, FeatureCatalog.Names);
    private static readonly string Version = ModelFile.Default.Version;

    [Fact]
    public void ShiftsBefore_NothingSaid_AreZero() => Assert.All(Said().ShiftsBefore(From), shift => Assert.Equal(0, shift));

    [Fact]
    public void ShiftsBefore_SuggestionsThatWereRight_AreZero() =>
        Assert.All(Said([.. Enumerable.Range(0, 9).Select(i => About(i, ScenarioNames.Walk, true, ScenarioNames.Walk))]).ShiftsBefore(From + 100), shift => Assert.Equal(0, shift));

    [Fact]
    public void ShiftsBefore_TwoDeskMinutesNamedRest_RaiseDeskAndLowerRestByTheRatio()
    {
        float[] shifts = Said([.. Enumerable.Range(0, 2).Select(i => About(i, ScenarioNames.Desk, true, ScenarioNames.Rest))]).ShiftsBefore(From + 100);
        Assert.Equal(MathF.Log(2), shifts[Default.NumberOf(ScenarioNames.Desk)], 1e-6);
        Assert.Equal(-MathF.Log(2), shifts[Default.NumberOf(ScenarioNames.Rest)], 1e-6);
        Assert.Equal(2, shifts.Count(shift => shift != 0));
    }

    [Fact]
    public void ShiftsBefore_RefusedSuggestions_LowerThemToALimit()
    {
        PersonalAnswers answers = Said([.. Enumerable.Range(0, 40).Select(i => About(i, ScenarioNames.Run, false, ScenarioNames.Run))]);
        Assert.Equal(-PersonalAnswers.MostShift, answers.ShiftsBefore(From + 100)[Default.NumberOf(ScenarioNames.Run)], 1e-6);
        Assert.All(answers.ShiftsBefore(From), shift => Assert.Equal(0, shift)); // nothing of it lies before
    }

    [Fact]
    public void ShiftsBefore_AnswersToAnotherModel_TeachNothing() =>
        Assert.All(Said(About(0, ScenarioNames.Desk, true, ScenarioNames.Rest) with { ModelVersion = "older-1" }).ShiftsBefore(From + 100), shift => Assert.Equal(0, shift));

    [Fact]
    public void At_LaterWordAboutTheSameMinute_Counts()
    {
        PersonalAnswers answers = Said(
            About(0, ScenarioNames.Run, false, ScenarioNames.Run), About(0, ScenarioNames.Walk, true, ScenarioNames.Run), About(1, ScenarioNames.Walk, true, ScenarioNames.Run),
            About(1, ScenarioNames.Walk, false, ScenarioNames.Walk), About(2, ScenarioNames.Walk, false, ScenarioNames.Walk), About(2, ScenarioNames.Run, false, ScenarioNames.Walk));
        Assert.Equal(ScenarioNames.Walk, answers.At(From).Scenario);
        Assert.Null(answers.At(From + 1).Scenario);
        Assert.False(IsAllowed(answers.At(From + 1), ScenarioNames.Walk));
        Assert.True(IsAllowed(answers.At(From + 1), ScenarioNames.Run));
        Assert.False(IsAllowed(answers.At(From + 2), ScenarioNames.Walk));
        Assert.False(IsAllowed(answers.At(From + 2), ScenarioNames.Run));
        Assert.Equal(MinuteAnswer.Nothing, answers.At(From + 3));
    }

    [Fact]
    public void Segments_CorrectedStretch_IsNamedAsSaidAndTheRestIsStillCoveredOnce()
    {
        SortedDictionary<int, MinuteRow> rows = Persona.Rows(1, From, (ScenarioNames.Rest, 60), (ScenarioNames.Run, 30), (ScenarioNames.Rest, 60));
        List<Segment> segments = Derive(rows, Said(new Answer(From + 65, From + 85, ScenarioNames.Cycle, true, ScenarioNames.Run, Version)));

        Segment corrected = Assert.Single(segments, segment => segment.StartMinute <= From + 65 && segment.EndMinute >= From + 85);
        Assert.Equal(ScenarioNames.Cycle, corrected.Scenario);
        Assert.Equal("answer", corrected.Evidence[0].Feature);
        for (int i = 1; i < segments.Count; i++) Assert.Equal(segments[i - 1].EndMinute, segments[i].StartMinute);
        Assert.Equal(150, segments.Sum(segment => segment.Minutes));
    }

    [Fact]
    public void Segments_RefusedStretch_IsNamedOtherwiseMinuteByMinute()
    {
        SortedDictionary<int, MinuteRow> rows = Persona.Rows(2, From, (ScenarioNames.Rest, 60), (ScenarioNames.Run, 30), (ScenarioNames.Rest, 60));
        Answer refusal = new(From + 55, From + 95, ScenarioNames.Run, false, ScenarioNames.Run, Version);
        Assert.Contains(Derive(rows, Said()), segment => segment.Scenario == ScenarioNames.Run);
        Assert.DoesNotContain(Derive(rows, Said(refusal)), segment => segment.Scenario == ScenarioNames.Run);
    }

    [Fact]
    public void Segments_EverythingRefused_IsUnknown()
    {
        SortedDictionary<int, MinuteRow> rows = Persona.Rows(3, From, (ScenarioNames.Rest, 60));
        Answer[] refusals = [.. Default.Names.Select(name => new Answer(From + 20, From + 30, name, false, ScenarioNames.Rest, Version))];
        Segment unknown = Assert.Single(Derive(rows, Said(refusals)), segment => segment.Scenario == ScenarioNames.Unknown);
        Assert.Equal((From + 20, From + 30), (unknown.StartMinute, unknown.EndMinute));
    }

    private static bool IsAllowed(MinuteAnswer answer, string scenario) => (answer.Allowed >> Default.NumberOf(scenario) & 1) != 0;

    private static PersonalAnswers Said(params Answer[] answers) => new(Default, answers);

    private static Answer About(int minute, string scenario, bool holds, string suggested) => new(From + minute, From + minute + 1, scenario, holds, suggested, Version);

    private static List<Segment> Derive(SortedDictionary<int, MinuteRow> rows, PersonalAnswers answers) =>
        DaySegmenter.Derive(Default, Day, [.. rows.Select(row => (row.Key, row.Value))], rows.Keys.First(), rows.Keys.Last(), 0, answers);
}
