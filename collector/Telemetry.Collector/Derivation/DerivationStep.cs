using Telemetry.Insights.Store;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Profiles;

namespace Telemetry.Collector.Derivation;

/// <summary>What happens to the records of one transaction: decode, place, fold; then save every user touched.</summary>
internal sealed class DerivationStep(BlockLog log, IDeviceCatalog catalog, IConsentingUsers users, BoundModel model, DerivationOptions options, DerivationMetrics metrics)
{
    // A recording may be handed in years later. A clock that says less than 2001 was never set (1970 and 2000 are what chips begin with),
    // and one that says the future lies.
    private const long LeastUnixMs = 978_307_200_000, MostEarlyMs = 86_400_000;

    private readonly BatchDecoder _decoder = new();
    private readonly Dictionary<UserKey, UserDerivation> _hot = [];
    private readonly HashSet<UserKey> _touched = [];
    private readonly Dictionary<(uint Device, uint Profile), ProfileSlots?> _slots = [];
    private KnownClocks _clocks = new();
    private WaitingBatches? _waiting;

    /// <summary>Batches that wait for a clock.</summary>
    public int Waiting => _waiting?.Count ?? 0;

    /// <summary>Takes one record of the log.</summary>
    public void Take(in LogRecord record, InsightsTransaction store)
    {
        if (record.Kind != LogRecordKind.Batch) return;
        metrics.Batches++;
        ReadOnlySpan<byte> batch = record.Payload.Span;
        if (_decoder.Open(batch, out _) != DecodeStatus.Done)
        {
            metrics.BatchesNotUnderstood++;
            return;
        }

        _waiting ??= new WaitingBatches(store);
        BatchHeader header = _decoder.Header;
        _clocks.Learn(record.DeviceKey, header, store);
        if (_clocks.TryPlace(record.DeviceKey, header, store, out PlacedClock clock))
        {
            Fold(record, clock, store);
            if (_waiting.Count > 0) FoldAll(_waiting.Take(DeviceBoot.Of(record.DeviceKey, header), store), clock, store);
        }
        else
        {
            _waiting.Add(DeviceBoot.Of(record.DeviceKey, header), record.Position, record.ReceivedUnixMs, store);
        }

        long patience = record.ReceivedUnixMs - (long)options.ClockWait.TotalMilliseconds;
        while (_waiting.TryTakeOldest(patience, options.MostWaiting, store, out long position, out long receivedUnixMs)) FoldByReceiveTime(position, receivedUnixMs, store);
    }

    /// <summary>Writes what the records changed.</summary>
    public void Save(InsightsTransaction store)
    {
        foreach (UserKey user in _touched)
        {
            UserDerivation derivation = _hot[user];
            metrics.Minutes += derivation.DirtyMinutes;
            metrics.Days += derivation.Save(store);
        }

        _touched.Clear();
        if (_hot.Count > options.HotUsers) _hot.Clear(); // all are in the store; the ones that go on are read again
    }

    /// <summary>Forgets everything at hand: the transaction it went into was undone.</summary>
    public void Forget()
    {
        _hot.Clear();
        _touched.Clear();
        _waiting = null;
        _clocks = new KnownClocks();
    }

    private void FoldAll(IReadOnlyList<long> positions, PlacedClock clock, InsightsTransaction store)
    {
        foreach (long position in positions)
        {
            using LogReader reader = log.OpenReader(position);
            if (reader.TryRead(out LogRecord record) && record.Position == position && _decoder.Open(record.Payload.Span, out _) == DecodeStatus.Done)
                Fold(record, clock, store);
        }
    }

    private void FoldByReceiveTime(long position, long receivedUnixMs, InsightsTransaction store)
    {
        using LogReader reader = log.OpenReader(position);
        if (reader.TryRead(out LogRecord record) && record.Position == position && _decoder.Open(record.Payload.Span, out _) == DecodeStatus.Done)
            Fold(record, PlacedClock.ByReceipt(_decoder.Header, receivedUnixMs), store);
    }

    private void Fold(in LogRecord record, PlacedClock clock, InsightsTransaction store)
    {
        IReadOnlyList<ConsentedRange> ranges = users.RangesOf(record.DeviceKey);
        if (ranges.Count == 0)
        {
            metrics.BatchesWithoutUser++;
            return;
        }

        if (SlotsOf(record.DeviceKey, _decoder.Header.ProfileHash) is not { } slots)
        {
            metrics.BatchesNotUnderstood++;
            return;
        }

        long sealedUnixMs = clock.ToUnixMs(_decoder.Header.Clock.UptimeMs);
        if (sealedUnixMs < LeastUnixMs || sealedUnixMs > record.ReceivedUnixMs + MostEarlyMs)
        {
            metrics.BatchesMisplaced++;
            return;
        }

        Sink sink = new(this, record.DeviceKey, ranges, store);
        foreach (BlockDecoder block in _decoder.Blocks(record.Payload.Span)) metrics.Samples += BlockFold.Fold(block, slots, clock.BootUnixMs, sink);
    }

    private ProfileSlots? SlotsOf(uint deviceKey, uint profileHash)
    {
        if (_slots.TryGetValue((deviceKey, profileHash), out ProfileSlots? slots)) return slots;
        if (_slots.Count > 100_000) _slots.Clear();
        ModelProfile? profile = catalog.FindProfile(deviceKey, profileHash);
        if (profile is null) return null; // it may be registered later
        return _slots[(deviceKey, profileHash)] = new ProfileSlots(profile);
    }

    private UserDerivation Hot(in ConsentedRange range, InsightsTransaction store)
    {
        if (!_hot.TryGetValue(range.User, out UserDerivation? user))
            _hot[range.User] = user = new UserDerivation(range.User, range.UtcOffsetMinutes, model, store);
        _touched.Add(range.User);
        return user;
    }

    /// <summary>The minutes of whoever wears a device.</summary>
    private sealed class Sink(DerivationStep step, uint deviceKey, IReadOnlyList<ConsentedRange> ranges, InsightsTransaction store) : IMinuteSink
    {
        public DeviceMinute? Minute(int minute)
        {
            foreach (ConsentedRange range in ranges)
            {
                if (range.Holds(minute)) return step.Hot(range, store).Row(minute, store).Device(deviceKey);
            }

            return null;
        }
    }
}
