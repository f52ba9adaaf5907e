using System.Numerics;

namespace Telemetry.Log.Rewriting.Coding;

/// <content>Columns of doubles.</content>
internal sealed partial class ColumnWriter
{
    /// <summary>Writes a column of doubles, given as their bits: what changed against the row before, byte by byte.</summary>
    public void WriteReals(ReadOnlySpan<long> values)
    {
        if (values.IsEmpty) return;
        _bits.Put((ulong)values[0], 64);
        WriteSymbols(values, static (change, _) => Leading(change));
        WriteSymbols(values, static (change, _) => change == 0 ? -1 : Trailing(change));
        for (int place = sizeof(long) - 1; place >= 0; place--)
        {
            WriteSymbols(values, static (change, place) => Has(change, place) ? (int)(change >> ((8 * place) + 4)) & 15 : -1, place);
            WriteSymbols(values, static (change, place) => Has(change, place) ? (int)(change >> (8 * place)) & 15 : -1, place);
        }
    }

    // One symbol of each row's change, or -1 for none.
    private void WriteSymbols(ReadOnlySpan<long> values, Func<ulong, int, int> symbolOf, int place = 0)
    {
        _steps.Clear(values.Length);
        for (int row = 1; row < values.Length; row++)
        {
            int symbol = symbolOf((ulong)(values[row] ^ values[row - 1]), place);
            if (symbol >= 0) _steps.Add(symbol);
        }

        _steps.Choose(ContextWalk.OfNeighbours);
        _steps.Write(_bits, _coder);
    }

    private static int Leading(ulong change) => BitOperations.LeadingZeroCount(change) / 8;

    private static int Trailing(ulong change) => BitOperations.TrailingZeroCount(change) / 8;

    private static bool Has(ulong change, int place) => change != 0 && place < sizeof(long) - Leading(change) && place >= Trailing(change);
}
