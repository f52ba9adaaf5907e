using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Telemetry.Influx;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Series;

/// <summary>Writes releases to InfluxDB as they are given out. Whoever asked waits for nothing: they have their answer.</summary>
/// <remarks>What waits is in memory only. A release that was lost with the process, or found no room, is asked for again: over the same data the gate gives the same answer.</remarks>
/// <param name="derived">Where releases go; nobody else calls it.</param>
/// <param name="time">Stamps a release that was asked for without a range.</param>
/// <param name="logger">Events 1842 and 1843.</param>
internal sealed class ReleaseSink(InfluxDerived derived, TimeProvider time, ILogger<ReleaseSink> logger)
{
    /// <summary>Releases that wait for the server at most; each has as many rows as groups that passed the gate.</summary>
    public const int MostWaiting = 256;

    private readonly Channel<(ReleaseRequest Question, ReleaseTable Release)> _waiting = Channel.CreateBounded<(ReleaseRequest, ReleaseTable)>(MostWaiting);

    /// <summary>Takes a release to be written. Thread-safe; never waits.</summary>
    public void Add(ReleaseRequest question, ReleaseTable release)
    {
        if (!_waiting.Writer.TryWrite((question, release))) ReleaseSinkEvents.NoRoom(logger, MostWaiting);
    }

    /// <summary>Writes until cancelled, each release until the server has it.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            await foreach ((ReleaseRequest question, ReleaseTable release) in _waiting.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
                await WriteAsync(question, release, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // What waits is asked for again.
        }
    }

    private async Task WriteAsync(ReleaseRequest question, ReleaseTable release, CancellationToken cancellation)
    {
        long stamp = question.FromUnixMs > 0 ? question.FromUnixMs : question.ToUnixMs > 0 ? question.ToUnixMs : time.GetUtcNow().ToUnixTimeMilliseconds();
        try
        {
            await derived.WriteReleaseAsync(question, release, stamp, cancellation).ConfigureAwait(false);
        }
        catch (IOException fault)
        {
            ReleaseSinkEvents.NotSetAside(logger, fault.Message); // lines that the server refused, and the disk then did
        }
    }
}

internal static partial class ReleaseSinkEvents
{
    [LoggerMessage(1842, LogLevel.Warning, "A release was given out but is not written to InfluxDB: {Waiting} wait for the server already. Ask for it again when the server is back.")]
    public static partial void NoRoom(ILogger logger, int waiting);

    [LoggerMessage(1843, LogLevel.Warning, "Rows of a release that InfluxDB refused could not be set aside. {Fault}")]
    public static partial void NotSetAside(ILogger logger, string fault);
}
