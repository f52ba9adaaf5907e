using Telemetry.Scenarios.Answers;
using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Scenarios.Training;

/// <summary>
/// A person of a labelled set who is asked a few times a day what a minute is, right when it is named, and answers truly. From the next day on the answers count
/// as they would in a collector (<see cref="PersonalAnswers"/>); nothing else of the person's labels is looked at.
/// </summary>
internal sealed class AskedPerson
{
    private readonly BoundModel _model;
    private readonly HashSet<int> _minutes = []; // to be asked about
    private readonly List<Answer> _answers = [];
    private float[] _shifts = [];
    private int _day = int.MinValue;

    /// <summary>Draws the minutes: so many a UTC day, among the labelled ones.</summary>
    public AskedPerson(BoundModel model, LabelledPerson person, int answersPerDay, int seed)
    {
        _model = model;
        Random random = new(seed);
        foreach (IGrouping<int, int> day in person.Minutes.Where((_, i) => person.Labels[i] >= 0).GroupBy(minute => minute / DaySegmenter.MinutesPerDay))
        {
            int[] minutes = [.. day];
            for (int i = 0; i < answersPerDay; i++) _minutes.Add(minutes[random.Next(minutes.Length)]);
        }
    }

    /// <summary>Adds to a minute's scores what the answers about earlier days say.</summary>
    public void Shift(int minute, Span<float> scores)
    {
        int day = minute / DaySegmenter.MinutesPerDay;
        if (day != _day)
        {
            _day = day;
            _shifts = new PersonalAnswers(_model, _answers).ShiftsBefore(day * DaySegmenter.MinutesPerDay);
        }

        for (int k = 0; k < scores.Length; k++) scores[k] += _shifts[k];
    }

    /// <summary>Asks about a minute that was drawn.</summary>
    /// <returns>False when it was not.</returns>
    public bool TryAsk(int minute, int truth, int named)
    {
        if (!_minutes.Contains(minute)) return false;
        _answers.Add(new Answer(minute, minute + 1, _model.Names[truth], true, _model.Names[named], _model.Model.Version));
        return true;
    }
}
