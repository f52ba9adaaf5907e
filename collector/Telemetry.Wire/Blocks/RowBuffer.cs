using System.Runtime.InteropServices;

namespace Telemetry.Wire.Blocks;

/// <summary>Rows of a fixed set of columns, in memory: what blocks are joined in and cut from.</summary>
/// <remarks>One owner.</remarks>
public sealed class RowBuffer
{
    private readonly int[] _signals;
    private readonly byte[] _kinds;
    private readonly List<long> _times = [];
    private readonly List<byte> _quality = [];
    private readonly List<long>[] _values;

    /// <summary>An empty buffer.</summary>
    /// <param name="signals">Signal id of each column, ascending.</param>
    /// <param name="kinds">Kind of each column: <see cref="BlockPacker.NarrowKind"/>, <see cref="BlockPacker.WideKind"/>, <see cref="BlockPacker.RealKind"/> or <see cref="BlockPacker.LevelKind"/>.</param>
    public RowBuffer(ReadOnlySpan<int> signals, ReadOnlySpan<byte> kinds)
    {
        _signals = signals.ToArray();
        _kinds = kinds.ToArray();
        _values = new List<long>[signals.Length];
        for (int column = 0; column < _values.Length; column++) _values[column] = [];
        HasLevels = kinds.Contains(BlockPacker.LevelKind);
        for (int column = 0; column < _kinds.Length; column++) NeedsDescriptors |= _kinds[column] != BlockPacker.NarrowKind || _signals[column] != _signals[0] + column;
    }

    /// <summary>Rows in the buffer.</summary>
    public int RowCount => _times.Count;

    /// <summary>Columns of each row.</summary>
    public int ColumnCount => _signals.Length;

    /// <summary>Uptime of each row in ms. Valid until rows are added.</summary>
    public ReadOnlySpan<long> TimesMs => CollectionsMarshal.AsSpan(_times);

    /// <summary>Quality of each row; 0 where a block carried none.</summary>
    public ReadOnlySpan<byte> Quality => CollectionsMarshal.AsSpan(_quality);

    /// <summary>Values of a column; of reals, their bits.</summary>
    public ReadOnlySpan<long> Values(int column) => CollectionsMarshal.AsSpan(_values[column]);

    /// <summary>Signal id of a column.</summary>
    public int SignalId(int column) => _signals[column];

    /// <summary>Kind of a column.</summary>
    public byte Kind(int column) => _kinds[column];

    /// <summary>A column is written about its level, which takes a block of its own version.</summary>
    internal bool HasLevels { get; }

    /// <summary>Ids do not simply follow one another, or a column is not of the plain kind.</summary>
    internal bool NeedsDescriptors { get; }

    /// <summary>An empty buffer of the same columns.</summary>
    public RowBuffer NewLike() => new(_signals, _kinds);

    /// <summary>Whether a block of these columns belongs here.</summary>
    public bool HasShape(ReadOnlySpan<int> signals, ReadOnlySpan<byte> kinds) => signals.SequenceEqual(_signals) && kinds.SequenceEqual(_kinds);

    /// <summary>Adds one row.</summary>
    public void Add(long timeMs, byte quality, params ReadOnlySpan<long> values)
    {
        _times.Add(timeMs);
        _quality.Add(quality);
        for (int column = 0; column < _values.Length; column++) _values[column].Add(values[column]);
    }

    /// <summary>Adds the rows of a decoded block of the same columns.</summary>
    public void Add(BlockDecoder block)
    {
        _times.AddRange(block.TimesMs);
        CollectionsMarshal.SetCount(_quality, _times.Count);
        Span<byte> quality = CollectionsMarshal.AsSpan(_quality)[^block.RowCount..];
        if (block.Quality.IsEmpty) quality.Clear();
        else block.Quality.CopyTo(quality);
        for (int column = 0; column < _values.Length; column++)
            _values[column].AddRange(block.IsReal(column) ? MemoryMarshal.Cast<double, long>(block.Reals(column)) : block.Integers(column));
    }

    /// <summary>Adds rows of another buffer of the same columns.</summary>
    public void Add(RowBuffer rows, int first, int count)
    {
        _times.AddRange(rows.TimesMs.Slice(first, count));
        _quality.AddRange(rows.Quality.Slice(first, count));
        for (int column = 0; column < _values.Length; column++) _values[column].AddRange(rows.Values(column).Slice(first, count));
    }

    /// <summary>Adds rows to be filled in, every time, quality and value of them: they hold anything.</summary>
    public void Grow(int count)
    {
        CollectionsMarshal.SetCount(_times, _times.Count + count);
        CollectionsMarshal.SetCount(_quality, _quality.Count + count);
        foreach (List<long> column in _values) CollectionsMarshal.SetCount(column, column.Count + count);
    }

    /// <summary>The times, to be set. Valid until rows are added.</summary>
    public Span<long> TimesToSet => CollectionsMarshal.AsSpan(_times);

    /// <summary>The quality masks, to be set. Valid until rows are added.</summary>
    public Span<byte> QualityToSet => CollectionsMarshal.AsSpan(_quality);

    /// <summary>The values of a column, to be set. Valid until rows are added.</summary>
    public Span<long> ValuesToSet(int column) => CollectionsMarshal.AsSpan(_values[column]);

    /// <summary>Drops all rows.</summary>
    public void Clear()
    {
        _times.Clear();
        _quality.Clear();
        foreach (List<long> column in _values) column.Clear();
    }
}
