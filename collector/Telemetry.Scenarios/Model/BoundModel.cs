namespace Telemetry.Scenarios.Model;

/// <summary>A model made ready to read vectors of named base features. Immutable and shared by all filters.</summary>
public sealed class BoundModel
{
    private readonly float[] _bias;
    private readonly BoundTerm[] _terms;
    private readonly BoundTree[] _trees;
    private readonly int[] _memoryOf;
    private readonly InputRanks _ranks;

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
        _ranks = new InputRanks(model);
        _terms = [.. model.Terms.Select(term => new BoundTerm(term, model, _ranks))];
        _trees = [.. model.Trees.Select(tree => new BoundTree(tree, _ranks))];
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

    /// <summary>Reduces values to what the model can tell apart; scores and evidence are read from that.</summary>
    /// <param name="inputs">Values of <see cref="Inputs"/>, NaN = missing.</param>
    /// <param name="ranks">One an input, filled.</param>
    public void Rank(ReadOnlySpan<float> inputs, Span<byte> ranks) => _ranks.Read(inputs, ranks);

    /// <summary>Log-odds of every scenario for one minute.</summary>
    /// <param name="ranks">From <see cref="Rank"/>.</param>
    /// <param name="scores">One a scenario, filled.</param>
    public void Score(ReadOnlySpan<byte> ranks, Span<float> scores)
    {
        _bias.CopyTo(scores);
        foreach (BoundTerm term in _terms)
        {
            ReadOnlySpan<float> odds = term.At(ranks[term.Input]);
            for (int k = 0; k < odds.Length; k++) scores[k] += odds[k];
        }

        foreach (BoundTree tree in _trees) scores[tree.Scenario] += tree.Value(ranks);
    }

    /// <summary>Adds, input by input, what spoke for one scenario against the mean of the others.</summary>
    /// <param name="ranks">From <see cref="Rank"/>.</param>
    /// <param name="scenario">The one spoken for.</param>
    /// <param name="shares">One an input; added to.</param>
    public void Explain(ReadOnlySpan<byte> ranks, int scenario, Span<double> shares)
    {
        double others = 1.0 / Math.Max(1, Names.Count - 1);
        foreach (BoundTerm term in _terms)
        {
            ReadOnlySpan<float> odds = term.At(ranks[term.Input]);
            if (odds.IsEmpty) continue;
            double sum = 0;
            for (int k = 0; k < odds.Length; k++) sum += odds[k];
            shares[term.Input] += odds[scenario] - ((sum - odds[scenario]) * others);
        }

        foreach (BoundTree tree in _trees) tree.Explain(ranks, tree.Scenario == scenario ? 1 : -others, shares);
    }

    /// <summary>A term with its log-odds by rank of the input, then by scenario.</summary>
    private sealed class BoundTerm
    {
        private readonly float[] _odds;
        private readonly int _scenarios;

        public BoundTerm(BinnedTerm term, ScenarioModel model, InputRanks ranks)
        {
            Input = model.Inputs.ToList().IndexOf(term.Input);
            _scenarios = model.Scenarios.Count;
            int count = ranks.Count(Input);
            byte[] from = [.. term.Edges.Select(edge => ranks.From(Input, edge))];
            _odds = new float[count * _scenarios];
            for (int k = 0; k < _scenarios; k++)
            {
                if (!term.LogOdds.TryGetValue(model.Scenarios[k].Name, out IReadOnlyList<double>? bins)) continue;
                for (int rank = 0; rank < count; rank++) _odds[(rank * _scenarios) + k] = (float)bins[from.Count(least => rank >= least)];
            }
        }

        public int Input { get; }

        public ReadOnlySpan<float> At(byte rank) => rank == InputRanks.Missing ? [] : _odds.AsSpan(rank * _scenarios, _scenarios);
    }

    /// <summary>A tree with the mean of the leaves under every node, so that a path can be told apart by input.</summary>
    private sealed class BoundTree
    {
        private readonly short[] _inputs;
        private readonly byte[] _rightFrom; // least rank that goes right
        private readonly bool[] _missingRight;
        private readonly float[] _values;

        public BoundTree(SmallTree tree, InputRanks ranks)
        {
            Scenario = tree.Scenario;
            _inputs = [.. tree.Inputs.Select(input => (short)input)];
            _rightFrom = [.. tree.Inputs.Zip(tree.Below, (input, below) => input < 0 ? (byte)0 : ranks.From(input, below))];
            _missingRight = [.. tree.MissingRight.Select(flag => flag != 0)];
            _values = new float[(2 * _inputs.Length) + 1];
            for (int i = 0; i < tree.Leaves.Count; i++) _values[_inputs.Length + i] = (float)tree.Leaves[i];
            for (int node = _inputs.Length - 1; node >= 0; node--)
                _values[node] = _inputs[node] < 0 ? _values[(2 * node) + 1] : (_values[(2 * node) + 1] + _values[(2 * node) + 2]) / 2;
        }

        public int Scenario { get; }

        public float Value(ReadOnlySpan<byte> ranks)
        {
            int node = 0;
            while (node < _inputs.Length) node = Step(node, ranks);
            return _values[node];
        }

        public void Explain(ReadOnlySpan<byte> ranks, double weight, Span<double> shares)
        {
            for (int node = 0; node < _inputs.Length;)
            {
                int next = Step(node, ranks);
                if (_inputs[node] >= 0) shares[_inputs[node]] += weight * (_values[next] - _values[node]);
                node = next;
            }
        }

        private int Step(int node, ReadOnlySpan<byte> ranks)
        {
            int input = _inputs[node];
            if (input < 0) return (2 * node) + 1;
            byte rank = ranks[input];
            bool right = rank == InputRanks.Missing ? _missingRight[node] : rank >= _rightFrom[node];
            return (2 * node) + (right ? 2 : 1);
        }
    }
}
