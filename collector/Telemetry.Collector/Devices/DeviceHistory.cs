using Telemetry.Log;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.Profiles;

namespace Telemetry.Collector.Devices;

/// <summary>What the log holds of one device, in numbers. Two passes over its records, one for the clocks; memory by signals and boots, not by samples.</summary>
internal sealed class DeviceHistory
{
    // Batches of one radio session follow each other at once.
    private const long UploadGapMs = 5_000;

    private readonly uint _deviceKey;
    private readonly IDeviceCatalog _catalog;
    private readonly BatchDecoder _decoder = new();
    private readonly BootClocks _clocks = new(int.MaxValue);

    private DeviceHistory(uint deviceKey, IDeviceCatalog catalog) => (_deviceKey, _catalog) = (deviceKey, catalog);

    public long Batches { get; private set; }

    public long Bytes { get; private set; }

    public long Samples { get; private set; }

    public long Uploads { get; private set; }

    /// <summary>0 while there is no batch.</summary>
    public long FirstReceivedUnixMs { get; private set; }

    public long LastReceivedUnixMs { get; private set; }

    /// <summary>Boots by epoch, the epochs in the order they came.</summary>
    public OrderedDictionary<uint, uint> Boots { get; } = [];

    /// <summary>Batches of boots that never knew the time: they stand where they were received.</summary>
    public long BatchesWithoutTime { get; private set; }

    /// <summary>The greatest bound on the error of a clock that was set; unknown bounds are not counted.</summary>
    public uint WorstErrorMs { get; private set; }

    /// <summary>How far a device's clock was ahead of the collector's when a batch came, at most.</summary>
    public long MostAheadMs { get; private set; }

    /// <summary>The newest profile seen.</summary>
    public ModelProfile? Profile { get; private set; }

    public SortedDictionary<int, SignalHistory> Signals { get; } = [];

    /// <summary>Of the loss ledgers.</summary>
    public SortedDictionary<(int Signal, int Reason), long> Losses { get; } = [];

    /// <summary>Reads the log.</summary>
    /// <param name="log">Where batches are.</param>
    /// <param name="catalog">Names of signals.</param>
    /// <param name="deviceKey">Which device.</param>
    /// <param name="fromUnixMs">Records received before are read for their clocks only.</param>
    /// <exception cref="IOException">The log's disk refuses to read.</exception>
    public static DeviceHistory Read(BlockLog log, IDeviceCatalog catalog, uint deviceKey, long fromUnixMs)
    {
        DeviceHistory history = new(deviceKey, catalog);
        foreach (LogRecord record in history.Records(log)) history._clocks.Learn(deviceKey, history._decoder.Header);
        foreach (LogRecord record in history.Records(log))
        {
            if (record.ReceivedUnixMs >= fromUnixMs) history.Take(record);
        }

        return history;
    }

    private IEnumerable<LogRecord> Records(BlockLog log)
    {
        using LogReader reader = log.OpenDeviceReader(0, _deviceKey);
        while (reader.TryRead(out LogRecord record))
        {
            if (record.Kind == LogRecordKind.Batch && _decoder.Open(record.Payload.Span, out RefusalReason _) == DecodeStatus.Done) yield return record;
        }
    }

    private void Take(in LogRecord record)
    {
        BatchHeader header = _decoder.Header;
        if (Batches == 0) FirstReceivedUnixMs = record.ReceivedUnixMs;
        if (Batches == 0 || record.ReceivedUnixMs - LastReceivedUnixMs > UploadGapMs) Uploads++;
        LastReceivedUnixMs = record.ReceivedUnixMs;
        Batches++;
        Bytes += record.Payload.Length;
        Boots[header.Epoch] = Math.Max(Boots.GetValueOrDefault(header.Epoch), header.Boot);
        TakeClock(header, record.ReceivedUnixMs);
        foreach (LossEntry loss in BatchReader.Losses(record.Payload.Span))
        {
            (int, int) key = (loss.SignalId, loss.Reason);
            Losses[key] = Losses.GetValueOrDefault(key) + loss.Count;
        }

        // Admission dead-letters a batch whose profile is unknown, so a stored one has it.
        if (_catalog.FindProfile(_deviceKey, header.ProfileHash) is not { } profile) return;
        if (Profile is null || profile.Version >= Profile.Version) Profile = profile;
        foreach (BlockDecoder block in _decoder.Blocks(record.Payload.Span))
        {
            for (int column = 0; column < block.ColumnCount; column++)
            {
                Samples += block.RowCount;
                int id = block.SignalId(column);
                if (!Signals.TryGetValue(id, out SignalHistory? signal)) Signals.Add(id, signal = new SignalHistory());
                signal.Take(block, column, profile.Find(id));
            }
        }
    }

    private void TakeClock(in BatchHeader header, long receivedUnixMs)
    {
        if (!_clocks.TryPlace(_deviceKey, header, out PlacedClock clock))
        {
            BatchesWithoutTime++;
            return;
        }

        if (clock.ErrorMs != ClockReading.UnknownErrorMs) WorstErrorMs = Math.Max(WorstErrorMs, clock.ErrorMs);
        MostAheadMs = Math.Max(MostAheadMs, clock.ToUnixMs(header.Clock.UptimeMs) - receivedUnixMs);
    }
}

/// <summary>What came of one signal.</summary>
internal sealed class SignalHistory
{
    private readonly SortedDictionary<long, long> _periods = []; // steps by their mean length in ms, a block at a time

    public long Samples { get; private set; }

    /// <summary>In the unit; NaN when nothing came.</summary>
    public double Min { get; private set; } = double.NaN;

    /// <summary>In the unit; NaN when nothing came.</summary>
    public double Max { get; private set; } = double.NaN;

    /// <summary>Values the profile says are impossible.</summary>
    public long Outside { get; private set; }

    /// <summary>Samples whose signal id the batch's own profile does not have.</summary>
    public long Unnamed { get; private set; }

    /// <summary>Median time between two samples in ms; 0 when no block held two.</summary>
    public long PeriodMs
    {
        get
        {
            long half = _periods.Values.Sum() / 2, passed = 0;
            foreach ((long period, long steps) in _periods)
            {
                passed += steps;
                if (passed > half) return period;
            }

            return 0;
        }
    }

    public void Take(BlockDecoder block, int column, SignalDefinition? signal)
    {
        Samples += block.RowCount;
        if (block.RowCount > 1)
        {
            long period = (long)Math.Round((block.TimesMs[^1] - block.TimesMs[0]) / (double)(block.RowCount - 1));
            _periods[period] = _periods.GetValueOrDefault(period) + block.RowCount - 1;
        }

        if (signal is null)
        {
            Unnamed += block.RowCount;
        }
        else if (block.IsReal(column))
        {
            foreach (double value in block.Reals(column)) Take(value, signal);
        }
        else
        {
            foreach (long value in block.Integers(column)) Take(signal.ToUnit(value), signal);
        }
    }

    private void Take(double value, SignalDefinition signal)
    {
        if (double.IsNaN(value)) return;
        if (!(value >= Min)) Min = value; // NaN at first
        if (!(value <= Max)) Max = value;
        if (value < signal.Min || value > signal.Max) Outside++;
    }
}
