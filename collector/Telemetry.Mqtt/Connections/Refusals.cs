using Telemetry.Mqtt.Packets;
using Telemetry.Wire.Ingest;

namespace Telemetry.Mqtt.Connections;

/// <summary>What ingest says, in the words of MQTT 5.0 (proto/WIRE.md, "Refusals").</summary>
internal static class Refusals
{
    private static readonly byte[][] Texts = [.. Enumerable.Range(0, 64).Select(TextOf)];

    /// <summary>PUBACK or PUBREC reason code of a ticket: a dead letter is kept, so it succeeds and the reason string tells the rest.</summary>
    public static ReasonCode CodeOf(in IngestTicket ticket) => ticket.Outcome != IngestOutcome.Refused ? ReasonCode.Success : ticket.Reason switch
    {
        RefusalReason.Overloaded or RefusalReason.StorageUnavailable => ReasonCode.QuotaExceeded,
        RefusalReason.NotAuthorized => ReasonCode.NotAuthorized,
        RefusalReason.TooLarge => ReasonCode.PayloadFormatInvalid,
        _ => ReasonCode.ImplementationSpecificError,
    };

    /// <summary>Reason string, UTF-8; empty for <see cref="RefusalReason.None"/>.</summary>
    public static ReadOnlySpan<byte> Text(RefusalReason reason) => Texts[(int)reason & 63];

    private static byte[] TextOf(int value) => (RefusalReason)value switch
    {
        RefusalReason.Malformed => "dead letter: malformed"u8.ToArray(),
        RefusalReason.ChecksumMismatch => "dead letter: checksum mismatch"u8.ToArray(),
        RefusalReason.UnknownProfile => "dead letter: unknown profile"u8.ToArray(),
        RefusalReason.LimitExceeded => "dead letter: limit exceeded"u8.ToArray(),
        RefusalReason.UnsupportedVersion => "dead letter: unsupported version"u8.ToArray(),
        RefusalReason.Overloaded => "refused: overloaded, come back later"u8.ToArray(),
        RefusalReason.TooLarge => "refused: too large"u8.ToArray(),
        RefusalReason.ErasedEpoch => "refused: erased epoch"u8.ToArray(),
        RefusalReason.StorageUnavailable => "refused: storage unavailable, come back later"u8.ToArray(),
        RefusalReason.NotAuthorized => "refused: not authorized"u8.ToArray(),
        _ => [],
    };
}
