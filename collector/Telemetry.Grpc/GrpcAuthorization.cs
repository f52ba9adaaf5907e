using System.Net.Http.Headers;

namespace Telemetry.Grpc;

/// <summary>Decides whether a call may run at all: OK, or the status that refuses it (UNAUTHENTICATED, PERMISSION_DENIED).</summary>
public delegate ValueTask<GrpcStatus> GrpcAuthorization(GrpcCall call);

/// <summary>The ways a method can be guarded.</summary>
public static class GrpcAuthorizations
{
    /// <summary>Anybody: for health and reflection, which tell nothing that the public contract does not.</summary>
    public static GrpcAuthorization Anybody { get; } = static _ => ValueTask.FromResult(GrpcStatus.Ok);

    /// <summary><c>authorization: Bearer TOKEN</c>.</summary>
    /// <param name="isValid">Compares in constant time; is called with the text after "Bearer ".</param>
    public static GrpcAuthorization Bearer(Func<string, bool> isValid) => call =>
        ValueTask.FromResult(
            AuthenticationHeaderValue.TryParse(call.Metadata.Authorization, out AuthenticationHeaderValue? header)
            && string.Equals(header.Scheme, "Bearer", StringComparison.OrdinalIgnoreCase)
            && header.Parameter is { Length: > 0 } token && isValid(token)
                ? GrpcStatus.Ok
                : new GrpcStatus(GrpcStatusCode.Unauthenticated, "This method needs `authorization: Bearer <operator token>`."));
}
