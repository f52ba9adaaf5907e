using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest;

/// <summary>Batches by outcome since the process started, taken at one instant: <see cref="Received"/> is always the sum of the four others.</summary>
public readonly record struct IngestCounts(long Received, long Stored, long Duplicate, long DeadLettered, long Refused, long StoredBytes, long Replayed)
{
    /// <summary>Promise 2.</summary>
    public bool IsConserved => Received == Stored + Duplicate + DeadLettered + Refused;

    internal IngestCounts Plus(in IngestCounts other) => new(
        Received + other.Received, Stored + other.Stored, Duplicate + other.Duplicate, DeadLettered + other.DeadLettered,
        Refused + other.Refused, StoredBytes + other.StoredBytes, Replayed + other.Replayed);

    internal IngestCounts With(IngestOutcome outcome, int bytes) => outcome switch
    {
        IngestOutcome.Stored => this with { Received = Received + 1, Stored = Stored + 1, StoredBytes = StoredBytes + bytes },
        IngestOutcome.Duplicate => this with { Received = Received + 1, Duplicate = Duplicate + 1 },
        IngestOutcome.DeadLettered => this with { Received = Received + 1, DeadLettered = DeadLettered + 1 },
        _ => this with { Received = Received + 1, Refused = Refused + 1 },
    };
}
