using Telemetry.Log;
using Telemetry.Log.Times;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Profiles;

namespace Telemetry.Collector.Series;

/// <summary>Reads a device's samples back from the log in time order. An acknowledged sample is here at once: nothing stands between.</summary>
/// <remarks>
/// The log holds batches in order of arrival, not of time, and knows in what time each stride of them lies (<see cref="DeviceTimes"/>). The rows are read window by window, each window small
/// enough to sort in memory (<see cref="MaxWindowRows"/>), and of the log only the strides that touch it. What came in order, as most does, is in order already and is not sorted. One instance a question.
/// </remarks>
/// <param name="log">Where batches are.</param>
/// <param name="catalog">Names of devices and signals.</param>
/// <param name="logEnd">Records from this position on are not read.</param>
/// <param name="windowRows">Rows sorted at once.</param>
internal sealed class SampleReader(BlockLog log, IDeviceCatalog catalog, long logEnd, int windowRows = SampleReader.MaxWindowRows)
{
    /// <summary>Rows sorted at once, about: 24 B each, so 24 MB where a stride's rows lie evenly in its time, and as much again while late ones are merged.</summary>
    public const int MaxWindowRows = 1_000_000;

    // A stride is counted in so small pieces, evenly over its time.
    private const int PieceRows = 4096;

    private readonly List<(SignalDefinition Signal, int Column)> _columns = [];

    /// <summary>The samples of a range, ordered by time, then signal, then arrival.</summary>
    public IEnumerable<SampleRow> Read(SampleRange range)
    {
        if (catalog.FindDevice(range.DeviceKey) is not { } device) yield break;
        DeviceTimes times = log.FindTimes(range.DeviceKey, logEnd);
        SampleWindow window = new(device);
        foreach ((long from, long to) in Windows(range, times))
        {
            Fill(window, range with { FromUnixMs = from, ToUnixMs = to }, times);
            for (int i = 0; i < window.Count; i++) yield return window[i];
        }
    }

    // Cuts the range so that a window holds about so many rows.
    private IEnumerable<(long From, long To)> Windows(SampleRange range, DeviceTimes times)
    {
        long from = range.FromUnixMs;
        long rows = 0;
        foreach ((long start, long count) in Pieces(range, times))
        {
            if (rows + count > windowRows && start > from)
            {
                yield return (from, start);
                from = start;
                rows = 0;
            }

            rows += count;
        }

        yield return (from, range.ToUnixMs);
    }

    private static List<(long StartUnixMs, long Rows)> Pieces(SampleRange range, DeviceTimes times)
    {
        List<(long StartUnixMs, long Rows)> pieces = [];
        foreach (TimeStride stride in times.Strides)
        {
            long parts = (stride.Samples / PieceRows) + 1;
            double stepMs = ((double)stride.ToUnixMs - stride.FromUnixMs) / parts;
            for (long part = 0; part < parts; part++)
            {
                long start = stride.FromUnixMs + (long)(part * stepMs);
                if (start < range.ToUnixMs && start + stepMs >= range.FromUnixMs) pieces.Add((start, (stride.Samples + parts - 1) / parts));
            }
        }

        pieces.Sort();
        return pieces;
    }

    private void Fill(SampleWindow window, SampleRange range, DeviceTimes times)
    {
        window.Clear();
        using RowReader rows = log.OpenRowReader(times, range.FromUnixMs, range.ToUnixMs);
        while (rows.TryReadBatch())
        {
            if (catalog.FindProfile(range.DeviceKey, rows.Header.ProfileHash) is not { } profile) continue;
            PlacedClock clock = times.Place(rows.Header, rows.ReceivedUnixMs);
            for (int first = 0; rows.TryReadTimes(); first += rows.TimesMs.Length)
            {
                if (clock.ToUnixMs(rows.TimesMs[0]) >= range.ToUnixMs || clock.ToUnixMs(rows.TimesMs[^1]) < range.FromUnixMs) continue;
                if (!rows.TryReadColumns()) break;
                FindColumns(rows, profile, range.SignalKey);
                if (_columns.Count > 0) window.Add(rows, _columns, clock, first, range.FromUnixMs, range.ToUnixMs);
            }
        }

        window.Sort();
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
}
