namespace Telemetry.Mqtt.Tests;

/// <summary>A clock that stands still until a test moves it; timers run inside <see cref="Advance"/>.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddTicks(GetTimestamp());

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ManualTimer timer = new(this, () => callback(state));
        lock (_gate) _timers.Add(timer);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves on in steps of at most 100 ms, so that periodic timers run as often as they would.</summary>
    public void Advance(TimeSpan by)
    {
        for (long left = by.Ticks; left > 0;)
        {
            long step = Math.Min(left, TimeSpan.TicksPerMillisecond * 100);
            long now = Interlocked.Add(ref _ticks, step);
            left -= step;
            ManualTimer[] due;
            lock (_gate) due = [.. _timers.Where(timer => timer.TryTake(now))];
            foreach (ManualTimer timer in due) timer.Run();
        }
    }

    private sealed class ManualTimer(ManualTime owner, Action run) : ITimer
    {
        private long _dueAt = long.MaxValue;
        private long _period;

        public void Run() => run();

        public bool TryTake(long now)
        {
            if (now < _dueAt) return false;
            _dueAt = _period > 0 ? now + _period : long.MaxValue;
            return true;
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _dueAt = dueTime == Timeout.InfiniteTimeSpan ? long.MaxValue : owner.GetTimestamp() + dueTime.Ticks;
            _period = period == Timeout.InfiniteTimeSpan ? 0 : period.Ticks;
            return true;
        }

        public void Dispose()
        {
            lock (owner._gate) owner._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
