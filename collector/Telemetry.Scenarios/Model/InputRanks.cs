namespace Telemetry.Scenarios.Model;

/// <summary>
/// What of an input's value a model can tell apart: how many of its cuts, the edges of terms and the thresholds of trees on that input, the value has reached. That is all that scoring and
/// explaining ask for, so a minute is kept as one byte an input and gives the same answers, bit for bit.
/// </summary>
/// <remarks>Immutable.</remarks>
internal sealed class InputRanks(ScenarioModel model)
{
    /// <summary>Rank of a value that was not measured.</summary>
    public const byte Missing = byte.MaxValue;

    /// <summary>Cuts an input may have: ranks go from 0 to here.</summary>
    public const int MostCuts = Missing - 1;

    private readonly float[][] _cuts = CutsOf(model);

    /// <summary>By input: its cuts, ascending, each once.</summary>
    public static float[][] CutsOf(ScenarioModel model)
    {
        SortedSet<float>[] cuts = [.. model.Inputs.Select(_ => new SortedSet<float>())];
        List<string> names = [.. model.Inputs];
        foreach (BinnedTerm term in model.Terms) cuts[names.IndexOf(term.Input)].UnionWith(term.Edges.Select(edge => (float)edge));
        foreach (SmallTree tree in model.Trees)
        {
            for (int node = 0; node < tree.Inputs.Count; node++)
            {
                if (tree.Inputs[node] >= 0) cuts[tree.Inputs[node]].Add((float)tree.Below[node]);
            }
        }

        return [.. cuts.Select(of => of.ToArray())];
    }

    /// <summary>Ranks the inputs of a minute.</summary>
    /// <param name="inputs">One value an input, NaN = missing.</param>
    /// <param name="ranks">As many, filled.</param>
    public void Read(ReadOnlySpan<float> inputs, Span<byte> ranks)
    {
        for (int i = 0; i < ranks.Length; i++)
        {
            float value = inputs[i];
            float[] cuts = _cuts[i];
            int reached = 0;
            while (reached < cuts.Length && value >= cuts[reached]) reached++;
            ranks[i] = float.IsNaN(value) ? Missing : (byte)reached;
        }
    }

    /// <summary>The least rank of a value that is not below a cut of the input.</summary>
    public byte From(int input, double cut) => (byte)(Array.IndexOf(_cuts[input], (float)cut) + 1);

    /// <summary>Ranks the values of an input can have, missing apart.</summary>
    public int Count(int input) => _cuts[input].Length + 1;
}
