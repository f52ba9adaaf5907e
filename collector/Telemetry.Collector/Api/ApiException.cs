using Microsoft.Data.Sqlite;
using Telemetry.Grpc;
using Telemetry.Registry;

namespace Telemetry.Collector.Api;

/// <summary>A fault of the caller, with a text that says what was found, what is expected and what to do.</summary>
internal sealed class ApiException(ApiFault fault, string message) : Exception(message)
{
    public ApiFault Fault { get; } = fault;
}

/// <summary>Kinds of callers' faults; the number is the HTTP status.</summary>
internal enum ApiFault
{
    Invalid = 400,
    Unauthenticated = 401,
    Forbidden = 403,
    NotFound = 404,
    Conflict = 409,
    Exhausted = 429,
    Unavailable = 503,
}

/// <summary>Turns the rooms' refusals into faults of the API, in one place.</summary>
internal static class ApiFaults
{
    /// <summary>Runs a handler; a refusal of the registry, or of the disk below it, comes out as an <see cref="ApiException"/>.</summary>
    public static async ValueTask<T> TranslateAsync<T>(Func<ValueTask<T>> handle)
    {
        try
        {
            return await handle();
        }
        catch (RegistryException refusal)
        {
            throw new ApiException(refusal.Error switch
            {
                RegistryError.NotFound => ApiFault.NotFound,
                RegistryError.Conflict => ApiFault.Conflict,
                RegistryError.Forbidden => ApiFault.Forbidden,
                _ => ApiFault.Invalid,
            }, refusal.Message);
        }
        catch (SqliteException fault)
        {
            throw new ApiException(ApiFault.Unavailable, $"The collector's disk does not take this change ({fault.Message}); nothing was changed. Free space on the data folder's disk and try again.");
        }
    }

    /// <summary>As <see cref="TranslateAsync"/>, for the gRPC edge.</summary>
    /// <exception cref="GrpcException">With the status of the fault.</exception>
    public static async ValueTask<T> TranslateForGrpcAsync<T>(Func<ValueTask<T>> handle)
    {
        try
        {
            return await TranslateAsync(handle);
        }
        catch (ApiException fault)
        {
            throw new GrpcException(ToGrpc(fault.Fault), fault.Message);
        }
    }

    /// <summary>The gRPC status of a fault.</summary>
    public static GrpcStatusCode ToGrpc(ApiFault fault) => fault switch
    {
        ApiFault.Unauthenticated => GrpcStatusCode.Unauthenticated,
        ApiFault.Forbidden => GrpcStatusCode.PermissionDenied,
        ApiFault.NotFound => GrpcStatusCode.NotFound,
        ApiFault.Conflict => GrpcStatusCode.AlreadyExists,
        ApiFault.Exhausted => GrpcStatusCode.ResourceExhausted,
        ApiFault.Unavailable => GrpcStatusCode.Unavailable,
        _ => GrpcStatusCode.InvalidArgument,
    };
}
