using Telemetry.Scenarios.Model;

namespace Telemetry.Scenarios.Answers;

/// <summary>
/// Everything a person said about own time, as one model reads it. Two things follow: the minutes spoken of are named as the person said, whatever
/// devices and models say, now or later; and the scenarios this model names too often or too seldom for this person weigh less or more on the days that follow.
/// </summary>
/// <remarks>Immutable. A pure function of the answers and their order, so it does not matter when data or answers arrive.</remarks>
public sealed class PersonalAnswers
{
    /// <summary>Answers that count as much as what the model knew before: with so many, an observed ratio is believed by half (in answers).</summary>
    public const double PriorAnswers = 2;

    /// <summary>Most that answers can shift a scenario, in log-odds a minute.</summary>
    public const double MostShift = 1;

    private readonly BoundModel _model;
    private readonly IReadOnlyList<Answer> _answers;

    /// <summary>Makes ready what a person said.</summary>
    /// <param name="model">Whose scenarios are named.</param>
    /// <param name="answers">In the order said: of two about one minute the later one counts.</param>
    public PersonalAnswers(BoundModel model, IReadOnlyList<Answer> answers) => (_model, _answers) = (model, answers);

    /// <summary>Only what was said about minutes in [from, to).</summary>
    public PersonalAnswers Touching(int fromMinute, int toMinute) =>
        _answers.Count == 0 ? this : new PersonalAnswers(_model, [.. _answers.Where(answer => answer.FromMinute < toMinute && answer.ToMinute > fromMinute)]);

    /// <summary>What was said about a minute.</summary>
    public MinuteAnswer At(int minute)
    {
        if (_answers.Count == 0) return MinuteAnswer.Nothing;
        string? scenario = null;
        uint allowed = uint.MaxValue;
        foreach (Answer answer in _answers)
        {
            if (minute < answer.FromMinute || minute >= answer.ToMinute) continue;
            int number = _model.NumberOf(answer.Scenario);
            uint bit = number < 0 ? 0 : 1u << number;
            if (answer.Holds) (scenario, allowed) = (answer.Scenario, bit == 0 ? uint.MaxValue : bit);
            else if (scenario is null) allowed &= ~bit;
            else if (scenario == answer.Scenario) (scenario, allowed) = (null, ~bit);
        }

        return new MinuteAnswer(scenario, allowed);
    }

    /// <summary>Log-odds to add to each scenario in the minutes of a day, from answers about earlier days to what this model had named.</summary>
    /// <param name="minute">First of the day, minutes since 1970 UTC.</param>
    /// <remarks>
    /// log((said + a) / (suggested + a)), a = <see cref="PriorAnswers"/>: a scenario suggested as often as it was said to be so stays as it is, and few answers move little.
    /// Only the past is read, so a day that is over changes by answers about itself and about days before it, never by later ones.
    /// </remarks>
    public float[] ShiftsBefore(int minute)
    {
        int count = _model.Names.Count;
        int[] said = new int[count], suggested = new int[count];
        foreach (Answer answer in _answers)
        {
            int was = _model.NumberOf(answer.Suggested);
            if (answer.ToMinute > minute || was < 0 || answer.ModelVersion != _model.Model.Version) continue;
            int number = _model.NumberOf(answer.Scenario);
            if (number < 0 || (!answer.Holds && number != was)) continue; // says nothing about what had been suggested
            suggested[was]++;
            if (answer.Holds) said[number]++;
        }

        return [.. said.Zip(suggested, (right, named) => (float)Math.Clamp(Math.Log((right + PriorAnswers) / (named + PriorAnswers)), -MostShift, MostShift))];
    }
}

/// <summary>What a person said about one minute.</summary>
/// <param name="Scenario">It was this; null when nobody said what it was.</param>
/// <param name="Allowed">Bit n is set when scenario n of the model was not ruled out.</param>
public readonly record struct MinuteAnswer(string? Scenario, uint Allowed)
{
    /// <summary>Nobody said anything.</summary>
    public static readonly MinuteAnswer Nothing = new(null, uint.MaxValue);
}
