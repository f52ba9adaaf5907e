using System.Numerics;

namespace Telemetry.Log.Rewriting.Coding;

// Tables in the plain bits:
//   4 bits   how many, 0 to 8; 0 = the known one
//   if more than one: for each of 32 contexts its table, in as few bits as their number needs
//   each table, for each of 31 symbols: 1 bit comes at all; if so its weight: 4 bits length above the top bit, then the bit below the top one, if there is one.
//   What is below it is 0.
// A symbol's share of 2^11 is 1 and its part by weight of what is left.

/// <summary>How often each symbol comes: one to eight tables of shares, and which context goes by which.</summary>
/// <remarks>One thread; reused.</remarks>
internal sealed class ShareTables
{
    /// <summary>The shares of a table add up to 2^11.</summary>
    public const int ShareBits = 11;

    public const int Whole = 1 << ShareBits;
    public const int MaxTables = 8;

    /// <summary>A weight is below 2^13.</summary>
    public const int MostWeight = (1 << 13) - 1;

    private const int NumberBits = 4;
    private const int LengthBits = 4;
    private const int MantissaBits = 1;
    private const int Stride = Symbols.Count + 1;

    // Columns of few rows cannot pay for a table: half for "no change", the nearer the more.
    private static readonly int[] s_known = [192, 32, 32, 24, 24, 16, 16, 12, 12, 8, 8, 8, .. Enumerable.Repeat(8, Symbols.Count - Symbols.FirstFar)];

    private readonly int[] _weights = new int[MaxTables * Symbols.Count];
    private readonly int[] _starts = new int[MaxTables * Stride];
    private readonly byte[] _tableOf = new byte[ContextWalk.Contexts];
    private int _number;

    /// <summary>How many tables there are.</summary>
    public int Count => Math.Max(1, _number);

    /// <summary>Whether the one table is the one that everybody knows.</summary>
    public bool IsKnown => _number == 0;

    /// <summary>Table of each context.</summary>
    public ReadOnlySpan<byte> TableOf => _tableOf;

    /// <summary>Where a symbol's share starts; the next one's start is its end.</summary>
    public int Start(int table, int symbol) => _starts[(table * Stride) + symbol];

    /// <summary>A symbol's share; 0 = it does not come.</summary>
    public int Share(int table, int symbol) => Start(table, symbol + 1) - Start(table, symbol);

    /// <summary>Takes the known table.</summary>
    public void SetKnown()
    {
        _number = 0;
        _tableOf.AsSpan().Clear();
        s_known.CopyTo(_weights, 0);
        Spread(0);
    }

    /// <summary>Begins tables of the writer's choice.</summary>
    /// <param name="number">1 to <see cref="MaxTables"/>.</param>
    public void Begin(int number)
    {
        _number = number;
        _tableOf.AsSpan().Clear();
    }

    /// <summary>Has a context go by a table.</summary>
    public void Assign(int context, int table) => _tableOf[context] = (byte)table;

    /// <summary>Sets a table by how often each symbol comes.</summary>
    public void Set(int table, ReadOnlySpan<int> counts)
    {
        long total = 0;
        foreach (int count in counts) total += count;
        for (int symbol = 0; symbol < Symbols.Count; symbol++)
            _weights[(table * Symbols.Count) + symbol] = counts[symbol] == 0 ? 0 : Rounded(Math.Max(1, (int)(counts[symbol] * (long)(MostWeight / 2) / total)));
        Spread(table);
    }

    /// <summary>Bits that <see cref="Write"/> takes.</summary>
    public int WrittenBits
    {
        get
        {
            int bits = NumberBits + (_number > 1 ? _tableOf.Length * IndexBits(_number) : 0);
            for (int i = 0; i < _number * Symbols.Count; i++) bits += 1 + (_weights[i] == 0 ? 0 : LengthBits + Math.Min(MantissaBits, BitOperations.Log2((uint)_weights[i])));
            return bits;
        }
    }

    /// <summary>Writes the tables.</summary>
    public void Write(BitOutput output)
    {
        output.Put((uint)_number, NumberBits);
        if (_number > 1)
        {
            foreach (byte table in _tableOf) output.Put(table, IndexBits(_number));
        }

        for (int i = 0; i < _number * Symbols.Count; i++)
        {
            int weight = _weights[i];
            output.Put(weight == 0 ? 0 : 1u, 1);
            if (weight == 0) continue;
            int length = BitOperations.Log2((uint)weight);
            int mantissa = Math.Min(MantissaBits, length);
            output.Put((uint)length, LengthBits);
            output.Put((uint)weight >> (length - mantissa), mantissa);
        }
    }

    /// <summary>Reads tables.</summary>
    /// <returns>False when they are none.</returns>
    public bool TryRead(ref BitInput input)
    {
        int number = (int)input.Take(NumberBits);
        if (number > MaxTables) return false;
        if (number == 0)
        {
            SetKnown();
            return true;
        }

        Begin(number);
        for (int context = 0; number > 1 && context < _tableOf.Length; context++)
        {
            _tableOf[context] = (byte)input.Take(IndexBits(number));
            if (_tableOf[context] >= number) return false;
        }

        for (int table = 0; table < number; table++)
        {
            int present = 0;
            for (int symbol = 0; symbol < Symbols.Count; symbol++)
            {
                int weight = 0;
                if (input.Take(1) != 0)
                {
                    int length = (int)input.Take(LengthBits);
                    int mantissa = Math.Min(MantissaBits, length);
                    weight = ((1 << mantissa) | (int)input.Take(mantissa)) << (length - mantissa);
                    present++;
                }

                _weights[(table * Symbols.Count) + symbol] = weight;
            }

            if (present == 0) return false;
            Spread(table);
        }

        return true;
    }

    private static int IndexBits(int number) => 32 - BitOperations.LeadingZeroCount((uint)number - 1);

    // To as many bits as are written, up from the half.
    private static int Rounded(int weight)
    {
        int below = BitOperations.Log2((uint)weight) - MantissaBits;
        return below <= 0 ? weight : (weight + (1 << (below - 1))) >> below << below;
    }

    private void Spread(int table)
    {
        ReadOnlySpan<int> weights = _weights.AsSpan(table * Symbols.Count, Symbols.Count);
        Span<int> starts = _starts.AsSpan(table * Stride, Stride);
        (int total, int left) = (0, Whole);
        foreach (int weight in weights)
        {
            total += weight;
            left -= weight == 0 ? 0 : 1;
        }

        (int sum, int ones) = (0, 0);
        for (int symbol = 0; symbol < weights.Length; symbol++)
        {
            starts[symbol] = (int)((long)sum * left / total) + ones;
            sum += weights[symbol];
            ones += weights[symbol] == 0 ? 0 : 1;
        }

        starts[^1] = Whole;
    }
}
