using Telemetry.Simulator.Sources;

namespace Telemetry.Simulator.Replay;

/// <summary>Where the devices of a fleet get their secrets from.</summary>
public interface IFleetRegistry
{
    /// <summary>Makes the collector know the device, its model and its consenting user. May be called for several devices at a time.</summary>
    Task<FleetCredentials> AddAsync(DeviceSource source, CancellationToken cancellation);
}

/// <summary>What a device connects with.</summary>
/// <param name="Device">Id it got; another than asked for when that was taken.</param>
/// <param name="Secret">MQTT password.</param>
public sealed record FleetCredentials(string Device, string Secret);

/// <summary>
/// Drives many SDK clients over real connections, in simulated time, as fast as the collector acknowledges. Ends when every spool is empty.
/// A collector that goes away is waited for: clients reconnect and send again what was not acknowledged.
/// </summary>
public sealed class ReplayEngine(ReplayOptions options, IFleetRegistry registry, TimeProvider time)
{
    // Readings of one device before the next has its turn: long enough to be cheap, short enough that all connections stay busy.
    private const int ReadingsPerTurn = 512;

    // Devices registered at a time.
    private const int RegistrationsAtOnce = 16;

    // A collector that stays away this long is not coming back; the simulated devices would wait for months.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan IdleWait = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan ReportInterval = TimeSpan.FromMilliseconds(100);

    private readonly List<VirtualDevice> _active = [];
    private readonly List<DeviceTally> _done = [];
    private long _begin;
    private long _reported;
    private long _lastMove;

    /// <summary>Runs a fleet to its end.</summary>
    /// <param name="source">The devices.</param>
    /// <param name="report">Called on the driving thread about ten times a second; null = not.</param>
    /// <param name="cancellation">Ends the run early; what was recorded and not acked is gone with the simulated devices.</param>
    /// <returns>One tally a device, in the order they finished.</returns>
    /// <exception cref="InputException">From the source.</exception>
    /// <exception cref="TimeoutException">The collector was away, or silent, for two minutes.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public async Task<IReadOnlyList<DeviceTally>> RunAsync(IFleetSource source, Action<ReplayProgress>? report, CancellationToken cancellation)
    {
        _begin = _lastMove = time.GetTimestamp();
        using IEnumerator<DeviceSource> waiting = source.Devices().GetEnumerator();
        bool hasMore = true;
        try
        {
            while (true)
            {
                cancellation.ThrowIfCancellationRequested();
                if (hasMore && _active.Count < options.MaxActiveDevices) hasMore = await AdmitAsync(waiting, cancellation);
                if (!hasMore && _active.Count == 0) break;
                bool hasMoved = TurnAll();
                Report(report, isLast: false);
                if (hasMoved) _lastMove = time.GetTimestamp();
                else await WaitAsync(cancellation);
            }

            Report(report, isLast: true);
            return _done;
        }
        finally
        {
            foreach (VirtualDevice device in _active) device.Dispose();
            _active.Clear();
        }
    }

    private async Task WaitAsync(CancellationToken cancellation)
    {
        bool isPaced = (options.Speed > 0 || options.UntilUnixMs is not null) && _active.Any(device => !device.HasEnded);
        if (!isPaced && time.GetElapsedTime(_lastMove) > Patience)
        {
            throw new TimeoutException(
                $"mqtt://{options.Host}:{options.Port} acknowledged nothing for {Patience.TotalSeconds:F0} s; {_active.Count} devices still hold samples. Is the collector up, and are its disks?");
        }

        await Task.Delay(IdleWait, time, cancellation);
    }

    private async Task<bool> AdmitAsync(IEnumerator<DeviceSource> waiting, CancellationToken cancellation)
    {
        List<DeviceSource> sources = [];
        int room = Math.Min(options.MaxActiveDevices - _active.Count, RegistrationsAtOnce);
        bool hasMore = true;
        while (sources.Count < room && (hasMore = waiting.MoveNext())) sources.Add(waiting.Current);
        FleetCredentials[] credentials = await Task.WhenAll(sources.Select(source => registry.AddAsync(source, cancellation)));
        foreach ((DeviceSource source, FleetCredentials credential) in sources.Zip(credentials))
        {
            _active.Add(new VirtualDevice(source, credential.Device, credential.Secret, options, time));
        }

        return hasMore;
    }

    private bool TurnAll()
    {
        long aligned = long.MaxValue;
        if (options.AlignMs > 0)
        {
            foreach (VirtualDevice device in _active)
            {
                if (!device.HasEnded) aligned = Math.Min(aligned, device.NowUnixMs);
            }

            if (aligned != long.MaxValue) aligned += options.AlignMs;
        }

        bool hasMoved = false;
        for (int index = _active.Count - 1; index >= 0; index--)
        {
            VirtualDevice device = _active[index];
            hasMoved |= device.Turn(ReadingsPerTurn, Math.Min(aligned, PacedUntil(device)));
            if (!device.IsDone) continue;
            _done.Add(device.Tally());
            device.Dispose();
            _active.RemoveAt(index);
            hasMoved = true;
        }

        return hasMoved;
    }

    private long PacedUntil(VirtualDevice device) => options.UntilUnixMs is { } until
        ? until()
        : options.Speed <= 0
        ? long.MaxValue
        : device.StartUnixMs + (long)(time.GetElapsedTime(_begin).TotalMilliseconds * options.Speed);

    private void Report(Action<ReplayProgress>? report, bool isLast)
    {
        if (report is null) return;
        if (!isLast && time.GetElapsedTime(_reported) < ReportInterval) return;
        _reported = time.GetTimestamp();
        (long recorded, long acked, long batches, long bytes, long now) = (0, 0, 0, 0, long.MaxValue);
        foreach (DeviceTally tally in _done)
        {
            recorded += tally.Recorded;
            acked += tally.Acked;
            batches += tally.Batches;
            bytes += tally.SentBytes + tally.ReceivedBytes;
        }

        foreach (VirtualDevice device in _active)
        {
            Device.TelemetryCounters counters = device.Counters;
            recorded += counters.Recorded;
            acked += counters.Acked;
            batches += counters.SealedBatches;
            bytes += device.WireBytes;
            if (!device.HasEnded) now = Math.Min(now, device.NowUnixMs);
        }

        report(new ReplayProgress(recorded, acked, batches, bytes, _active.Count, _done.Count, now == long.MaxValue ? 0 : now));
    }
}
