using Microsoft.Extensions.Logging;

namespace Telemetry.Log;

/// <summary>Log events of this room, ids 1000-1099.</summary>
internal static partial class LogEvents
{
    [LoggerMessage(1000, LogLevel.Information, "Log opened: {Segments} segments, {Records} records in the last one, end at {Position}.")]
    public static partial void Opened(ILogger logger, int segments, long records, long position);

    [LoggerMessage(1001, LogLevel.Warning, "Log tail holds {DamagedBytes} bytes that are no intact record (torn by a power cut or rotted); they are passed over and writing goes on in a new segment.")]
    public static partial void TailDamaged(ILogger logger, long damagedBytes);

    [LoggerMessage(1002, LogLevel.Error, "Segment {FileName} has no intact header; it is kept and passed over.")]
    public static partial void SegmentUnreadable(ILogger logger, string fileName);

    [LoggerMessage(1003, LogLevel.Error, "The disk refuses writes ({Reason}). Nothing is acknowledged until it takes them again; trying every {RetryMs} ms.")]
    public static partial void WritesFailing(ILogger logger, string reason, double retryMs);

    [LoggerMessage(1004, LogLevel.Information, "The disk takes writes again after {Seconds:F1} s; every waiting record is flushed.")]
    public static partial void WritesResumed(ILogger logger, double seconds);

    [LoggerMessage(1005, LogLevel.Error, "Reader passed over {DamagedBytes} damaged bytes in the segment at {BasePosition}.")]
    public static partial void ReaderMetDamage(ILogger logger, long damagedBytes, long basePosition);

    [LoggerMessage(1006, LogLevel.Warning, "Cursor {Name} has no intact slot and begins at the start of the log.")]
    public static partial void CursorReset(ILogger logger, string name);

    [LoggerMessage(1007, LogLevel.Warning, "Index of the segment at {BasePosition} could not be kept ({Reason}); it is made again when it is needed.")]
    public static partial void IndexNotKept(ILogger logger, long basePosition, string reason);

    [LoggerMessage(1008, LogLevel.Warning, "Unused space of the segment at {BasePosition} could not be returned ({Reason}).")]
    public static partial void SpaceNotReturned(ILogger logger, long basePosition, string reason);

    [LoggerMessage(1021, LogLevel.Information, "Compacted: {Segments} segments were written anew and {Merged} merged into them; {BytesBefore} bytes became {BytesAfter}.")]
    public static partial void Compacted(ILogger logger, int segments, int merged, long bytesBefore, long bytesAfter);

    [LoggerMessage(1023, LogLevel.Error, "The segment at {BasePosition} is neither compacted nor merged: {Fault}")]
    public static partial void CompactionRefused(ILogger logger, long basePosition, string fault);

    [LoggerMessage(1022, LogLevel.Information, "Retention took {Batches} batches and {DeadLetters} dead letters; {Segments} segments were written anew.")]
    public static partial void Expired(ILogger logger, long batches, long deadLetters, int segments);

    [LoggerMessage(1020, LogLevel.Information, "Erased {Batches} batches and {DeadLetters} dead letters; {Segments} segments were written anew.")]
    public static partial void Erased(ILogger logger, long batches, long deadLetters, int segments);
}
