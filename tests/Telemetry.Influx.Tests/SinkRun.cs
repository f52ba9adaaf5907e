using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Telemetry.Influx.Tests;

/// <summary>A sink that runs while the test looks on.</summary>
internal sealed class SinkRun : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _run;

    public SinkRun(TestLog log, InfluxOptions options, TimeProvider? time = null, HttpMessageHandler? handler = null)
    {
        if (options.RefusedFolder.Length == 0) options.RefusedFolder = log.RefusedFolder;
        Sink = new InfluxSink(log.Log, log, options, time, Events, handler);
        _run = Sink.RunAsync(_stop.Token);
    }

    public InfluxSink Sink { get; }

    /// <summary>What the sink logged.</summary>
    public EventLog Events { get; } = new();

    /// <summary>Stops as the host does: what is durable is still delivered.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _run.WaitAsync(TimeSpan.FromSeconds(100));
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Sink.Dispose();
        _stop.Dispose();
    }
}

/// <summary>Ids of the events a sink logged.</summary>
internal sealed class EventLog : ILogger<InfluxSink>
{
    private readonly ConcurrentQueue<int> _ids = new();

    public int Count(int id) => _ids.Count(logged => logged == id);

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => _ids.Enqueue(eventId.Id);
}
