using System.Runtime.InteropServices;
using Telemetry.Log;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Profiles;

namespace Telemetry.Collector.Series;

/// <summary>The samples of one device in one window of time, in the order of an answer. Takes 24 bytes a sample, and beside them what a block's samples have in common.</summary>
/// <remarks>
/// Filled block by block, then sorted, then read; one thread. Blocks that come one behind the other, as most do, are one run in order, which costs nothing more. Runs are merged two by two: two kinds of block
/// in each batch cost one round, whatever the number of batches, since what is in order then is left alone; late ones cost some more.
/// </remarks>
/// <param name="device">Whose samples.</param>
internal sealed class SampleWindow(DeviceDescription device)
{
    private readonly List<Block> _blocks = [];
    private readonly List<Entry> _entries = [];
    private readonly List<int> _runs = []; // where each begins
    private SignalDefinition[] _signals = []; // of the last block: most blocks repeat them
    private Entry[] _left = [];

    /// <summary>How many samples.</summary>
    public int Count => _entries.Count;

    /// <summary>A sample, named and in its unit.</summary>
    public SampleRow this[int index]
    {
        get
        {
            ref readonly Entry entry = ref CollectionsMarshal.AsSpan(_entries)[index];
            ref readonly Block block = ref CollectionsMarshal.AsSpan(_blocks)[entry.Block];
            uint errorMs = block.Clock.ErrorMsAt(entry.UnixMs - block.Clock.BootUnixMs);
            return new SampleRow(device, block.Signals[entry.Column], entry.UnixMs, errorMs, entry.Value, entry.Quality, block.OriginOf(entry));
        }
    }

    /// <summary>Forgets all samples.</summary>
    public void Clear()
    {
        _blocks.Clear();
        _entries.Clear();
        _runs.Clear();
    }

    /// <summary>Adds what a block has of a range of time.</summary>
    /// <param name="rows">Stands on the block.</param>
    /// <param name="columns">Which columns, by signal.</param>
    /// <param name="clock">Places its rows.</param>
    /// <param name="firstRow">Rows of the batch before this block.</param>
    /// <param name="fromUnixMs">Inclusive.</param>
    /// <param name="toUnixMs">Exclusive.</param>
    public void Add(RowReader rows, List<(SignalDefinition Signal, int Column)> columns, in PlacedClock clock, int firstRow, long fromUnixMs, long toUnixMs)
    {
        ReadOnlySpan<long> times = rows.TimesMs;
        int from = 0, to = times.Length; // times of a block do not fall
        while (from < to && clock.ToUnixMs(times[from]) < fromUnixMs) from++;
        while (to > from && clock.ToUnixMs(times[to - 1]) >= toUnixMs) to--;
        if (from == to) return;

        if (!HasSignals(columns)) _signals = [.. columns.Select(column => column.Signal)];
        int first = _entries.Count;
        _blocks.Add(new Block(clock, rows.ReceivedUnixMs, rows.Header.Seq, firstRow, _signals));
        CollectionsMarshal.SetCount(_entries, first + ((to - from) * columns.Count));
        Span<Entry> entries = CollectionsMarshal.AsSpan(_entries)[first..];
        for (int column = 0; column < columns.Count; column++) Fill(entries[column..], rows, columns[column], clock, (byte)column, from, to);
        SortRowsOfOneTime(entries, columns.Count);
        if (first == 0 || Compare(_entries[first - 1], entries[0]) > 0) _runs.Add(first);
    }

    /// <summary>Brings the samples into the order of an answer.</summary>
    public void Sort()
    {
        while (_runs.Count > 1)
        {
            int merged = 0;
            for (int run = 0; run < _runs.Count; run += 2)
            {
                if (run + 1 < _runs.Count) Merge(_runs[run], _runs[run + 1], run + 2 < _runs.Count ? _runs[run + 2] : Count);
                _runs[merged++] = _runs[run];
            }

            _runs.RemoveRange(merged, _runs.Count - merged);
        }
    }

    // Two neighbouring runs become one. The left one steps aside; the right one is never overtaken by what is written.
    private void Merge(int start, int middle, int end)
    {
        Span<Entry> entries = CollectionsMarshal.AsSpan(_entries);
        if (Compare(entries[middle - 1], entries[middle]) <= 0) return;
        int count = middle - start;
        if (_left.Length < count) _left = new Entry[Math.Max(count, 2 * _left.Length)];
        entries[start..middle].CopyTo(_left);
        int left = 0, right = middle, to = start;
        while (left < count && right < end) entries[to++] = Compare(_left[left], entries[right]) <= 0 ? _left[left++] : entries[right++];
        _left.AsSpan(left, count - left).CopyTo(entries[to..]);
    }

    // One column, row by row: its samples stand as far from each other as the block has columns.
    private void Fill(Span<Entry> entries, RowReader rows, (SignalDefinition Signal, int Column) column, in PlacedClock clock, byte number, int from, int to)
    {
        ReadOnlySpan<long> times = rows.TimesMs, values = rows.Values(column.Column);
        ReadOnlySpan<byte> quality = rows.Quality;
        bool isReal = rows.IsReal(column.Column);
        for (int row = from, at = 0; row < to; row++, at += _signals.Length)
        {
            double value = isReal ? BitConverter.Int64BitsToDouble(values[row]) : column.Signal.ToUnit(values[row]);
            entries[at] = new Entry(clock.ToUnixMs(times[row]), value, _blocks.Count - 1, (ushort)row, number, quality.IsEmpty ? (byte)0 : quality[row]);
        }
    }

    private bool HasSignals(List<(SignalDefinition Signal, int Column)> columns)
    {
        if (columns.Count != _signals.Length) return false;
        for (int i = 0; i < _signals.Length; i++)
        {
            if (!ReferenceEquals(columns[i].Signal, _signals[i])) return false;
        }

        return true;
    }

    // By row, then signal: where rows have one time, the signal comes first.
    private void SortRowsOfOneTime(Span<Entry> block, int columns)
    {
        if (columns == 1) return;
        for (int from = 0, to; from < block.Length; from = to)
        {
            for (to = from + columns; to < block.Length && block[to].UnixMs == block[from].UnixMs;) to += columns;
            if (to - from > columns) block[from..to].Sort(Compare);
        }
    }

    private int Compare(Entry left, Entry right)
    {
        if (left.UnixMs != right.UnixMs) return left.UnixMs.CompareTo(right.UnixMs);
        (Block ofLeft, Block ofRight) = (_blocks[left.Block], _blocks[right.Block]);
        int bySignal = ofLeft.Signals[left.Column].Id.CompareTo(ofRight.Signals[right.Column].Id);
        return bySignal != 0 ? bySignal : ofLeft.OriginOf(left).CompareTo(ofRight.OriginOf(right));
    }

    private readonly record struct Entry(long UnixMs, double Value, int Block, ushort Row, byte Column, byte Quality);

    private readonly record struct Block(PlacedClock Clock, long ReceivedUnixMs, ulong Seq, int FirstRow, SignalDefinition[] Signals)
    {
        public SampleOrigin OriginOf(in Entry entry) => new(ReceivedUnixMs, Seq, FirstRow + entry.Row);
    }
}
