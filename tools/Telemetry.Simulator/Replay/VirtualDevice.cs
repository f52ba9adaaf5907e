using Telemetry.Device;
using Telemetry.Device.Platform;
using Telemetry.Simulator.Faults;
using Telemetry.Simulator.Sources;

namespace Telemetry.Simulator.Replay;

/// <summary>One real SDK client in simulated time, fed with readings as fast as its spool empties.</summary>
/// <remarks>Driven by one thread. Simulated time stands still while the spool is nearly full, so that nothing is ever evicted.</remarks>
internal sealed class VirtualDevice : IDisposable
{
    private const int PageBytes = 256, SectorBytes = 4096, SpoolSectors = 24;

    // The open batch, its record header, and a sector that is being reclaimed must still fit after the last reading that was let in.
    private const int LeastFreeSpoolBytes = 4 * SectorBytes;

    // While the collector is away, the whole fleet together tries about once a millisecond.
    private const int LeastMsBetweenAttempts = 25, MostMsBetweenAttempts = 1000;

    // Simulated time between two turns of the pump while readings flow: seals happen on time to within this.
    private const long PumpEveryMs = 60_000;

    // telemetry.v1.ClockSource.
    private const int PhoneClock = 4;

    // Repeated faults are laid out this far ahead.
    private const long MinutesOfYear = 366 * 1440;

    private readonly IEnumerator<Reading> _readings;
    private readonly VirtualClock _clock;
    private readonly LinkClock _link;
    private readonly MeteredTransport _transport;
    private readonly TelemetryClient _client;
    private readonly IReadOnlyList<FaultEvent> _faults;
    private readonly Dictionary<int, long> _recorded = [];
    private (long UnixMs, int Signal, int Choice)? _press; // what its person is about to answer
    private int _readQuestion;
    private int _nextFault;
    private long _offlineUntilUnixMs;
    private long _answersLostSinceSent = -1;
    private bool _hasReading;
    private bool _isFlushed;

    public VirtualDevice(DeviceSource source, string device, string secret, ReplayOptions options, TimeProvider time)
    {
        Source = source;
        Device = device;
        _readings = source.Readings.GetEnumerator();
        _hasReading = _readings.MoveNext();
        StartUnixMs = options.StartUnixMs != 0 ? options.StartUnixMs : _hasReading ? _readings.Current.UnixMs : 1;
        NowUnixMs = StartUnixMs;
        _faults = options.Faults?.EventsOf(source.Name, options.Seed, minutes: MinutesOfYear) ?? [];
        double drift = _faults.Where(fault => fault.Fault.Kind == FaultKind.Drift).Sum(fault => fault.Fault.Ppm);
        _clock = new VirtualClock(StartUnixMs, drift);
        _link = new LinkClock(time, Math.Clamp(options.MaxActiveDevices, LeastMsBetweenAttempts, MostMsBetweenAttempts));
        _transport = new MeteredTransport(new SocketTransport());
        _client = new TelemetryClient(new TelemetryOptions
        {
            Brand = source.Brand,
            Device = device,
            Secret = secret,
            Host = options.Host,
            Port = options.Port,
            Profile = source.Profile.ToFirmware(source.SteadySignals),
            Clock = _clock,
            LinkClock = _link,
            Flash = new MemoryFlash(PageBytes, SectorBytes, SpoolSectors),
            Transport = _transport,
            Seed = SeedOf(options.Seed, source.Name),
            SealIntervalMs = options.SealIntervalMs,
            BatchBytes = options.BatchBytes,
            UploadIntervalMs = 0, // of the link's clock, which is the real one
            ThinsWhenNearlyFull = false,
            DriftPpm = 0,
            CommandHandler = new Screen(this),
        });
        TellTime();
    }

    /// <summary>Where its readings come from.</summary>
    public DeviceSource Source { get; }

    /// <summary>Device id it was registered under.</summary>
    public string Device { get; }

    /// <summary>When it was switched on, in simulated time.</summary>
    public long StartUnixMs { get; }

    /// <summary>Bytes of the connection so far, both ways.</summary>
    public long WireBytes => _transport.SentBytes + _transport.ReceivedBytes;

    /// <summary>How far its simulated time has come.</summary>
    public long NowUnixMs { get; private set; }

    /// <summary>Everything was read, recorded, sent and acked.</summary>
    public bool IsDone => _isFlushed && _client.IsDrained;

    /// <summary>All readings were taken; what is left is sending.</summary>
    public bool HasEnded => !_hasReading;

    /// <summary>Counts of the client.</summary>
    public TelemetryCounters Counters => _client.ReadCounters();

    /// <summary>Takes readings up to an instant, at most so many, and turns the pump.</summary>
    /// <returns>True when anything moved: a reading, or a byte on the wire.</returns>
    public bool Turn(int mostReadings, long untilUnixMs)
    {
        long bytesBefore = WireBytes;
        int taken = Feed(mostReadings, untilUnixMs);
        if (!_hasReading && !_isFlushed)
        {
            _client.Flush();
            _client.UploadNow();
            _transport.IsOffline = false;
            _isFlushed = true;
        }

        int wantsInMs = _client.Step();
        EndLostAnswers();
        bool hasMoved = taken > 0 || WireBytes > bytesBefore;
        if (!hasMoved && !_client.IsConnected && !_transport.IsOffline && wantsInMs > 0) _link.TrySkip(wantsInMs);
        return hasMoved;
    }

    /// <summary>What this device did, for the final account.</summary>
    public DeviceTally Tally()
    {
        TelemetryCounters counters = _client.ReadCounters();
        Dictionary<string, long> bySignal = _recorded.ToDictionary(
            entry => Source.Profile.Model.Find(entry.Key)!.Key, entry => entry.Value, StringComparer.Ordinal);
        return new DeviceTally(
            Source.Brand, Device, Source.User, bySignal, counters.Recorded, counters.Acked, counters.DroppedTotal,
            counters.SealedBatches, counters.SentBatches, counters.Connects, _transport.SentBytes, _transport.ReceivedBytes);
    }

    public void Dispose()
    {
        _client.Stop();
        _transport.Close();
        _readings.Dispose();
    }

    private int Feed(int mostReadings, long untilUnixMs)
    {
        int taken = 0;
        long nextPump = NowUnixMs + PumpEveryMs;
        while (_hasReading && taken < mostReadings)
        {
            Reading reading = _readings.Current;
            if (_client.SpoolFreeBytes < LeastFreeSpoolBytes || AwaitsConnectionToBreak(reading.UnixMs)) break;
            if (_press is { } press && press.UnixMs <= Math.Min(reading.UnixMs, untilUnixMs))
            {
                _press = null;
                MoveTo(press.UnixMs);
                Record(new Reading(press.UnixMs, press.Signal, press.Choice, Reading.Worn));
                continue;
            }

            if (reading.UnixMs > untilUnixMs)
            {
                // Nothing to measure yet: time passes all the same.
                MoveTo(untilUnixMs);
                break;
            }

            if (reading.UnixMs >= nextPump)
            {
                MoveTo(reading.UnixMs);
                _client.Step();
                nextPump = reading.UnixMs + PumpEveryMs;
                continue;
            }

            MoveTo(reading.UnixMs);
            Record(reading);
            taken++;
            _hasReading = _readings.MoveNext();
        }

        // Away from the network with a full spool, only the network helps.
        if (_transport.IsOffline && _client.SpoolFreeBytes < LeastFreeSpoolBytes) _transport.IsOffline = false;
        return taken;
    }

    private void Record(in Reading reading)
    {
        if (_client.Quality != reading.Quality) _client.Quality = reading.Quality;
        DeviceStatus status = _client.RecordAt(reading.Signal, reading.Scaled, _clock.UptimeAt(reading.UnixMs));
        if (status != DeviceStatus.Ok)
        {
            throw new InvalidOperationException($"{Source.Name} could not record signal {reading.Signal} at {reading.UnixMs}: {status}. The source and its profile do not fit.");
        }

        _recorded[reading.Signal] = _recorded.GetValueOrDefault(reading.Signal) + 1;
    }

    private void MoveTo(long unixMs)
    {
        NowUnixMs = Math.Max(NowUnixMs, unixMs);
        _clock.AdvanceTo(unixMs);
        if (_transport.IsOffline && unixMs >= _offlineUntilUnixMs) _transport.IsOffline = false;
        while (_nextFault < _faults.Count && StartUnixMs + _faults[_nextFault].AfterMs <= unixMs) Break(_faults[_nextFault++].Fault);
    }

    // A fault of the connection needs one: simulated time waits for the reconnect after the fault before.
    private bool AwaitsConnectionToBreak(long unixMs) =>
        _nextFault < _faults.Count && StartUnixMs + _faults[_nextFault].AfterMs <= unixMs
        && _faults[_nextFault].Fault.Kind is FaultKind.Cut or FaultKind.LoseAcks
        && !_transport.IsOffline && !_client.IsConnected;

    // As a paired phone would, and beyond doubt: the collector's own time is real time, which means nothing here.
    private void TellTime() => _client.SetWallTime(_clock.ReadWallUnixMs(), errorMs: 0, source: PhoneClock);

    private void Break(Fault fault)
    {
        switch (fault.Kind)
        {
            case FaultKind.Cut:
                _transport.Cut();
                break;
            case FaultKind.Offline:
                _transport.IsOffline = true;
                _transport.Cut();
                _offlineUntilUnixMs = Math.Max(_offlineUntilUnixMs, NowUnixMs + (long)(fault.Minutes * 60_000));
                break;
            case FaultKind.LoseAcks:
                _transport.LosesAnswers = true;
                _answersLostSinceSent = _transport.SentBytes;
                break;
            case FaultKind.ClockStep:
                _clock.Step((long)(fault.Seconds * 1000));
                TellTime();
                break;
            default:
                // Drift holds from the start.
                break;
        }
    }

    // Once something was sent whose ack is thrown away, the connection breaks and the device has to send it again.
    private void EndLostAnswers()
    {
        if (_answersLostSinceSent < 0 || (_transport.SentBytes == _answersLostSinceSent && !_isFlushed)) return;
        _answersLostSinceSent = -1;
        _transport.LosesAnswers = false;
        _transport.Cut();
    }

    /// <summary>Shows questions to the person. A question comes again with every connection until the collector has its answer; it is read once, and another takes its place.</summary>
    private sealed class Screen(VirtualDevice device) : ICommandHandler
    {
        public void OnQuestion(int id, string text, string[] answers, int answerSignal)
        {
            if (id == device._readQuestion || device.Source.Respondent is not { } respondent) return;
            device._readQuestion = id;
            device._press = respondent.Read(text, answers, device.NowUnixMs) is { } pressed ? (device.NowUnixMs + pressed.AfterMs, answerSignal, pressed.Choice) : null;
        }

        public void OnCaptureRate(int signal, int periodMs)
        {
            // Readings are made whatever the collector wants; the client thins them.
        }

        public void OnErased()
        {
            // The simulated firmware keeps nothing of its user.
        }
    }

    // An int that is not 0, which would mean "derive one".
    private static int SeedOf(ulong seed, string device)
    {
        int mixed = (int)People.SeededRandom.For(seed, FaultPlan.HashOf(device)).NextUInt64();
        return mixed == 0 ? 1 : mixed;
    }
}
