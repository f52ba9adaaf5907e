using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Telemetry.Grpc.Rpc;
using Telemetry.Wire.Ingest;

namespace Telemetry.Grpc.Batches;

/// <summary>Refusals in gRPC's words: names for per-batch results, statuses for calls that came to nothing.</summary>
internal static class Refusals
{
    /// <summary>Name of a reason as proto/WIRE.md writes it; empty for None.</summary>
    public static ReadOnlySpan<byte> NameUtf8(RefusalReason reason) => reason switch
    {
        RefusalReason.None => [],
        RefusalReason.Malformed => "malformed"u8,
        RefusalReason.ChecksumMismatch => "checksum_mismatch"u8,
        RefusalReason.UnknownProfile => "unknown_profile"u8,
        RefusalReason.LimitExceeded => "limit_exceeded"u8,
        RefusalReason.UnsupportedVersion => "unsupported_version"u8,
        RefusalReason.Overloaded => "overloaded"u8,
        RefusalReason.TooLarge => "too_large"u8,
        RefusalReason.ErasedEpoch => "erased_epoch"u8,
        RefusalReason.StorageUnavailable => "storage_unavailable"u8,
        RefusalReason.NotAuthorized => "not_authorized"u8,
        _ => "other"u8,
    };

    /// <summary>The status of a unary call of which no batch was kept. The first batch speaks for all; with per-batch outcomes that differ the call answers OK and lists them.</summary>
    public static GrpcStatus ToStatus(in IngestTicket refused)
    {
        const string First = "No batch was kept; batch 0: ";
        return refused.Reason switch
        {
            RefusalReason.Overloaded => WithRetryInfo(GrpcStatusCode.ResourceExhausted, First + "the collector is overloaded, come back after the delay given.", refused.RetryAfterMs),
            RefusalReason.StorageUnavailable => WithRetryInfo(GrpcStatusCode.Unavailable, First + "the collector cannot write to its storage, come back after the delay given.", refused.RetryAfterMs),
            RefusalReason.NotAuthorized => new GrpcStatus(GrpcStatusCode.PermissionDenied, First + "the caller may not send for this device."),
            RefusalReason.ErasedEpoch => new GrpcStatus(GrpcStatusCode.FailedPrecondition, First + "its epoch was erased; begin a new epoch, as the Command asks."),
            RefusalReason.TooLarge => new GrpcStatus(GrpcStatusCode.InvalidArgument, First + $"it is larger than {Wire.WireLimits.MaxBatchBytes} bytes."),
            _ => new GrpcStatus(GrpcStatusCode.InvalidArgument, First + $"refused as {refused.Reason}."),
        };
    }

    private static GrpcStatus WithRetryInfo(GrpcStatusCode code, string message, int retryAfterMs)
    {
        if (retryAfterMs <= 0) return new GrpcStatus(code, message);
        RetryInfo retry = new() { RetryDelay = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(retryAfterMs)) };
        Status details = new() { Code = (int)code, Message = message, Details = { Any.Pack(retry) } };
        return new GrpcStatus(code, message, details.ToByteArray());
    }
}
