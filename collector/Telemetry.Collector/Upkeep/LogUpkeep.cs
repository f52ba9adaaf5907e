using Microsoft.Extensions.Logging;
using Telemetry.Collector.Options;
using Telemetry.Log;
using Telemetry.Registry;

namespace Telemetry.Collector.Upkeep;

/// <summary>What the log needs behind everybody's back: retention first, then compaction of what is left and old enough. A small fleet takes months to fill a segment, and only
/// what is full is compacted: so a segment is ended once it is as old as what is to be compacted; merging makes few of the many.</summary>
/// <remarks>One pass at a time, beside ingest and never in its way; a pass that the disk refuses is tried again at the next one.</remarks>
internal sealed class LogUpkeep(BlockLog log, DeviceRegistry registry, CollectorOptions options, TimeProvider time, ILogger<LogUpkeep> logger)
{
    /// <summary>Between two passes. A pass without work reads the list of segments only.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan LeastSealAge = TimeSpan.FromHours(1);

    private readonly RetentionPolicy _retention = new(options.Retention, registry);

    /// <summary>Runs until cancelled or the log closes.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                await PassAsync(cancellation).ConfigureAwait(false);
            }
            catch (Exception fault) when (fault is IOException or InvalidDataException)
            {
                UpkeepEvents.PassFailed(logger, fault.Message);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(Pause, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>One pass.</summary>
    /// <exception cref="IOException">The disk refuses; what is done stays done.</exception>
    public async Task PassAsync(CancellationToken cancellation)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (options.Retention.Count > 0) await log.ExpireAsync(device => _retention.KeptSince(device, now), cancellation).ConfigureAwait(false);
        await log.SealAsync(now - (options.KeepVerbatim > LeastSealAge ? options.KeepVerbatim : LeastSealAge), cancellation).ConfigureAwait(false);
        await log.CompactAsync(now - options.KeepVerbatim, cancellation).ConfigureAwait(false);
    }
}

internal static partial class UpkeepEvents
{
    [LoggerMessage(1830, LogLevel.Error, "A pass over the log (retention, compaction) stopped and will be tried again; nothing is lost. {Fault}")]
    public static partial void PassFailed(ILogger logger, string fault);
}
