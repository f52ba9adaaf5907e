namespace Telemetry.Log;

/// <summary>Whether the log takes and flushes records, for readiness.</summary>
/// <param name="IsWriting">False while the disk refuses writes: nothing is acknowledged, reads go on, the log tries again by itself.</param>
/// <param name="Reason">What the disk said; empty while all is well.</param>
/// <param name="Since">Timestamp (of the log's TimeProvider) of the last change.</param>
public sealed record LogHealth(bool IsWriting, string Reason, DateTimeOffset Since);

/// <summary>What opening a log found.</summary>
/// <param name="Segments">Segment files.</param>
/// <param name="TailRecords">Records read in the last segment.</param>
/// <param name="TailBytesScanned">Bytes read to find the end.</param>
/// <param name="DamagedBytes">Bytes of the tail that hold no intact record: torn by a power cut or rotted. They stay where they are and are passed over.</param>
/// <param name="UnreadableSegments">Files whose header is damaged in both copies. They stay and are passed over.</param>
public sealed record LogRecoveryReport(int Segments, long TailRecords, long TailBytesScanned, long DamagedBytes, IReadOnlyList<string> UnreadableSegments);
