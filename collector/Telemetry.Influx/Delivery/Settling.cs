using Microsoft.Extensions.Logging;

namespace Telemetry.Influx.Delivery;

/// <summary>
/// Tells from when on the server keeps what it took. VictoriaMetrics answers at once and writes to disk some seconds later: killed meanwhile, it has forgotten. So there a place in the
/// log counts only once the same process has run on for <see cref="InfluxOptions.SettleTime"/> behind the answer. InfluxDB 1 answers after its own flush, so the place counts at once, but
/// killed twice it may lose even that, until it stands in a data file: <see cref="SinkPlace"/> keeps where that is. When another process is met, all that it may not have must be sent again.
/// </summary>
/// <remarks>One owner. Processes are told apart by the second of their start and their age, which VictoriaMetrics publishes under <c>/metrics</c>; one that is not older than that second
/// is not known yet; or by the nanosecond of it, which InfluxDB 1 publishes under <c>/debug/vars</c>. A server that publishes neither is taken at its word.</remarks>
internal sealed class Settling(InfluxClient client, SinkPlace place, InfluxOptions options, TimeProvider time, ILogger logger)
{
    // While much is sent, one place is remembered for each such part of the time.
    private const int Steps = 8;

    private readonly Queue<(long Position, long TakenAt)> _taken = new();
    private (long Position, long TakenAt)? _newest;
    private ServerProcess? _server = options.SettleTime == TimeSpan.Zero ? ServerProcess.Other : null;
    private long _answeredAt; // when it last said who it is
    private readonly RetryPolicy _questions = new(options);
    private (long Begun, long Since, TimeSpan Pause, bool IsTold)? _silence;
    private bool _isDoubtful;
    private bool _hasServedUnknown; // lines went to a process that was not known then

    /// <summary>How long until <see cref="LookAsync"/> may find something; infinite when everything is settled.</summary>
    public TimeSpan DueIn
    {
        get
        {
            bool isWaiting = _taken.TryPeek(out var oldest);
            if (options.SettleTime == TimeSpan.Zero || (!isWaiting && !place.IsToMeet && place.Flushed == place.Answered)) return Timeout.InfiniteTimeSpan;
            TimeSpan settles = _server is null || _isDoubtful ? TimeSpan.Zero : Rest(isWaiting ? oldest.TakenAt : _answeredAt, options.SettleTime);
            return settles > AsksIn ? settles : AsksIn;
        }
    }

    private TimeSpan AsksIn => _silence is { } silence ? Rest(silence.Since, silence.Pause) : TimeSpan.Zero;

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
        if (_server is null && AsksIn == TimeSpan.Zero) await AskAsync(cancellation);
        _hasServedUnknown |= _server is null;
    }

    /// <summary>Notes that everything before a position was taken.</summary>
    /// <returns>True when that is enough; else the position is remembered until it is settled.</returns>
    public bool IsKept(long position)
    {
        if (_server is not (null or { Kind: ServerKind.VictoriaMetrics }))
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
        (long now, long answered) = (time.GetTimestamp(), place.Answered); // before the question: until then at least it has run on
        await AskAsync(cancellation);
        if (_silence is not null) return null;
        place.Flush(answered, _server!.Caches);

        long? kept = null;
        while (_taken.TryPeek(out var oldest) && (_server.Kind != ServerKind.VictoriaMetrics || time.GetElapsedTime(oldest.TakenAt, now) >= options.SettleTime))
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
        if (answer is not { IsToldApart: true })
        {
            (long begun, bool isTold) = _silence is { } silence ? (silence.Begun, silence.IsTold) : (now, false);
            bool isLong = time.GetElapsedTime(begun, now) >= options.SettleTime;
            if (isLong && !isTold) Log.ServerUnknown(logger, place.Answered);
            _silence = (begun, now, _questions.AfterFailure(retryAfter: null), isLong);
            return;
        }

        _questions.Success();
        bool isSame = place.IsOf(answer) || (_server is { } before && answer.Continues(before, passed));
        (_server, _answeredAt, _silence, _isDoubtful) = (answer, now, null, false);
        bool hasAll = place.Meet(answer) && (isSame || answer.Kind == ServerKind.Other || (_taken.Count == 0 && !_hasServedUnknown));
        if (!hasAll) throw new ServerRestartedException();
    }

    private TimeSpan Rest(long since, TimeSpan wait)
    {
        TimeSpan rest = wait - time.GetElapsedTime(since);
        return rest > TimeSpan.Zero ? rest : TimeSpan.Zero;
    }
}

/// <summary>The server may have forgotten what it took: begin again at the cursor.</summary>
internal sealed class ServerRestartedException() : Exception("The server was started anew.");
