namespace Telemetry.Log;

/// <summary>One durable record, as a reader sees it.</summary>
/// <param name="Position">Where it begins; grows along the log and never changes.</param>
/// <param name="NextPosition">Where the reader goes on; what a consumer keeps as its cursor once it is done with this record.</param>
/// <param name="Kind">What the payload is. A consumer passes over kinds it does not know.</param>
/// <param name="Reason">With <see cref="LogRecordKind.DeadLetter"/>: the numeric <c>RefusalReason</c>; else 0.</param>
/// <param name="DeviceKey">Whose it is.</param>
/// <param name="ReceivedUnixMs">The collector's clock when it was taken, in ms since 1970.</param>
/// <param name="Payload">The bytes, verbatim. Belongs to the reader and holds until its next call.</param>
public readonly record struct LogRecord(
    long Position, long NextPosition, LogRecordKind Kind, byte Reason, uint DeviceKey, long ReceivedUnixMs, ReadOnlyMemory<byte> Payload);

/// <summary>What a record holds. Values are persisted and only grow.</summary>
public enum LogRecordKind : byte
{
    /// <summary>A sealed batch, verbatim.</summary>
    Batch = 1,

    /// <summary>Bytes that could not be taken as a batch, verbatim, with their reason.</summary>
    DeadLetter = 2,

    /// <summary>A dead letter was replayed and is settled: i64 its position, u128 its key, little endian.</summary>
    DeadLetterSettled = 3,

    /// <summary>Batches of a device are gone by erasure or retention: u32 epoch, then (u64 first, u64 last) seqs, little endian. They came once and are not missing.</summary>
    SeqsDropped = 4,

    /// <summary>Nothing: a segment was begun before the last one was full, so that it may be rewritten.</summary>
    SegmentBegun = 5,

    /// <summary>In a packed segment: records of one device, verbatim. No reader of the log meets it.</summary>
    VerbatimRun = 32,

    /// <summary>In a packed segment: batches of one device as long columns. No reader of the log meets it. (33 and 34 were some before the first release.)</summary>
    LongRun = 35,

    /// <summary>A record whose payload was erased. Readers pass over it.</summary>
    Erased = 255,
}

internal static class LogRecordKinds
{
    /// <summary>True for what a packed segment holds in place of records.</summary>
    public static bool IsRun(this LogRecordKind kind) => kind is LogRecordKind.VerbatimRun or LogRecordKind.LongRun;
}
