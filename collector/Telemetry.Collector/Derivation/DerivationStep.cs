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

/// <summary>What happens in one transaction: decode, place and fold its records, save every user touched, name the users who are due.</summary>
internal sealed class DerivationStep
{
    // A recording may be handed in years later. A clock that says less than 2001 was never set (1970 and 2000 are what chips begin with),
    // and one that says the future lies.
    private const long LeastUnixMs = 978_307_200_000, MostEarlyMs = 86_400_000;

    private readonly BlockLog _log;
    private readonly IDeviceCatalog _catalog;
    private readonly IConsentingUsers _users;
    private readonly BoundModel _model;
    private readonly DerivationOptions _options;
    private readonly DerivationMetrics _metrics;
    private readonly BatchDecoder _decoder = new();
    private readonly Dictionary<UserKey, UserDerivation> _hot = [];
    private readonly HashSet<UserDerivation> _touched = [];
    private readonly UnnamedUsers _unnamed;
    private readonly Wearers _wearers;
    private readonly Dictionary<(uint Device, uint Profile), ProfileSlots?> _slots = [];
    private KnownClocks _clocks = new();
    private WaitingBatches? _waiting;
    private bool _isLoaded;
    private long _answersNoted;
    private long _receivedUnixMs;

    public DerivationStep(BlockLog log, IDeviceCatalog catalog, IConsentingUsers users, BoundModel model, DerivationOptions options, DerivationMetrics metrics)
    {
        (_log, _catalog, _users, _model, _options, _metrics) = (log, catalog, users, model, options, metrics);
        _unnamed = new UnnamedUsers(options);
        _wearers = new Wearers(this);
    }

    /// <summary>Batches that wait for a clock.</summary>
    public int Waiting => _waiting?.Count ?? 0;

    /// <summary>True while segments wait to be said.</summary>
    public bool HasUnnamed => !_isLoaded || _unnamed.Count > 0 || _users.AnswersVersion != _answersNoted;

    /// <summary>Position before which everything is in the segments, when the log is read up to <paramref name="read"/>.</summary>
    public long NamedUpTo(long read) => _unnamed.NamedUpTo(read);

    /// <summary>Begins a step.</summary>
    /// <param name="position">Of the log, up to which it is read.</param>
    /// <param name="store">The step.</param>
    public void Begin(long position, InsightsTransaction store)
    {
        if (!_isLoaded)
        {
            _waiting = new WaitingBatches(store);
            _unnamed.Load(store);
            _answersNoted = Mark.Answers.Read(store) ?? 0;
            _isLoaded = true;
        }

        if (_users.AnswersVersion != _answersNoted) NoteAnswers(position, store);
    }

    /// <summary>Takes one record of the log.</summary>
    public void Take(in LogRecord record, InsightsTransaction store)
    {
        if (record.Kind != LogRecordKind.Batch) return;
        _metrics.Batches++;
        _receivedUnixMs = record.ReceivedUnixMs;
        ReadOnlySpan<byte> batch = record.Payload.Span;
        if (_decoder.Open(batch, out _) != DecodeStatus.Done)
        {
            _metrics.BatchesNotUnderstood++;
            return;
        }

        BatchHeader header = _decoder.Header;
        _clocks.Learn(record.DeviceKey, header, store);
        if (_clocks.TryPlace(record.DeviceKey, header, store, out PlacedClock clock))
        {
            Fold(record, clock, store);
            if (_waiting!.Count > 0) FoldAll(_waiting.Take(DeviceBoot.Of(record.DeviceKey, header), store), clock, store);
        }
        else
        {
            _waiting!.Add(DeviceBoot.Of(record.DeviceKey, header), record.Position, record.ReceivedUnixMs, store);
        }

        long patience = record.ReceivedUnixMs - (long)_options.ClockWait.TotalMilliseconds;
        while (_waiting.TryTakeOldest(patience, _options.MostWaiting, store, out long position, out long receivedUnixMs)) FoldByReceiveTime(position, receivedUnixMs, store);
    }

    /// <summary>Writes what the records changed.</summary>
    /// <param name="from">Position of the step's first record.</param>
    /// <param name="to">Position behind its last one.</param>
    /// <param name="store">The step.</param>
    public void Save(long from, long to, InsightsTransaction store)
    {
        foreach (UserDerivation user in _touched)
        {
            _metrics.Minutes += user.DirtyMinutes;
            user.Save(from, store);
            _unnamed.Note(user.User, from, to, _receivedUnixMs);
        }

        _touched.Clear();
    }

    /// <summary>Says the segments of users who are due, at most <see cref="DerivationOptions.StepUsers"/> of them and <see cref="DerivationOptions.StepDays"/> of their days.</summary>
    /// <param name="read">Position up to which the log is read.</param>
    /// <param name="isIdle">The log has nothing more.</param>
    /// <param name="store">The step.</param>
    /// <returns>True when more may be due.</returns>
    public bool Name(long read, bool isIdle, InsightsTransaction store)
    {
        List<UserKey> due = _unnamed.Due(read, _receivedUnixMs, isIdle, _options.StepUsers);
        int daysLeft = _options.StepDays;
        foreach (UserKey user in due.TakeWhile(_ => daysLeft > 0))
        {
            // An erased user has no progress any more, and nothing may be said.
            UserDerivation? derivation = UserProgress.Read(store, user) is { } progress ? Hot(user, progress.UtcOffsetMinutes, store) : null;
            int named = derivation?.Name(store, daysLeft) ?? 0;
            _metrics.Days += named;
            daysLeft -= named;
            if (derivation is not { HasUnnamed: true }) _unnamed.Remove(user);
        }

        if (_hot.Count > _options.HotUsers) _hot.Clear(); // all are in the store; the ones that go on are read again
        return due.Count == _options.StepUsers || daysLeft == 0;
    }

    /// <summary>Forgets everything at hand: the transaction it went into was undone.</summary>
    public void Forget()
    {
        _hot.Clear();
        _touched.Clear();
        _waiting = null;
        _isLoaded = false;
        _clocks = new KnownClocks();
    }

    // What users said since the last step: their days are named again, also when no sample comes.
    private void NoteAnswers(long position, InsightsTransaction store)
    {
        long version = _users.AnswersVersion; // first: an answer given meanwhile is noted twice rather than never
        foreach ((UserKey user, int fromMinute) in _users.AnsweredSince(_answersNoted))
        {
            _hot.Remove(user); // it knows the answers of before
            if (UserProgress.Read(store, user) is null || _users.UtcOffsetOf(user) is not { } utcOffsetMinutes) continue;
            if (Hot(user, utcOffsetMinutes, store).NoteAnswer(fromMinute, position, store)) _unnamed.Note(user, position, position, receivedUnixMs: 0); // due at once
        }

        Mark.Answers.Write(store, _answersNoted = version);
    }

    private void FoldAll(IReadOnlyList<long> positions, PlacedClock clock, InsightsTransaction store)
    {
        foreach (long position in positions)
        {
            using LogReader reader = _log.OpenReader(position);
            if (reader.TryRead(out LogRecord record) && record.Position == position && _decoder.Open(record.Payload.Span, out _) == DecodeStatus.Done)
                Fold(record, clock, store);
        }
    }

    private void FoldByReceiveTime(long position, long receivedUnixMs, InsightsTransaction store)
    {
        using LogReader reader = _log.OpenReader(position);
        if (reader.TryRead(out LogRecord record) && record.Position == position && _decoder.Open(record.Payload.Span, out _) == DecodeStatus.Done)
            Fold(record, PlacedClock.ByReceipt(_decoder.Header, receivedUnixMs), store);
    }

    private void Fold(in LogRecord record, PlacedClock clock, InsightsTransaction store)
    {
        IReadOnlyList<ConsentedRange> ranges = _users.RangesOf(record.DeviceKey);
        if (ranges.Count == 0)
        {
            _metrics.BatchesWithoutUser++;
            return;
        }

        if (SlotsOf(record.DeviceKey, _decoder.Header.ProfileHash) is not { } slots)
        {
            _metrics.BatchesNotUnderstood++;
            return;
        }

        long sealedUnixMs = clock.ToUnixMs(_decoder.Header.Clock.UptimeMs);
        if (sealedUnixMs < LeastUnixMs || sealedUnixMs > record.ReceivedUnixMs + MostEarlyMs)
        {
            _metrics.BatchesMisplaced++;
            return;
        }

        _wearers.Begin(record.DeviceKey, ranges, store);
        foreach (BlockDecoder block in _decoder.Blocks(record.Payload.Span))
        {
            _metrics.Samples += BlockFold.Fold(block, slots, clock.BootUnixMs, _wearers);
            if (slots.AnswerSignal is { } signal) TakeAnswers(record.DeviceKey, block, signal, clock);
        }
    }

    private void TakeAnswers(uint deviceKey, BlockDecoder block, int signal, PlacedClock clock)
    {
        for (int column = 0; column < block.ColumnCount; column++)
        {
            if (block.SignalId(column) != signal || block.IsReal(column)) continue;
            for (int row = 0; row < block.RowCount; row++)
                _users.TakeAnswer(deviceKey, (int)Math.Clamp(block.Integers(column)[row], -1, int.MaxValue), clock.ToUnixMs(block.TimesMs[row]));
        }
    }

    private ProfileSlots? SlotsOf(uint deviceKey, uint profileHash)
    {
        if (_slots.TryGetValue((deviceKey, profileHash), out ProfileSlots? slots)) return slots;
        if (_slots.Count > 100_000) _slots.Clear();
        ModelProfile? profile = _catalog.FindProfile(deviceKey, profileHash);
        if (profile is null) return null; // it may be registered later
        return _slots[(deviceKey, profileHash)] = new ProfileSlots(profile);
    }

    private UserDerivation Hot(UserKey user, int utcOffsetMinutes, InsightsTransaction store)
    {
        if (!_hot.TryGetValue(user, out UserDerivation? derivation)) _hot[user] = derivation = new UserDerivation(user, utcOffsetMinutes, _model, _users.AnswersOf(user, _model), store);
        return derivation;
    }

    /// <summary>The minutes of whoever wears a device, one record at a time.</summary>
    private sealed class Wearers(DerivationStep step) : IMinuteSink
    {
        private IReadOnlyList<ConsentedRange> _ranges = [];
        private InsightsTransaction? _store;
        private uint _deviceKey;
        private UserDerivation? _latest;

        public void Begin(uint deviceKey, IReadOnlyList<ConsentedRange> ranges, InsightsTransaction store)
        {
            (_deviceKey, _ranges, _store) = (deviceKey, ranges, store);
            _latest = null;
        }

        public DeviceMinute? Minute(int minute)
        {
            for (int i = 0; i < _ranges.Count; i++)
            {
                ConsentedRange range = _ranges[i];
                if (range.Holds(minute)) return Of(range).Row(minute, _store!).Device(_deviceKey);
            }

            return null;
        }

        private UserDerivation Of(in ConsentedRange range)
        {
            if (_latest is not null && _latest.User == range.User) return _latest;
            _latest = step.Hot(range.User, range.UtcOffsetMinutes, _store!);
            step._touched.Add(_latest);
            return _latest;
        }
    }
}
