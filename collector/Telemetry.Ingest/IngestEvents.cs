using Microsoft.Extensions.Logging;

namespace Telemetry.Ingest;

/// <summary>Log events of this room, ids 1100-1199.</summary>
internal static partial class IngestEvents
{
    [LoggerMessage(1100, LogLevel.Information, "Sequences known: {Epochs} epochs, from a checkpoint of {FromCheckpoint} and {Records} log records behind it.")]
    public static partial void Rebuilt(ILogger logger, long epochs, long fromCheckpoint, long records);

    [LoggerMessage(1101, LogLevel.Warning, "The checkpoint of sequences cannot be used ({Reason}); the whole log is read instead.")]
    public static partial void CheckpointUnusable(ILogger logger, string reason);

    [LoggerMessage(1102, LogLevel.Warning, "The checkpoint of sequences could not be written ({Reason}); the next start reads more of the log.")]
    public static partial void CheckpointFailed(ILogger logger, string reason);

    [LoggerMessage(1103, LogLevel.Information, "Dead letters replayed: {Replayed} stored, {Duplicates} known already, {Remaining} still not understood.")]
    public static partial void Replayed(ILogger logger, long replayed, long duplicates, long remaining);
}
