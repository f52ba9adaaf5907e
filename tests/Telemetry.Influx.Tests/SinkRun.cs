namespace Telemetry.Influx.Tests;

/// <summary>A sink that runs while the test looks on.</summary>
internal sealed class SinkRun : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _run;

    public SinkRun(TestLog log, InfluxOptions options, TimeProvider? time = null, HttpMessageHandler? handler = null)
    {
        if (options.RefusedFolder.Length == 0) options.RefusedFolder = log.RefusedFolder;
        Sink = new InfluxSink(log.Log, log, options, time, logger: null, handler);
        _run = Sink.RunAsync(_stop.Token);
    }

    public InfluxSink Sink { get; }

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
