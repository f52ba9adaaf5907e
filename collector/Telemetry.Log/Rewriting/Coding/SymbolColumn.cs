using System.Numerics;

namespace Telemetry.Log.Rewriting.Coding;

/// <summary>A column as symbols, before it is written: the plain bits that belong to them, and the tables they go by.</summary>
/// <remarks>One thread; reused.</remarks>
internal sealed class SymbolColumn
{
    private readonly TableChoice _choice = new();
    private readonly BitOutput _plain = new();
    private byte[] _symbols = [];
    private int _count;

    /// <summary>Begins a column.</summary>
    /// <param name="rows">The most that come.</param>
    public void Clear(int rows)
    {
        _count = 0;
        _plain.Clear();
        if (_symbols.Length < rows) _symbols = new byte[Math.Max(rows, 2 * _symbols.Length)];
    }

    /// <summary>Adds a symbol that needs no plain bits.</summary>
    public void Add(int symbol) => _symbols[_count++] = (byte)symbol;

    /// <summary>Adds a change.</summary>
    public void AddChange(long change)
    {
        byte symbol = Symbols.Of(change);
        _symbols[_count++] = symbol;
        if (symbol >= Symbols.FirstFar) Symbols.PutPlain(_plain, symbol, change);
    }

    /// <summary>Adds a residual: its upper bits as a change, its low bits as they are.</summary>
    public void AddResidual(long residual, int lowBits)
    {
        AddChange(residual >> lowBits);
        _plain.Put((ulong)residual, lowBits);
    }

    /// <summary>Adds a number below 2^30: its length as a symbol, then the bits below the top one.</summary>
    public void AddNumber(uint number)
    {
        int length = 32 - BitOperations.LeadingZeroCount(number);
        Add(length);
        _plain.Put(number, Math.Max(0, length - 1));
    }

    /// <summary>Chooses the tables.</summary>
    /// <returns>About how many bits the column takes.</returns>
    public double Choose(ContextWalk walk) => _count == 0 ? 0 : _choice.Choose(_symbols.AsSpan(0, _count), walk) + _plain.Count;

    /// <summary>Writes the column, whose tables are chosen.</summary>
    /// <param name="bits">Gets tables and plain bits.</param>
    /// <param name="coder">Gets the symbols.</param>
    public void Write(BitOutput bits, EntropyWriter coder)
    {
        if (_count == 0) return;
        _choice.Tables.Write(bits);
        coder.Put(_symbols.AsSpan(0, _count), _choice);
        bits.Put(_plain);
    }
}
