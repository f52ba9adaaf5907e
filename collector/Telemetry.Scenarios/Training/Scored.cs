using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Scenarios.Training;

/// <summary>What a model said about a labelled minute.</summary>
/// <param name="Truth">Label.</param>
/// <param name="Minute">Which minute.</param>
/// <param name="Streaming">Named at once, knowing only the past.</param>
/// <param name="StreamingConfidence">With what confidence.</param>
/// <param name="Lagged">Named after the lag.</param>
/// <param name="LaggedConfidence">With what confidence.</param>
public readonly record struct JudgedMinute(int Minute, int Truth, int Streaming, double StreamingConfidence, int Lagged, double LaggedConfidence);

/// <summary>The scores of a person's minutes under some emission model: made once, then filtered with many settings.</summary>
internal sealed record ScoredPerson(LabelledPerson Person, float[][] Scores)
{
    // A gap longer than this begins anew: nobody claims to know what went on in it.
    private const int LongestGapMinutes = 120;

    /// <summary>Scores every minute of a person, with what the engine remembers on its day (<see cref="RememberedDay"/>).</summary>
    public static ScoredPerson Score(BoundModel model, LabelledPerson person)
    {
        float[] row = new float[model.Inputs.Count];
        byte[] ranks = new byte[row.Length];
        float[][] scores = new float[person.Minutes.Length][];
        foreach (RememberedDay day in RememberedDay.Of(person.Minutes))
        {
            InputReader inputs = new(model);
            OwnLevel level = new(model);
            for (int i = day.WarmUp; i < day.To; i++)
            {
                inputs.Read(person.Minutes[i], person.Vectors[i], row);
                if (i < day.From && model.Model.Usual is null) continue; // no score is remembered
                float[] of = new float[model.Names.Count];
                model.Rank(row, ranks);
                model.Score(ranks, of);
                level.Apply(person.Minutes[i], of);
                if (i >= day.From) scores[i] = of;
            }
        }

        return new ScoredPerson(person, scores);
    }

    /// <summary>The scores of a model that levels nothing, levelled as another one would.</summary>
    public ScoredPerson Levelled(BoundModel model)
    {
        float[][] scores = new float[Scores.Length][];
        foreach (RememberedDay day in RememberedDay.Of(Person.Minutes))
        {
            OwnLevel level = new(model);
            for (int i = day.WarmUp; i < day.To; i++)
            {
                float[] of = [.. Scores[i]];
                level.Apply(Person.Minutes[i], of);
                if (i >= day.From) scores[i] = of;
            }
        }

        return this with { Scores = scores };
    }

    /// <summary>Runs the filter of a model over the scores, minute by minute, and writes down what it says of labelled minutes.</summary>
    /// <param name="model">Gives the settings; its emissions are not looked at.</param>
    /// <param name="asked">Asks the person now and then and learns from the answers; minutes asked about are not judged. Null = nobody is asked.</param>
    /// <returns>Ascending.</returns>
    public IReadOnlyList<JudgedMinute> Judge(BoundModel model, AskedPerson? asked = null)
    {
        List<JudgedMinute> into = [];
        ScenarioFilter filter = new(model);
        float[] shifted = new float[model.Names.Count];
        Dictionary<int, (int Scenario, double Confidence)> streaming = [];
        Dictionary<int, int> indexOf = [];
        int next = 0;
        for (int i = 0; i < Scores.Length; i++)
        {
            int minute = Person.Minutes[i];
            if (i == 0 || minute - next > LongestGapMinutes)
            {
                Drain();
                filter = new ScenarioFilter(model);
                next = minute;
            }

            for (; next < minute; next++) Push(next, [], false, -1);
            Scores[i].CopyTo(shifted, 0);
            asked?.Shift(minute, shifted);
            Push(minute, shifted, true, i);
            next = minute + 1;
        }

        Drain();
        return into;

        void Push(int minute, ReadOnlySpan<float> scores, bool hasEvidence, int index)
        {
            filter.PushScores(minute, scores, hasEvidence);
            if (index >= 0 && Person.Labels[index] >= 0)
            {
                MinuteVerdict now = filter.Verdict(0);
                if (asked?.TryAsk(minute, Person.Labels[index], now.Scenario) != true)
                {
                    streaming[minute] = (now.Scenario, now.Confidence);
                    indexOf[minute] = index;
                }
            }

            if (filter.Depth > ScenarioFilter.LagMinutes) Note(ScenarioFilter.LagMinutes);
        }

        void Drain()
        {
            for (int back = Math.Min(filter.Depth, ScenarioFilter.LagMinutes) - 1; back >= 0; back--) Note(back);
        }

        void Note(int back)
        {
            if (!streaming.Remove(filter.MinuteAt(back), out (int Scenario, double Confidence) now)) return;
            MinuteVerdict later = filter.Verdict(back);
            into.Add(new JudgedMinute(later.Minute, Person.Labels[indexOf[later.Minute]], now.Scenario, now.Confidence, later.Scenario, later.Confidence));
        }
    }
}
