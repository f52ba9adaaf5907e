using System.Buffers;

namespace Telemetry.Wire.Ingest;

/// <summary>
/// The narrow waist: the only thing an endpoint calls. <see cref="Submit"/> admits, de-duplicates and appends without waiting;
/// an endpoint acknowledges a batch only after <see cref="WaitDurableAsync"/> for its ticket's position returned true.
/// Positions grow, so one wait for the last of many tickets settles them all.
/// </summary>
public interface IIngest
{
    /// <summary>Checks credentials: <paramref name="username"/> is "brand/device".</summary>
    /// <returns>The session to submit with, or null when the credentials are wrong (never which part).</returns>
    ValueTask<IngestSession?> AuthenticateAsync(string username, ReadOnlyMemory<byte> secret, string endpoint, CancellationToken cancellation);

    /// <summary>A session of another device of the same brand, for a hub that relays its batches.</summary>
    /// <returns>Null when <paramref name="hub"/> may not relay for it or the device is unknown.</returns>
    IngestSession? Relay(IngestSession hub, string username);

    /// <summary>A session of a device whose identity somebody else has checked whom the operator trusts: a broker that lets each device publish under its own topics only.</summary>
    /// <returns>Null when the device is unknown.</returns>
    IngestSession? FindDevice(string username, string endpoint);

    /// <summary>Takes one sealed batch, verbatim. Copies it once (into the log's buffer) and returns at once; never throws on a peer's bytes.</summary>
    IngestTicket Submit(IngestSession session, in ReadOnlySequence<byte> batch);

    /// <summary>Waits until everything up to <paramref name="position"/> is flushed to disk and readable.</summary>
    /// <returns>False when the collector stops before it is durable: then nothing may be acknowledged.</returns>
    ValueTask<bool> WaitDurableAsync(long position, CancellationToken cancellation);

    /// <summary>Over how many milliseconds a device is to spread its way back after a lost connection, 2,000 to a day (<see cref="FleetSpread"/>). Each Command says it too.</summary>
    int ReconnectWindowMs { get; }

    /// <summary>The Command a device should hold now, serialized.</summary>
    /// <param name="session">Whose.</param>
    /// <param name="maxBytes">What it reads; <see cref="WireLimits.MaxUntoldCommandBytes"/> where it could not say. What there is no room for is left out, resend ranges first, and
    /// is not confirmed; time, erasure fence, windows and batch length (less than 60 bytes) always stand. Never more than <see cref="WireLimits.MaxCommandBytes"/> either.</param>
    ReadOnlyMemory<byte> CurrentCommand(IngestSession session, int maxBytes = WireLimits.MaxCommandBytes);

    /// <summary>The device itself acknowledged a Command: it holds what the Command orders.</summary>
    /// <param name="session">The device, not a hub or a broker between.</param>
    /// <param name="command">The bytes, as <see cref="CurrentCommand"/> gave them.</param>
    void CommandAcknowledged(IngestSession session, ReadOnlySpan<byte> command);

    /// <summary>A birth or last-will message of the device (topic <c>life</c>).</summary>
    void ReportLife(IngestSession session, in ReadOnlySequence<byte> message);

    /// <summary>Registers <paramref name="commandChanged"/> to run when the session's Command changes; dispose to stop. The callback must not block.</summary>
    IDisposable OnCommandChanged(IngestSession session, Action commandChanged);
}

/// <summary>An authenticated device on one endpoint.</summary>
/// <param name="DeviceKey">The collector's short name of the device, from 1, never reused.</param>
/// <param name="BrandKey">The collector's short name of the brand; admission is fair between brands.</param>
/// <param name="Brand">Brand id, as in topics.</param>
/// <param name="Device">Device id, as in topics.</param>
/// <param name="IsHub">May relay batches of its brand's other devices.</param>
/// <param name="Endpoint">"mqtt", "grpc" or "broker", for counts.</param>
public sealed record IngestSession(uint DeviceKey, uint BrandKey, string Brand, string Device, bool IsHub, string Endpoint);

/// <summary>What <see cref="IIngest.Submit"/> made of one batch.</summary>
/// <param name="Outcome">What will be true once <paramref name="Position"/> is durable; Refused holds at once and has no position.</param>
/// <param name="Reason">Why, for DeadLettered and Refused.</param>
/// <param name="Position">Log position to wait for before acknowledging.</param>
/// <param name="RetryAfterMs">With Refused: when to come back; 0 = never with these bytes.</param>
public readonly record struct IngestTicket(IngestOutcome Outcome, RefusalReason Reason, long Position, int RetryAfterMs);

/// <summary>The outcomes of promise 2; values are those of telemetry.v1.Outcome and never change.</summary>
public enum IngestOutcome
{
    Stored = 1,
    Duplicate = 2,
    DeadLettered = 3,
    Refused = 4,
}

/// <summary>Why a batch is not in the series (proto/WIRE.md, "Refusals"). Values are persisted with dead letters and only grow.</summary>
public enum RefusalReason
{
    None = 0,

    // Dead-lettered: kept verbatim, replayable after a fix.
    Malformed = 1,
    ChecksumMismatch = 2,
    UnknownProfile = 3,
    LimitExceeded = 4,
    UnsupportedVersion = 5,

    // Refused: not kept.
    Overloaded = 32,
    TooLarge = 33,
    ErasedEpoch = 34,
    StorageUnavailable = 35,
    NotAuthorized = 36,
}
