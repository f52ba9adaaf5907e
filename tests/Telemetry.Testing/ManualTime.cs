namespace Telemetry.Testing;

/// <summary>Time that stands still until the test moves it.</summary>
/// <param name="unixMs">When it begins, in ms since 1970.</param>
public sealed class ManualTime(long unixMs = 0) : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private TaskCompletionSource _timerAdded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TimeSpan _now = TimeSpan.FromMilliseconds(unixMs);

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        lock (_gate) return _now.Ticks;
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate) return DateTimeOffset.UnixEpoch + _now;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ManualTimer timer = new(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Waits until somebody asked to be woken after <paramref name="delay"/>.</summary>
    public Task TimerAsync(TimeSpan delay) => TimerAsync(asked => asked == delay);

    /// <summary>Waits until somebody asked to be woken at all.</summary>
    public Task AnyTimerAsync() => TimerAsync(_ => true);

    /// <summary>Waits until somebody asked to be woken after such a delay.</summary>
    public async Task TimerAsync(Predicate<TimeSpan> isAwaited)
    {
        while (true)
        {
            Task added;
            lock (_gate)
            {
                if (_timers.Exists(timer => isAwaited(timer.Delay))) return;
                added = _timerAdded.Task;
            }

            await added.WaitAsync(TimeSpan.FromSeconds(100));
        }
    }

    /// <summary>Moves time on and fires what is due.</summary>
    public void Advance(TimeSpan by)
    {
        List<ManualTimer> due;
        lock (_gate)
        {
            _now += by;
            due = _timers.FindAll(timer => timer.Due <= _now);
            _timers.RemoveAll(timer => timer.Due <= _now);
        }

        foreach (ManualTimer timer in due) timer.Fire();
    }

    private sealed class ManualTimer(ManualTime time, TimerCallback callback, object? state) : ITimer
    {
        public TimeSpan Delay { get; private set; }

        public TimeSpan Due { get; private set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._gate)
            {
                time._timers.Remove(this);
                if (dueTime == Timeout.InfiniteTimeSpan) return true;
                Delay = dueTime;
                Due = time._now + dueTime;
                time._timers.Add(this);
                time._timerAdded.SetResult();
                time._timerAdded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            return true;
        }

        public void Dispose()
        {
            lock (time._gate) time._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
