namespace Telemetry.Grpc;

/// <summary>The status codes of gRPC; numbers are the protocol's (gRPC, "Status codes and their use").</summary>
public enum GrpcStatusCode
{
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

/// <summary>How a call ended: what stands in its trailers.</summary>
/// <param name="Code">Numeric <c>grpc-status</c>.</param>
/// <param name="Message">For people; sent percent-encoded as <c>grpc-message</c>. Never a payload, secret or token.</param>
/// <param name="Details">A serialized google.rpc.Status for <c>grpc-status-details-bin</c>; empty = none.</param>
public readonly record struct GrpcStatus(GrpcStatusCode Code, string Message = "", ReadOnlyMemory<byte> Details = default)
{
    /// <summary>The call did what it was asked.</summary>
    public static GrpcStatus Ok { get; } = new(GrpcStatusCode.Ok);
}

/// <summary>Ends a call with a status other than OK. Thrown by handlers and by the protocol itself; caught in one place, <see cref="GrpcDispatcher"/>.</summary>
public sealed class GrpcException(GrpcStatus status) : Exception(status.Message)
{
    public GrpcException(GrpcStatusCode code, string message)
        : this(new GrpcStatus(code, message))
    {
    }

    /// <summary>What the caller reads.</summary>
    public GrpcStatus Status { get; } = status;
}
