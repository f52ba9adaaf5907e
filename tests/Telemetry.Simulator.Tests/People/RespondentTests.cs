using Telemetry.Simulator.People;
using Telemetry.Simulator.Sources;

namespace Telemetry.Simulator.Tests.People;

public class RespondentTests
{
    private const long Start = 1_772_431_200_000; // 2026-03-02 06:00 UTC
    private const long Evening = Start + (12 * 3_600_000L);
    private static readonly TrueMinute[] s_truth = [.. Enumerable.Range(0, 600).Select(minute => new TrueMinute(minute is >= 60 and < 90 ? Activity.Run : Activity.Desk, Place.Other, false))];

    [Theory]
    [InlineData("2026-03-02 07:00-07:30: was it run?", "yes,no", 0)]
    [InlineData("2026-03-02 07:00-07:30: was it walk?", "yes,no", 1)]
    [InlineData("2026-03-02 07:05-07:40: what was it?", "walk,desk,run", 2)] // most of it
    [InlineData("2026-03-02 08:00-08:30: what was it?", "walk,run", null)] // none of these
    [InlineData("2026-03-02 05:00-05:30: what was it?", "run,desk", null)] // before anything is known
    [InlineData("2026-03-03 07:00-07:30: what was it?", "run,desk", null)] // tomorrow
    [InlineData("2026-03-02 07:00-07:00: what was it?", "run,desk", 1)] // from seven to seven is a day
    [InlineData("Was it run?", "yes,no", null)] // when?
    [InlineData("", "yes,no", null)]
    public void Read_Question_PressesWhatWasTrue(string text, string answers, int? expected)
    {
        PressedButton? pressed = Respondent(1).Read(text, answers.Split(','), Evening);
        Assert.Equal(expected, pressed?.Choice);
        if (pressed is { } button) Assert.InRange(button.AfterMs, 30_000, 300_000);
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(0.8, 0.76, 0.84)]
    public void Read_ManyQuestions_AreAnsweredTrulyAsOftenAsSaid(double truthfulness, double least, double most)
    {
        double right = Enumerable.Range(0, 2000).Average(seed => Ask(truthfulness, (ulong)seed).Choice == 0 ? 1.0 : 0);
        Assert.InRange(right, least, most);
        Assert.Equal(Ask(truthfulness, 3), Ask(truthfulness, 3)); // once said, it stays said

        static PressedButton Ask(double truthfulness, ulong seed) => Respondent(truthfulness, seed).Read("2026-03-02 07:00-07:30: was it run?", ["yes", "no"], Evening)!.Value;
    }

    private static Respondent Respondent(double truthfulness, ulong seed = 1) => new(Person.Create(seed, 0), s_truth, Start, truthfulness);
}
