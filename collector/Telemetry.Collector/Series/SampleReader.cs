using System.Runtime.InteropServices;
using Telemetry.Log;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Profiles;

namespace Telemetry.Collector.Series;

/// <summary>Reads a device's samples back from the log in time order. An acknowledged sample is here at once: nothing stands between.</summary>
/// <remarks>
/// The log holds batches in order of arrival, not of time. A first pass over the device's rows notes where each batch lies in time; the rows are then read window by window, each window
/// small enough to sort in memory (<see cref="MaxWindowRows"/>), and of the batches as they came only those that touch it are decoded. One window, the usual case, is two passes. What came in
/// order, as most does, is in order already and is not sorted. One instance a question.
/// </remarks>
/// <param name="log">Where batches are.</param>
/// <param name="catalog">Names of devices and signals.</param>
/// <param name="logEnd">Records from this position on are not read.</param>
internal sealed class SampleReader(BlockLog log, IDeviceCatalog catalog, long logEnd)
{
    /// <summary>Rows sorted at once: 72 B each, so at most 72 MiB and what the last block of a window adds.</summary>
    public const int MaxWindowRows = 1_000_000;

    private readonly BootClocks _clocks = new(int.MaxValue);
    private readonly Dictionary<(uint Epoch, ulong Seq), (long FromUnixMs, long ToUnixMs)> _batches = []; // those that touch the range; both ends within
    private readonly List<(SignalDefinition Signal, int Column)> _columns = [];
    private readonly List<SampleRow> _window = [];
    private bool _isInOrder;

    /// <summary>The samples of a range, ordered by time, then signal, then arrival.</summary>
    public IEnumerable<SampleRow> Read(SampleRange range)
    {
        List<(long StartUnixMs, int Rows)> blocks = Survey(range);
        foreach ((long from, long to) in Windows(range, blocks))
        {
            Fill(range with { FromUnixMs = from, ToUnixMs = to });
            if (!_isInOrder) _window.Sort(static (left, right) => SampleRow.Compare(left, right));
            foreach (SampleRow row in _window) yield return row;
        }
    }

    // Learns every clock pair of the device and, in the same pass, where each block lies in time. Blocks of a device that did not know it then are placed once all pairs are known.
    private List<(long StartUnixMs, int Rows)> Survey(SampleRange range)
    {
        List<(long StartUnixMs, int Rows)> found = [];
        List<BlockSpan> unplaced = [];
        using RowReader rows = log.OpenRowReader(range.DeviceKey, logEnd);
        while (rows.TryReadBatch())
        {
            _clocks.Learn(range.DeviceKey, rows.Header);
            while (rows.TryReadBlock())
            {
                if (rows.TimesMs.IsEmpty) continue;
                BlockSpan block = new(rows.Header, rows.ReceivedUnixMs, rows.TimesMs[0], rows.TimesMs[^1], rows.TimesMs.Length * rows.ColumnCount);
                if (rows.Header.Clock.IsSet) Note(range, block, found);
                else unplaced.Add(block);
            }
        }

        foreach (BlockSpan block in unplaced) Note(range, block, found);
        found.Sort();
        return found;
    }

    private void Note(SampleRange range, in BlockSpan block, List<(long StartUnixMs, int Rows)> found)
    {
        PlacedClock clock = Place(range.DeviceKey, block.Batch, block.ReceivedUnixMs);
        (long from, long to) = (clock.ToUnixMs(block.FirstUptimeMs), clock.ToUnixMs(block.LastUptimeMs));
        if (from >= range.ToUnixMs || to < range.FromUnixMs) return;
        found.Add((from, block.Rows));
        ref (long FromUnixMs, long ToUnixMs) batch = ref CollectionsMarshal.GetValueRefOrAddDefault(_batches, (block.Batch.Epoch, block.Batch.Seq), out bool isKnown);
        batch = isKnown ? (Math.Min(batch.FromUnixMs, from), Math.Max(batch.ToUnixMs, to)) : (from, to);
    }

    // Cuts the range at block starts so that a window holds about MaxWindowRows.
    private static IEnumerable<(long From, long To)> Windows(SampleRange range, List<(long StartUnixMs, int Rows)> blocks)
    {
        if (blocks.Count == 0) yield break;
        long from = range.FromUnixMs;
        long rows = 0;
        foreach ((long start, int count) in blocks)
        {
            if (rows + count > MaxWindowRows && start > from)
            {
                yield return (from, start);
                from = start;
                rows = 0;
            }

            rows += count;
        }

        yield return (from, range.ToUnixMs);
    }

    private void Fill(SampleRange range)
    {
        _window.Clear();
        _isInOrder = true;
        if (catalog.FindDevice(range.DeviceKey) is not { } device) return;
        using RowReader rows = log.OpenRowReader(range.DeviceKey, logEnd);
        while (rows.TryReadBatch())
        {
            if (!_batches.TryGetValue((rows.Header.Epoch, rows.Header.Seq), out (long FromUnixMs, long ToUnixMs) batch)) continue;
            if (batch.FromUnixMs >= range.ToUnixMs || batch.ToUnixMs < range.FromUnixMs) continue;
            if (catalog.FindProfile(range.DeviceKey, rows.Header.ProfileHash) is not { } profile) continue;
            PlacedClock clock = Place(range.DeviceKey, rows.Header, rows.ReceivedUnixMs);
            for (int first = 0; rows.TryReadBlock(); first += rows.TimesMs.Length)
            {
                FindColumns(rows, profile, range.SignalKey);
                if (_columns.Count > 0) AddRows(rows, range, device, clock, first);
            }
        }
    }

    // By signal, so that the rows of a block are in order.
    private void FindColumns(RowReader rows, ModelProfile profile, string signalKey)
    {
        _columns.Clear();
        for (int column = 0; column < rows.ColumnCount; column++)
        {
            if (profile.Find(rows.SignalId(column)) is { } signal && (signalKey.Length == 0 || signal.Key == signalKey)) _columns.Add((signal, column));
        }

        _columns.Sort(static (left, right) => left.Signal.Id.CompareTo(right.Signal.Id));
    }

    private void AddRows(RowReader rows, SampleRange range, DeviceDescription device, PlacedClock clock, int first)
    {
        ReadOnlySpan<long> times = rows.TimesMs;
        ReadOnlySpan<byte> quality = rows.Quality;
        for (int row = 0; row < times.Length; row++)
        {
            long unixMs = clock.ToUnixMs(times[row]);
            if (unixMs < range.FromUnixMs || unixMs >= range.ToUnixMs) continue;
            uint errorMs = clock.ErrorMsAt(times[row]);
            SampleOrigin origin = new(rows.ReceivedUnixMs, rows.Header.Seq, first + row);
            foreach ((SignalDefinition signal, int column) in _columns)
            {
                long stored = rows.Values(column)[row];
                double value = rows.IsReal(column) ? BitConverter.Int64BitsToDouble(stored) : signal.ToUnit(stored);
                Add(new SampleRow(device, signal, unixMs, errorMs, value, quality.IsEmpty ? (byte)0 : quality[row], origin));
            }
        }
    }

    private void Add(in SampleRow row)
    {
        if (_isInOrder && _window.Count > 0) _isInOrder = SampleRow.Compare(CollectionsMarshal.AsSpan(_window)[^1], row) <= 0;
        _window.Add(row);
    }

    private PlacedClock Place(uint deviceKey, in BatchHeader batch, long receivedUnixMs) =>
        _clocks.TryPlace(deviceKey, batch, out PlacedClock clock) ? clock : PlacedClock.ByReceipt(batch, receivedUnixMs);

    private readonly record struct BlockSpan(BatchHeader Batch, long ReceivedUnixMs, long FirstUptimeMs, long LastUptimeMs, int Rows);
}
