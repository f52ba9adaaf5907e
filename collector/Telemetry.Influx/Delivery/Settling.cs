namespace Telemetry.Influx.Delivery;

/// <summary>
/// Tells from when on the server keeps what it took. InfluxDB answers after its own flush. VictoriaMetrics answers at once and writes to disk some seconds later: killed meanwhile, it
/// has forgotten. So there a place in the log counts only once the same process has run on for <see cref="InfluxOptions.SettleTime"/> behind the answer; when another process is
/// met, all that was not settled must be sent again.
/// </summary>
/// <remarks>One owner. Processes are told apart by the second of their start and their age, which VictoriaMetrics publishes under <c>/metrics</c>; one that is not older than that second
/// is not known yet. A server that publishes neither is taken at its word.</remarks>
internal sealed class Settling(InfluxClient client, InfluxOptions options, TimeProvider time)
{
    // While much is sent, one place is remembered for each such part of the time.
    private const int Steps = 8;

    private readonly Queue<(long Position, long TakenAt)> _taken = new();
    private (long Position, long TakenAt)? _newest;
    private ServerProcess? _server = options.SettleTime == TimeSpan.Zero ? ServerProcess.Other : null;
    private long _answeredAt;
    private long? _silentSince;
    private bool _isDoubtful;
    private bool _hasServedUnknown; // lines went to a process that was not known then

    /// <summary>How long until <see cref="LookAsync"/> may find something; infinite when everything is settled.</summary>
    public TimeSpan DueIn
    {
        get
        {
            if (!_taken.TryPeek(out var oldest)) return Timeout.InfiniteTimeSpan;
            TimeSpan settles = _server is null || _isDoubtful ? TimeSpan.Zero : Rest(oldest.TakenAt, options.SettleTime);
            TimeSpan asks = _silentSince is { } since ? Rest(since, options.FirstRetryDelay) : TimeSpan.Zero;
            return settles > asks ? settles : asks;
        }
    }

    /// <summary>Forgets what was taken; the reader begins again at the cursor.</summary>
    public void Reset()
    {
        _taken.Clear();
        _newest = null;
        _hasServedUnknown = false;
    }

    /// <summary>The server was away: it may be another process now.</summary>
    public void Doubt() => _isDoubtful = true;

    /// <summary>Learns who takes what is sent next, unless that is known. A server that does not say it now is asked again before the next portion.</summary>
    /// <exception cref="ServerRestartedException">Something was taken before it was known by whom.</exception>
    public async ValueTask MeetAsync(CancellationToken cancellation)
    {
        if (_server is null && !(_silentSince is { } since && Rest(since, options.FirstRetryDelay) > TimeSpan.Zero)) await AskAsync(cancellation);
        _hasServedUnknown |= _server is null;
    }

    /// <summary>Notes that everything before a position was taken.</summary>
    /// <returns>True when that is enough; else the position is remembered until it is settled.</returns>
    public bool IsKept(long position)
    {
        if (_server is { ForgetsWhenKilled: false })
        {
            Reset();
            return true;
        }

        long now = time.GetTimestamp();
        if (_taken.Count > 0 && time.GetElapsedTime(_taken.Last().TakenAt, now) < options.SettleTime / Steps)
        {
            _newest = (position, now);
            return false;
        }

        _taken.Enqueue((position, now));
        _newest = null;
        return false;
    }

    /// <summary>Looks whether the server is still the one that took what was sent.</summary>
    /// <returns>The position before which everything is kept; null = as before.</returns>
    /// <exception cref="ServerRestartedException">It is another one: what is not settled must be sent again.</exception>
    public async ValueTask<long?> LookAsync(CancellationToken cancellation)
    {
        long now = time.GetTimestamp(); // before the question: until then at least it has run on
        await AskAsync(cancellation);
        if (_silentSince is not null) return null;

        long? kept = null;
        while (_taken.TryPeek(out var oldest) && (_server is { ForgetsWhenKilled: false } || time.GetElapsedTime(oldest.TakenAt, now) >= options.SettleTime))
        {
            kept = _taken.Dequeue().Position;
            if (_taken.Count > 0 || _newest is not { } newest) continue;
            _taken.Enqueue(newest);
            _newest = null;
        }

        return kept;
    }

    private async ValueTask AskAsync(CancellationToken cancellation)
    {
        TimeSpan passed = time.GetElapsedTime(_answeredAt);
        ServerProcess? answer = await client.AskProcessAsync(cancellation);
        long now = time.GetTimestamp();
        bool isKnown = answer is { IsToldApart: true };
        _silentSince = isKnown ? null : now;
        if (!isKnown) return;

        bool isSame = _server is { } before && answer!.Continues(before, passed);
        (_server, _answeredAt, _isDoubtful) = (answer, now, false);
        if (answer!.ForgetsWhenKilled && !isSame && (_taken.Count > 0 || _hasServedUnknown)) throw new ServerRestartedException();
    }

    private TimeSpan Rest(long since, TimeSpan wait)
    {
        TimeSpan rest = wait - time.GetElapsedTime(since);
        return rest > TimeSpan.Zero ? rest : TimeSpan.Zero;
    }
}

/// <summary>The server may have forgotten what it took: begin again at the cursor.</summary>
internal sealed class ServerRestartedException() : Exception("The server was started anew.");
