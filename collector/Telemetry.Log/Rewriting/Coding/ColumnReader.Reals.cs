namespace Telemetry.Log.Rewriting.Coding;

/// <content>Columns of doubles.</content>
internal sealed partial class ColumnReader
{
    // Of each row: leading zero bytes of its change, and from bit 4 the trailing ones.
    private const int TrailingAt = 4;
    private const int LeadingMask = (1 << TrailingAt) - 1;
    private byte[] _shapes = [];

    /// <summary>Reads a column of doubles, as their bits.</summary>
    /// <returns>False when the stream does not follow the format.</returns>
    public bool TryReadReals(Span<long> values)
    {
        if (values.IsEmpty) return true;
        values[0] = (long)_bits.TakeLong(64);
        Span<long> changes = values[1..];
        changes.Clear();
        if (!TryReadShapes(changes.Length)) return false;
        for (int place = sizeof(long) - 1; place >= 0; place--)
        {
            if (!TryReadHalves(changes, place, (8 * place) + 4) || !TryReadHalves(changes, place, 8 * place)) return false;
        }

        for (int row = 1; row < values.Length; row++) values[row] ^= values[row - 1];
        return true;
    }

    private bool TryReadShapes(int rows)
    {
        if (!TryTakeSymbols(rows, ContextWalk.OfNeighbours, out ReadOnlySpan<byte> leading)) return false;
        if (leading.ContainsAnyExceptInRange<byte>(0, sizeof(long))) return false;
        if (_shapes.Length < rows) _shapes = new byte[rows];
        leading.CopyTo(_shapes);
        Span<byte> shapes = _shapes.AsSpan(0, rows);
        if (!TryTakeSymbols(rows - shapes.Count((byte)sizeof(long)), ContextWalk.OfNeighbours, out ReadOnlySpan<byte> trailing)) return false;
        int changed = 0;
        foreach (ref byte shape in shapes)
        {
            if (shape == sizeof(long)) continue;
            if (shape + trailing[changed] >= sizeof(long)) return false;
            shape |= (byte)(trailing[changed++] << TrailingAt);
        }

        return true;
    }

    private bool TryReadHalves(Span<long> changes, int place, int shift)
    {
        int count = 0;
        for (int row = 0; row < changes.Length; row++) count += Has(_shapes[row], place) ? 1 : 0;
        if (!TryTakeSymbols(count, ContextWalk.OfNeighbours, out ReadOnlySpan<byte> halves)) return false;
        int at = 0;
        for (int row = 0; row < changes.Length; row++)
        {
            if (Has(_shapes[row], place)) changes[row] |= (long)(halves[at++] & 15) << shift;
        }

        return true;
    }

    private static bool Has(byte shape, int place) => place < sizeof(long) - (shape & LeadingMask) && place >= shape >> TrailingAt;
}
