using System.Threading.Tasks.Sources;

namespace Telemetry.Log;

/// <summary>One wait for a flush; used again once its owner has read the result, so a wait allocates nothing.</summary>
internal sealed class DurableWaiter(DurableWaiterPool pool) : IValueTaskSource<bool>
{
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;
    private CancellationToken _cancellation;
    private int _isSettled;
    private bool _isCanceled;

    public ValueTask<bool> Task => new(this, _core.Version);

    /// <summary>To be called once, before <see cref="Task"/> is handed out.</summary>
    public void CancelWith(CancellationToken cancellation)
    {
        _cancellation = cancellation;
        _registration = cancellation.UnsafeRegister(static waiter => ((DurableWaiter)waiter!).Cancel(), this);
    }

    /// <summary>Settles the wait, unless its cancellation came first.</summary>
    public void Complete(bool isDurable)
    {
        if (Interlocked.Exchange(ref _isSettled, 1) == 0) _core.SetResult(isDurable);
    }

    public bool GetResult(short token)
    {
        // Returns only once a cancellation callback under way is over, so that none meets the next use.
        _registration.Dispose();
        bool result = _core.GetResult(token);

        // A canceled waiter still stands in the log's list and is left to the collector.
        if (!_isCanceled)
        {
            _core.Reset();
            _registration = default;
            _cancellation = default;
            _isSettled = 0;
            pool.Return(this);
        }

        return result;
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private void Cancel()
    {
        if (Interlocked.Exchange(ref _isSettled, 1) != 0) return;
        _isCanceled = true;
        _core.SetException(new OperationCanceledException(_cancellation));
    }
}

/// <summary>Keeps waiters for further use, at most <see cref="MaxKept"/>.</summary>
internal sealed class DurableWaiterPool
{
    private const int MaxKept = 4096;
    private readonly Lock _lock = new();
    private readonly Stack<DurableWaiter> _kept = new();

    public DurableWaiter Rent()
    {
        lock (_lock) return _kept.TryPop(out DurableWaiter? waiter) ? waiter : new DurableWaiter(this);
    }

    public void Return(DurableWaiter waiter)
    {
        lock (_lock)
        {
            if (_kept.Count < MaxKept) _kept.Push(waiter);
        }
    }
}
