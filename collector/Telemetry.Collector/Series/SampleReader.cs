using Telemetry.Log;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.Profiles;

namespace Telemetry.Collector.Series;

/// <summary>Reads a device's samples back from the log in time order. An acknowledged sample is here at once: nothing stands between.</summary>
/// <remarks>
/// The log holds batches in order of arrival, not of time. A first pass over the device's records notes where each block lies in time; its rows are then
/// read window by window, each window small enough to sort in memory (<see cref="MaxWindowRows"/>). One window, the usual case, is two passes.
/// One instance a question.
/// </remarks>
/// <param name="log">Where batches are.</param>
/// <param name="catalog">Names of devices and signals.</param>
/// <param name="logEnd">Records from this position on are not read.</param>
internal sealed class SampleReader(BlockLog log, IDeviceCatalog catalog, long logEnd)
{
    /// <summary>Rows sorted at once: 64 B each, so at most 64 MiB and what the last block of a window adds.</summary>
    public const int MaxWindowRows = 1_000_000;

    private readonly BatchDecoder _decoder = new();
    private readonly List<SampleRow> _window = [];

    /// <summary>The samples of a range, ordered by time, then signal, then arrival.</summary>
    public IEnumerable<SampleRow> Read(SampleRange range)
    {
        BootClocks clocks = new(int.MaxValue);
        List<(long StartUnixMs, int Rows)> blocks = Survey(range, clocks);
        foreach ((long from, long to) in Windows(range, blocks))
        {
            Fill(range with { FromUnixMs = from, ToUnixMs = to }, clocks);
            _window.Sort(static (left, right) =>
                left.UnixMs != right.UnixMs ? left.UnixMs.CompareTo(right.UnixMs)
                : left.Signal.Id != right.Signal.Id ? left.Signal.Id.CompareTo(right.Signal.Id)
                : left.Order.CompareTo(right.Order));
            foreach (SampleRow row in _window) yield return row;
        }
    }

    // Learns every clock pair of the device, then where each block that touches the range begins.
    private List<(long StartUnixMs, int Rows)> Survey(SampleRange range, BootClocks clocks)
    {
        foreach (LogRecord record in Batches(range.DeviceKey)) clocks.Learn(range.DeviceKey, _decoder.Header);

        List<(long StartUnixMs, int Rows)> blocks = [];
        foreach (LogRecord record in Batches(range.DeviceKey))
        {
            PlacedClock clock = Place(clocks, record);
            foreach (BlockDecoder block in _decoder.Blocks(record.Payload.Span))
            {
                if (block.RowCount == 0) continue;
                long start = clock.ToUnixMs(block.TimesMs[0]);
                if (start < range.ToUnixMs && clock.ToUnixMs(block.TimesMs[^1]) >= range.FromUnixMs) blocks.Add((start, block.RowCount * block.ColumnCount));
            }
        }

        blocks.Sort();
        return blocks;
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

    private void Fill(SampleRange range, BootClocks clocks)
    {
        _window.Clear();
        if (catalog.FindDevice(range.DeviceKey) is not { } device) return;
        foreach (LogRecord record in Batches(range.DeviceKey))
        {
            if (catalog.FindProfile(range.DeviceKey, _decoder.Header.ProfileHash) is not { } profile) continue;
            PlacedClock clock = Place(clocks, record);
            foreach (BlockDecoder block in _decoder.Blocks(record.Payload.Span))
            {
                if (block.RowCount == 0 || clock.ToUnixMs(block.TimesMs[0]) >= range.ToUnixMs || clock.ToUnixMs(block.TimesMs[^1]) < range.FromUnixMs) continue;
                for (int column = 0; column < block.ColumnCount; column++)
                {
                    SignalDefinition? signal = profile.Find(block.SignalId(column));
                    if (signal is null || (range.SignalKey.Length > 0 && signal.Key != range.SignalKey)) continue;
                    AddColumn(range, device, signal, block, column, clock, record.Position);
                }
            }
        }
    }

    private void AddColumn(SampleRange range, DeviceDescription device, SignalDefinition signal, BlockDecoder block, int column, PlacedClock clock, long order)
    {
        ReadOnlySpan<long> times = block.TimesMs;
        ReadOnlySpan<byte> quality = block.Quality;
        bool isReal = block.IsReal(column);
        ReadOnlySpan<double> reals = isReal ? block.Reals(column) : default;
        ReadOnlySpan<long> integers = isReal ? default : block.Integers(column);
        for (int row = 0; row < times.Length; row++)
        {
            long unixMs = clock.ToUnixMs(times[row]);
            if (unixMs < range.FromUnixMs || unixMs >= range.ToUnixMs) continue;
            double value = isReal ? reals[row] : signal.ToUnit(integers[row]);
            _window.Add(new SampleRow(device, signal, unixMs, clock.ErrorMsAt(times[row]), value, quality.IsEmpty ? (byte)0 : quality[row], order));
        }
    }

    private PlacedClock Place(BootClocks clocks, in LogRecord record) =>
        clocks.TryPlace(record.DeviceKey, _decoder.Header, out PlacedClock clock) ? clock : PlacedClock.ByReceipt(_decoder.Header, record.ReceivedUnixMs);

    private IEnumerable<LogRecord> Batches(uint deviceKey)
    {
        using LogReader reader = log.OpenDeviceReader(0, deviceKey);
        while (reader.TryRead(out LogRecord record) && record.Position < logEnd)
        {
            if (record.Kind == LogRecordKind.Batch && _decoder.Open(record.Payload.Span, out RefusalReason _) == DecodeStatus.Done) yield return record;
        }
    }
}
