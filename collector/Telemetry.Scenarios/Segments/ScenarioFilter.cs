using Telemetry.Scenarios.Model;

namespace Telemetry.Scenarios.Segments;

/// <summary>
/// The streaming filter of one user: takes a base vector a minute and answers for the minute that lies <see cref="LagMinutes"/> back, knowing what
/// came after it. State is a few arrays of fixed size.
/// </summary>
/// <remarks>Not thread-safe. Allocates only when made.</remarks>
public sealed class ScenarioFilter
{
    /// <summary>How long an answer waits for what comes after.</summary>
    public const int LagMinutes = 5;

    // Of a scenario that a person ruled out, relative to the others: small enough never to win, and not 0, so that answers which contradict a shortest stay leave a way through.
    private const float RuledOut = 1e-4f;

    private readonly BoundModel _model;
    private readonly float[] _shifts;
    private readonly InputReader _inputs;
    private readonly OwnLevel _level;
    private readonly Entry[] _ring = new Entry[LagMinutes + 1];
    private readonly float[] _start;
    private readonly float[] _later, _earlier, _probability, _row;
    private int _count, _head; // _head: place of the newest entry

    /// <summary>A filter that knows nothing yet.</summary>
    /// <param name="model">Scores minutes.</param>
    /// <param name="shifts">Log-odds added to each scenario for this person; null = none.</param>
    public ScenarioFilter(BoundModel model, float[]? shifts = null)
    {
        _model = model;
        _shifts = shifts ?? new float[model.Names.Count];
        int steps = model.Durations.Steps, scenarios = model.Names.Count;
        _inputs = new InputReader(model);
        _level = new OwnLevel(model);
        for (int i = 0; i < _ring.Length; i++) _ring[i] = new Entry(steps, scenarios, model.Inputs.Count);
        _start = new float[steps];
        model.Durations.Start(_start);
        _later = new float[steps];
        _earlier = new float[steps];
        _probability = new float[scenarios];
        _row = new float[model.Inputs.Count];
    }

    /// <summary>A filter that goes on from here and leaves this one as it is.</summary>
    public ScenarioFilter Copy()
    {
        ScenarioFilter copy = new(_model, _shifts) { _count = _count, _head = _head };
        _inputs.CopyTo(copy._inputs);
        _level.CopyTo(copy._level);
        for (int i = 0; i < _ring.Length; i++) _ring[i].CopyTo(copy._ring[i]);
        return copy;
    }

    /// <summary>Bytes of the arrays that make the state.</summary>
    public int StateBytes => _inputs.StateBytes + _level.StateBytes + (_ring.Length * _ring[0].Bytes) + ((_start.Length + _later.Length + _earlier.Length + _probability.Length + _row.Length) * 4);

    /// <summary>Minutes that can be asked about: 0..this - 1 back from the newest.</summary>
    public int Depth => _count;

    /// <summary>Takes the next minute.</summary>
    /// <param name="minute">Greater than the one before; minutes are fed one by one, empty ones too.</param>
    /// <param name="vector">Base features, NaN = missing.</param>
    /// <param name="hasEvidence">False when the vector holds nothing measured: the minute then only lets time pass.</param>
    /// <param name="allowed">Bit n is set unless the person ruled scenario n out.</param>
    public void Push(int minute, ReadOnlySpan<float> vector, bool hasEvidence, uint allowed = uint.MaxValue)
    {
        Entry entry = _ring[(_head + 1) % _ring.Length];
        _inputs.Read(minute, vector, _row);
        _model.Rank(_row, entry.Ranks);
        if (hasEvidence)
        {
            _model.Score(entry.Ranks, entry.Likelihood);
            _level.Apply(minute, entry.Likelihood);
        }

        Advance(minute, entry, hasEvidence, allowed);
    }

    /// <summary>Takes the next minute by its levelled scores: training tries many settings of the filter on the same scores.</summary>
    internal void PushScores(int minute, ReadOnlySpan<float> scores, bool hasEvidence)
    {
        Entry entry = _ring[(_head + 1) % _ring.Length];
        if (hasEvidence) scores.CopyTo(entry.Likelihood);
        Advance(minute, entry, hasEvidence, uint.MaxValue);
    }

    /// <summary>The answer for the minute <paramref name="back"/> minutes before the newest, using all that came since.</summary>
    /// <param name="back">0..<see cref="Depth"/> - 1.</param>
    public MinuteVerdict Verdict(int back)
    {
        Array.Fill(_later, 1f);
        Span<float> later = _later, earlier = _earlier;
        for (int i = 0; i < back; i++)
        {
            _model.Durations.Backward(later, At(i).Likelihood, earlier);
            Span<float> swap = later;
            later = earlier;
            earlier = swap;
        }

        Entry entry = At(back);
        _model.Durations.Collect(entry.State, later, _probability);
        int best = -1;
        double bestVote = -1;
        for (int k = 0; k < _probability.Length; k++)
        {
            if ((entry.Allowed >> k & 1) == 0) continue;
            double vote = _probability[k] * _model.Model.Scenarios[k].Vote;
            if (vote > bestVote) (best, bestVote) = (k, vote);
        }

        return new MinuteVerdict(entry.Minute, best, best < 0 ? 0 : _model.Model.Calibration.Map(Belief(entry, best)), entry.HasEvidence);
    }

    /// <summary>Probabilities behind the last <see cref="Verdict"/>; good until the next call.</summary>
    public ReadOnlySpan<float> LastProbabilities => _probability;

    /// <summary>What the model read of the minute <paramref name="back"/> minutes before the newest (<see cref="BoundModel.Rank"/>); good until <see cref="Push"/> comes round.</summary>
    public ReadOnlySpan<byte> RanksAt(int back) => At(back).Ranks;

    /// <summary>The minute <paramref name="back"/> minutes before the newest.</summary>
    public int MinuteAt(int back) => At(back).Minute;

    /// <summary>Whether the minute <paramref name="back"/> minutes before the newest held evidence.</summary>
    public bool HasEvidenceAt(int back) => At(back).HasEvidence;

    private void Advance(int minute, Entry entry, bool hasEvidence, uint allowed)
    {
        ReadOnlySpan<float> before = _count == 0 ? _start : _ring[_head].State;
        _head = (_head + 1) % _ring.Length;
        _count = Math.Min(_count + 1, _ring.Length);
        entry.Minute = minute;
        entry.HasEvidence = hasEvidence;
        entry.Allowed = allowed;
        if (hasEvidence) Weigh(entry.Likelihood);
        else Array.Fill(entry.Likelihood, 1f);
        if (allowed != uint.MaxValue) RuleOut(entry);
        _model.Durations.Forward(before, entry.Likelihood, entry.State);
    }

    // What the confidence is read from (Calibration.Evidence). A minute without evidence, or before the first one, speaks for every scenario alike.
    private double Belief(Entry entry, int scenario)
    {
        double weight = _model.Model.Calibration.Evidence;
        if (weight == 0) return _probability[scenario];
        double around = (double)(_ring.Length - _count) / _probability.Length;
        for (int back = 0; back < _count; back++) around += Share(At(back), scenario);
        double evidence = (Share(entry, scenario) + (around / _ring.Length)) / 2;
        return ((1 - weight) * _probability[scenario]) + (weight * evidence);
    }

    private static double Share(Entry entry, int scenario)
    {
        float sum = 0;
        foreach (float likelihood in entry.Likelihood) sum += likelihood;
        return entry.Likelihood[scenario] / sum;
    }

    private Entry At(int back) => _ring[(_head - back + _ring.Length) % _ring.Length];

    // From log-odds to likelihoods relative to the best scenario.
    private void Weigh(float[] likelihood)
    {
        float best = float.NegativeInfinity;
        for (int k = 0; k < likelihood.Length; k++) best = Math.Max(best, likelihood[k] += _shifts[k]);
        float weight = (float)_model.Model.EmissionWeight, floor = (float)_model.Model.EmissionFloor;
        for (int k = 0; k < likelihood.Length; k++) likelihood[k] = floor + ((1 - floor) * MathF.Exp(weight * (likelihood[k] - best)));
    }

    private static void RuleOut(Entry entry)
    {
        for (int k = 0; k < entry.Likelihood.Length; k++)
        {
            if ((entry.Allowed >> k & 1) == 0) entry.Likelihood[k] *= RuledOut;
        }
    }

    private sealed class Entry(int steps, int scenarios, int inputs)
    {
        public int Minute;
        public bool HasEvidence;
        public uint Allowed;
        public readonly float[] State = new float[steps];
        public readonly float[] Likelihood = new float[scenarios];
        public readonly byte[] Ranks = new byte[inputs];

        public void CopyTo(Entry other)
        {
            other.Minute = Minute;
            other.HasEvidence = HasEvidence;
            other.Allowed = Allowed;
            State.CopyTo(other.State, 0);
            Likelihood.CopyTo(other.Likelihood, 0);
            Ranks.CopyTo(other.Ranks, 0);
        }

        public int Bytes => ((State.Length + Likelihood.Length) * 4) + Ranks.Length + 12;
    }
}

/// <summary>What a minute is taken for.</summary>
/// <param name="Minute">Whole minutes since 1970 UTC.</param>
/// <param name="Scenario">Number in the model's list; -1 when the person ruled all of them out.</param>
/// <param name="Confidence">Calibrated, 0..1.</param>
/// <param name="HasEvidence">False when nothing was measured in it.</param>
public readonly record struct MinuteVerdict(int Minute, int Scenario, double Confidence, bool HasEvidence);
