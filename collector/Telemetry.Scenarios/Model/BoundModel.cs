namespace Telemetry.Scenarios.Model;

/// <summary>A model made ready to read vectors of named base features. Immutable and shared by all filters.</summary>
public sealed class BoundModel
{
    private readonly float[] _bias;
    private readonly BoundTerm[] _terms;
    private readonly BoundTree[] _trees;
    private readonly int[] _memoryOf;

    /// <summary>Binds a model to base features.</summary>
    /// <param name="model">A sound model.</param>
    /// <param name="baseNames">Names in the order of the vectors; inputs of the model that are not among them are always missing.</param>
    public BoundModel(ScenarioModel model, IReadOnlyList<string> baseNames)
    {
        ModelFile.Check(model);
        Model = model;
        BaseCount = baseNames.Count;
        Names = [.. model.Scenarios.Select(shape => shape.Name)];
        Inputs = [.. model.Inputs.Select(name => InputSource.Parse(name, baseNames))];
        _memoryOf = [.. Inputs.Select((_, i) => Inputs.Take(i).Sum(input => input.Remembered))];
        Durations = new DurationChain(model);
        _bias = [.. model.Scenarios.Select(shape => (float)shape.Bias)];
        _terms = [.. model.Terms.Select(term => new BoundTerm(term, model))];
        _trees = [.. model.Trees.Select(tree => new BoundTree(tree))];
    }

    /// <summary>The model as in its file.</summary>
    public ScenarioModel Model { get; }

    /// <summary>Scenario names by number.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The number of a scenario; -1 when the model does not know it.</summary>
    public int NumberOf(string scenario)
    {
        for (int k = 0; k < Names.Count; k++)
        {
            if (Names[k] == scenario) return k;
        }

        return -1;
    }

    /// <summary>Where each input comes from.</summary>
    public IReadOnlyList<InputSource> Inputs { get; }

    /// <summary>Place of an input's first decaying mean among those of all inputs.</summary>
    internal int MemoryOf(int input) => _memoryOf[input];

    /// <summary>Which features can see which scenario; for a model bound to <see cref="Features.FeatureCatalog.Names"/>.</summary>
    internal Sight Sight => field ??= new Sight(this);

    /// <summary>How long scenarios last and what follows them.</summary>
    public DurationChain Durations { get; }

    /// <summary>Length of a base vector.</summary>
    public int BaseCount { get; }

    /// <summary>Log-odds of every scenario for one minute.</summary>
    /// <param name="inputs">Values of <see cref="Inputs"/>, NaN = missing.</param>
    /// <param name="scores">One a scenario, filled.</param>
    public void Score(ReadOnlySpan<float> inputs, Span<float> scores)
    {
        _bias.CopyTo(scores);
        foreach (BoundTerm term in _terms)
        {
            ReadOnlySpan<float> odds = term.At(inputs[term.Input]);
            for (int k = 0; k < odds.Length; k++) scores[k] += odds[k];
        }

        foreach (BoundTree tree in _trees) scores[tree.Scenario] += tree.Value(inputs);
    }

    /// <summary>Adds, input by input, what spoke for one scenario against the mean of the others.</summary>
    /// <param name="inputs">Values of <see cref="Inputs"/>.</param>
    /// <param name="scenario">The one spoken for.</param>
    /// <param name="shares">One an input; added to.</param>
    public void Explain(ReadOnlySpan<float> inputs, int scenario, Span<double> shares)
    {
        double others = 1.0 / Math.Max(1, Names.Count - 1);
        foreach (BoundTerm term in _terms)
        {
            ReadOnlySpan<float> odds = term.At(inputs[term.Input]);
            if (odds.IsEmpty) continue;
            double sum = 0;
            for (int k = 0; k < odds.Length; k++) sum += odds[k];
            shares[term.Input] += odds[scenario] - ((sum - odds[scenario]) * others);
        }

        foreach (BoundTree tree in _trees) tree.Explain(inputs, tree.Scenario == scenario ? 1 : -others, shares);
    }

    /// <summary>A term with its log-odds by bin, then by scenario.</summary>
    private sealed class BoundTerm
    {
        private readonly float[] _edges;
        private readonly float[] _odds;
        private readonly int _scenarios;

        public BoundTerm(BinnedTerm term, ScenarioModel model)
        {
            Input = model.Inputs.ToList().IndexOf(term.Input);
            _edges = [.. term.Edges.Select(edge => (float)edge)];
            _scenarios = model.Scenarios.Count;
            _odds = new float[(_edges.Length + 1) * _scenarios];
            for (int k = 0; k < _scenarios; k++)
            {
                if (!term.LogOdds.TryGetValue(model.Scenarios[k].Name, out IReadOnlyList<double>? bins)) continue;
                for (int bin = 0; bin < bins.Count; bin++) _odds[(bin * _scenarios) + k] = (float)bins[bin];
            }
        }

        public int Input { get; }

        public ReadOnlySpan<float> At(float value)
        {
            if (float.IsNaN(value)) return [];
            int bin = 0;
            while (bin < _edges.Length && value >= _edges[bin]) bin++;
            return _odds.AsSpan(bin * _scenarios, _scenarios);
        }
    }

    /// <summary>A tree with the mean of the leaves under every node, so that a path can be told apart by input.</summary>
    private sealed class BoundTree
    {
        private readonly short[] _inputs;
        private readonly float[] _below;
        private readonly bool[] _missingRight;
        private readonly float[] _values;

        public BoundTree(SmallTree tree)
        {
            Scenario = tree.Scenario;
            _inputs = [.. tree.Inputs.Select(input => (short)input)];
            _below = [.. tree.Below.Select(edge => (float)edge)];
            _missingRight = [.. tree.MissingRight.Select(flag => flag != 0)];
            _values = new float[(2 * _inputs.Length) + 1];
            for (int i = 0; i < tree.Leaves.Count; i++) _values[_inputs.Length + i] = (float)tree.Leaves[i];
            for (int node = _inputs.Length - 1; node >= 0; node--)
                _values[node] = _inputs[node] < 0 ? _values[(2 * node) + 1] : (_values[(2 * node) + 1] + _values[(2 * node) + 2]) / 2;
        }

        public int Scenario { get; }

        public float Value(ReadOnlySpan<float> inputs)
        {
            int node = 0;
            while (node < _inputs.Length) node = Step(node, inputs);
            return _values[node];
        }

        public void Explain(ReadOnlySpan<float> inputs, double weight, Span<double> shares)
        {
            for (int node = 0; node < _inputs.Length;)
            {
                int next = Step(node, inputs);
                if (_inputs[node] >= 0) shares[_inputs[node]] += weight * (_values[next] - _values[node]);
                node = next;
            }
        }

        private int Step(int node, ReadOnlySpan<float> inputs)
        {
            int input = _inputs[node];
            if (input < 0) return (2 * node) + 1;
            float value = inputs[input];
            bool right = float.IsNaN(value) ? _missingRight[node] : value >= _below[node];
            return (2 * node) + (right ? 2 : 1);
        }
    }
}
