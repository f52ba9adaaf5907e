namespace Telemetry.Log.Rewriting.Coding;

/// <summary>
/// What the writer decides for one column of symbols: each context's counts are taken, then the two contexts whose tables cost least to join are joined, as long as a
/// table costs more than it saves, or there are more than the format has.
/// </summary>
/// <remarks>One thread; reused.</remarks>
internal sealed class TableChoice
{
    // Fewer symbols go by the known table or by one of their own.
    private const int LeastForContexts = 64;
    private const float TableBits = 32;
    private const float WeightBits = 5;
    private const int Contexts = ContextWalk.Contexts;

    private static readonly float[] s_log = [0, .. Enumerable.Range(1, (1 << 14) - 1).Select(n => (float)(n * Math.Log2(n)))];

    private readonly int[] _counts = new int[Contexts * Symbols.Count];
    private readonly float[] _costs = new float[Contexts];
    private readonly float[] _joints = new float[Contexts * Contexts];
    private readonly int[] _joinedTo = new int[Contexts];
    private readonly List<int> _left = [];
    private byte[] _contexts = [];

    /// <summary>The tables.</summary>
    public ShareTables Tables { get; } = new();

    /// <summary>Context of each symbol.</summary>
    public ReadOnlySpan<byte> ContextOf => _contexts;

    /// <summary>Decides on the tables of a column.</summary>
    /// <returns>About how many bits symbols and tables take.</returns>
    public double Choose(ReadOnlySpan<byte> symbols, ContextWalk walk)
    {
        Count(symbols, walk);
        if (symbols.Length >= LeastForContexts) Join();
        else JoinAll();
        Fill();
        double bits = Bits();
        Tables.SetKnown();
        double known = Bits();
        if (known > bits) Fill();
        return Math.Min(known, bits);
    }

    // Each of the four lanes begins its walk anew (EntropyReader).
    private void Count(ReadOnlySpan<byte> symbols, ContextWalk walk)
    {
        if (_contexts.Length < symbols.Length) _contexts = new byte[symbols.Length];
        _counts.AsSpan().Clear();
        int quarter = symbols.Length / EntropyWriter.Lanes;
        for (int lane = 0; lane < EntropyWriter.Lanes; lane++)
        {
            int context = walk.First;
            int end = lane < EntropyWriter.Lanes - 1 ? (lane + 1) * quarter : symbols.Length;
            for (int i = lane * quarter; i < end; i++)
            {
                _contexts[i] = (byte)context;
                _counts[(context * Symbols.Count) + symbols[i]]++;
                context = walk.Next[(context * Contexts) + symbols[i]];
            }
        }
    }

    private void JoinAll()
    {
        _left.Clear();
        _left.Add(0);
        for (int context = 1; context < Contexts; context++) Merge(0, context);
    }

    private void Join()
    {
        _left.Clear();
        for (int context = 0; context < Contexts; context++)
        {
            _joinedTo[context] = context;
            if (!CountsOf(context).ContainsAnyExcept(0)) continue;
            _costs[context] = CostOf(context, context);
            foreach (int other in _left) _joints[(context * Contexts) + other] = CostOf(context, other);
            _left.Add(context);
        }

        while (_left.Count > 1)
        {
            (int first, int second, float least) = (0, 0, float.MaxValue);
            for (int i = 1; i < _left.Count; i++)
            {
                for (int j = 0; j < i; j++)
                {
                    float more = _joints[(_left[i] * Contexts) + _left[j]] - _costs[_left[i]] - _costs[_left[j]];
                    if (more < least) (first, second, least) = (_left[j], _left[i], more);
                }
            }

            if (least >= 0 && _left.Count <= ShareTables.MaxTables) return;
            Merge(first, second);
            _left.Remove(second);
            _costs[first] = CostOf(first, first);
            foreach (int other in _left) _joints[(Math.Max(first, other) * Contexts) + Math.Min(first, other)] = CostOf(first, other);
        }
    }

    private void Merge(int into, int context)
    {
        Span<int> sum = CountsOf(into);
        Span<int> added = CountsOf(context);
        for (int symbol = 0; symbol < sum.Length; symbol++) sum[symbol] += added[symbol];
        added.Clear();
        _joinedTo[into] = into;
        _joinedTo[context] = into;
    }

    private void Fill()
    {
        Tables.Begin(_left.Count);
        for (int context = 0; context < Contexts; context++)
        {
            int root = context;
            while (_joinedTo[root] != root) root = _joinedTo[root];
            Tables.Assign(context, Math.Max(0, _left.IndexOf(root)));
        }

        for (int table = 0; table < _left.Count; table++) Tables.Set(table, CountsOf(_left[table]));
    }

    private double Bits()
    {
        double bits = Tables.WrittenBits;
        for (int i = 0; i < _left.Count; i++)
        {
            ReadOnlySpan<int> counts = CountsOf(_left[i]);
            for (int symbol = 0; symbol < counts.Length; symbol++)
            {
                if (counts[symbol] > 0) bits += counts[symbol] * (ShareTables.ShareBits - Math.Log2(Tables.Share(Tables.IsKnown ? 0 : i, symbol)));
            }
        }

        return bits;
    }

    private Span<int> CountsOf(int context) => _counts.AsSpan(context * Symbols.Count, Symbols.Count);

    // Bits of a table for two contexts, and of their symbols by it.
    private float CostOf(int context, int other)
    {
        ReadOnlySpan<int> counts = CountsOf(context);
        ReadOnlySpan<int> others = CountsOf(other);
        (float bits, int total, int weights) = (0, 0, 0);
        for (int symbol = 0; symbol < counts.Length; symbol++)
        {
            int count = counts[symbol] + (context == other ? 0 : others[symbol]);
            total += count;
            bits -= NLog(count);
            weights += count == 0 ? 0 : 1;
        }

        return bits + NLog(total) + TableBits + (WeightBits * weights);
    }

    private static float NLog(int n) => n < s_log.Length ? s_log[n] : (float)(n * Math.Log2(n));
}
