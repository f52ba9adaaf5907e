namespace Telemetry.Scenarios.Model;

/// <summary>
/// The duration-aware part of the hidden Markov model. A scenario with a shortest stay of m minutes is a chain of m steps: each minute moves one step on,
/// only the last step may stay, and only from there may it be left. So a stay can never be shorter than m, and a true bout of m
/// minutes between two others is found without a penalty on its length.
/// </summary>
public sealed class DurationChain
{
    private readonly int[] _first;
    private readonly float[] _stay;
    private readonly float[] _next; // [from * Scenarios + to]: leave chance times chance of the follower

    internal DurationChain(ScenarioModel model)
    {
        int count = model.Scenarios.Count;
        Scenarios = count;
        _first = new int[count + 1];
        _stay = new float[count];
        _next = new float[count * count];
        Prior = new float[count];
        double priors = model.Scenarios.Sum(shape => shape.Prior);
        for (int k = 0; k < count; k++)
        {
            ScenarioShape shape = model.Scenarios[k];
            _first[k + 1] = _first[k] + shape.MinMinutes;
            Prior[k] = (float)(shape.Prior / priors);
            double leave = 1 / (shape.TypicalMinutes - shape.MinMinutes + 1);
            _stay[k] = (float)(1 - leave);
            for (int to = 0; to < count; to++) _next[(k * count) + to] = (float)(leave * Follow(model, k, to, priors));
        }
    }

    /// <summary>Scenarios.</summary>
    public int Scenarios { get; }

    /// <summary>Steps of all chains together.</summary>
    public int Steps => _first[Scenarios];

    /// <summary>Share of each scenario before anything is known.</summary>
    public float[] Prior { get; }

    /// <summary>Spreads the prior over the steps: the state before the first minute.</summary>
    public void Start(Span<float> state)
    {
        for (int k = 0; k < Scenarios; k++)
        {
            int length = _first[k + 1] - _first[k];
            state[_first[k].._first[k + 1]].Fill(Prior[k] / length);
        }
    }

    /// <summary>One minute forward: moves, weighs by the minute's likelihoods, and scales to a sum of 1.</summary>
    public void Forward(ReadOnlySpan<float> before, ReadOnlySpan<float> likelihood, Span<float> after)
    {
        Span<float> entering = stackalloc float[Scenarios];
        entering.Clear();
        for (int from = 0; from < Scenarios; from++) AddScaled(entering, before[_first[from + 1] - 1], Next(from));
        for (int to = 0; to < Scenarios; to++)
        {
            int first = _first[to], last = _first[to + 1] - 1;
            float staying = before[last] * _stay[to], weight = likelihood[to];
            for (int step = last; step > first; step--) after[step] = before[step - 1] * weight;
            after[first] = entering[to] * weight;
            after[last] += staying * weight;
        }

        Normalize(after);
    }

    /// <summary>One minute backward: what the later minute says about the steps of the earlier one.</summary>
    public void Backward(ReadOnlySpan<float> later, ReadOnlySpan<float> likelihood, Span<float> earlier)
    {
        Span<float> entered = stackalloc float[Scenarios];
        for (int to = 0; to < Scenarios; to++) entered[to] = later[_first[to]] * likelihood[to];
        for (int from = 0; from < Scenarios; from++)
        {
            int first = _first[from], last = _first[from + 1] - 1;
            float weight = likelihood[from];
            for (int step = first; step < last; step++) earlier[step] = later[step + 1] * weight;
            earlier[last] = Dot(Next(from), entered) + (_stay[from] * later[last] * weight);
        }

        Normalize(earlier);
    }

    /// <summary>Probability of each scenario from the state of its steps and, with a lag, what later minutes say.</summary>
    public void Collect(ReadOnlySpan<float> state, ReadOnlySpan<float> later, Span<float> probability)
    {
        for (int k = 0; k < Scenarios; k++)
        {
            float sum = 0;
            for (int step = _first[k]; step < _first[k + 1]; step++) sum += later.IsEmpty ? state[step] : state[step] * later[step];
            probability[k] = sum;
        }

        Normalize(probability);
    }

    private ReadOnlySpan<float> Next(int from) => _next.AsSpan(from * Scenarios, Scenarios);

    private static void AddScaled(Span<float> sums, float scale, ReadOnlySpan<float> values)
    {
        for (int i = 0; i < sums.Length && i < values.Length; i++) sums[i] += scale * values[i];
    }

    private static float Dot(ReadOnlySpan<float> one, ReadOnlySpan<float> other)
    {
        float sum = 0;
        for (int i = 0; i < one.Length && i < other.Length; i++) sum += one[i] * other[i];
        return sum;
    }

    private static double Follow(ScenarioModel model, int from, int to, double priors)
    {
        if (model.Next is { } next) return next[from][to];
        return from == to ? 0 : model.Scenarios[to].Prior / (priors - model.Scenarios[from].Prior);
    }

    private static void Normalize(Span<float> values)
    {
        float sum = 0;
        foreach (float value in values) sum += value;
        if (!(sum > 0))
        {
            values.Fill(1f / values.Length);
            return;
        }

        float scale = 1 / sum;
        for (int i = 0; i < values.Length; i++) values[i] *= scale;
    }
}
