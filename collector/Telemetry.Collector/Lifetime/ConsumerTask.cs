namespace Telemetry.Collector.Lifetime;

/// <summary>One consumer of the log and the task that runs it. The host owns the task and awaits it at stop.</summary>
/// <param name="name">As in metrics and <c>/v1/status</c>.</param>
/// <param name="position">Log position up to which its work is kept.</param>
/// <param name="runAsync">Runs until cancelled.</param>
/// <param name="trouble">Why it gets no further now though it goes on trying; null, or an answer of null, when nothing is wrong.</param>
internal sealed class ConsumerTask(string name, Func<long> position, Func<CancellationToken, Task> runAsync, Func<string?>? trouble = null)
{
    private Task _task = Task.CompletedTask;

    public string Name { get; } = name;

    public long Position => position();

    /// <summary>Why it gets no further now; it goes on trying.</summary>
    public string? Trouble => trouble?.Invoke();

    /// <summary>What ended it, if it ended by itself.</summary>
    public Exception? Fault => _task.Exception?.InnerException;

    public void Start(CancellationToken cancellation) => _task = Task.Run(() => runAsync(cancellation), CancellationToken.None);

    /// <summary>Waits for its end; a fault was told by readiness already and does not stop the others from ending.</summary>
    public Task EndAsync() => _task.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
