using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Telemetry.Grpc.Protocol;

namespace Telemetry.Grpc;

/// <summary>From an HTTP/2 request to a call and back to its status (gRPC over HTTP/2). The one place where a failure becomes a status, a count and a log line.</summary>
internal sealed class GrpcDispatcher(
    GrpcMethods methods, GrpcEndpointOptions options, GrpcMetrics metrics, TimeProvider time, IHostApplicationLifetime lifetime, ILogger<GrpcDispatcher> logger)
{
    private const string ContentType = "application/grpc";
    private const string AcceptedEncodings = "identity,gzip";

    /// <summary>True for what belongs to gRPC: everything on a port opened with UseGrpc, and elsewhere what says so in its content type.</summary>
    public static bool IsGrpc(HttpContext context) =>
        context.Features.Get<GrpcConnectionMark>() is not null || IsGrpcContentType(context.Request.ContentType);

    public Task InvokeAsync(HttpContext context)
    {
        if (!HttpMethods.IsPost(context.Request.Method)) return RefuseHttp(context, StatusCodes.Status405MethodNotAllowed);
        if (!IsGrpcContentType(context.Request.ContentType)) return RefuseHttp(context, StatusCodes.Status415UnsupportedMediaType);
        if (!HttpProtocol.IsHttp2(context.Request.Protocol)) return RefuseHttp(context, StatusCodes.Status426UpgradeRequired);

        context.Response.ContentType = ContentType;
        if (methods.Find(context.Request.Path.Value ?? "") is not { } method)
            return End(context, new GrpcStatus(GrpcStatusCode.Unimplemented, $"Method '{context.Request.Path}' is unknown here; reflection lists the methods."));
        string? encoding = context.Request.Headers["grpc-encoding"];
        if (encoding is not (null or "identity" or "gzip"))
        {
            context.Response.Headers["grpc-accept-encoding"] = AcceptedEncodings;
            return End(context, new GrpcStatus(GrpcStatusCode.Unimplemented, $"grpc-encoding '{encoding}' is unknown here; {AcceptedEncodings} are taken."));
        }

        TimeSpan timeout = GrpcTimeout.Longest;
        string? timeoutText = context.Request.Headers["grpc-timeout"];
        if (timeoutText is not null && !GrpcTimeout.TryParse(timeoutText, out timeout))
            return End(context, new GrpcStatus(GrpcStatusCode.Internal, "grpc-timeout is malformed; 1-8 digits and one of H M S m u n are required."));

        LiftHttpLimits(context);
        return timeout < GrpcTimeout.Longest
            ? RunWithDeadlineAsync(context, method, encoding is "gzip", timeout)
            : RunAsync(context, method, encoding is "gzip", context.RequestAborted, CancellationToken.None);
    }

    private async Task RunWithDeadlineAsync(HttpContext context, GrpcMethod method, bool gzip, TimeSpan timeout)
    {
        if (timeout <= TimeSpan.Zero)
        {
            await End(context, DeadlineExceeded);
            return;
        }

        using CancellationTokenSource deadline = new(timeout, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, deadline.Token);
        await RunAsync(context, method, gzip, either.Token, deadline.Token);
    }

    private async Task RunAsync(HttpContext context, GrpcMethod method, bool gzip, CancellationToken cancellation, CancellationToken deadline)
    {
        using MessageReader requests = new(context.Request.BodyReader, options.MaxMessageBytes, gzip);
        MessageWriter responses = new(context.Response.BodyWriter);
        GrpcCall call = new(context, method.Name, requests, responses, cancellation, deadline, lifetime.ApplicationStopping);
        metrics.CallBegins();
        GrpcStatus status = await CallAsync(method, call);
        metrics.CallEnds(status.Code, requests.Count, responses.Count);
        if (!context.RequestAborted.IsCancellationRequested) WriteStatus(context, status, responses.Count > 0);
    }

    private async ValueTask<GrpcStatus> CallAsync(GrpcMethod method, GrpcCall call)
    {
        try
        {
            GrpcStatus allowed = await method.Authorization(call);
            if (allowed.Code != GrpcStatusCode.Ok) return allowed;
            if (method.MayCompress && AcceptsGzip(call.Metadata["grpc-accept-encoding"]))
            {
                call.AddHeader("grpc-encoding", "gzip");
                call.Responses.MayCompress = true;
            }

            await method.Handler(call);
            return GrpcStatus.Ok;
        }
        catch (GrpcException failure)
        {
            return failure.Status;
        }
        catch (OperationCanceledException) when (call.IsDeadlineExceeded)
        {
            return DeadlineExceeded;
        }
        catch (OperationCanceledException) when (call.Stopping.IsCancellationRequested)
        {
            return new GrpcStatus(GrpcStatusCode.Unavailable, "The collector is stopping; come back in a moment.");
        }
        catch (Exception failure) when (failure is OperationCanceledException or IOException)
        {
            return new GrpcStatus(GrpcStatusCode.Cancelled, "The caller cancelled or went away.");
        }
        catch (Exception failure)
        {
            // A handler's defect ends its own call, never the connection's other calls.
            Log.HandlerFailed(logger, method.Name, failure);
            return new GrpcStatus(GrpcStatusCode.Internal, "The handler failed; the collector's log says why.");
        }
    }

    private static GrpcStatus DeadlineExceeded => new(GrpcStatusCode.DeadlineExceeded, "The deadline passed before the call was done.");

    /// <summary>A refusal that never became a call: no body and the status in the headers ("Trailers-Only").</summary>
    private Task End(HttpContext context, GrpcStatus status)
    {
        metrics.CallRefused(status.Code);
        WriteStatus(context, status, hasResponse: false);
        return Task.CompletedTask;
    }

    private static void WriteStatus(HttpContext context, in GrpcStatus status, bool hasResponse)
    {
        HttpResponse response = context.Response;
        IHeaderDictionary target = response.Headers;
        if (hasResponse || response.HasStarted)
        {
            target = context.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers;
        }
        else
        {
            response.Headers.Remove("grpc-encoding");
        }

        target["grpc-status"] = StatusText(status.Code);
        if (status.Message is { Length: > 0 }) target["grpc-message"] = PercentEncoding.Encode(status.Message);
        if (!status.Details.IsEmpty) target["grpc-status-details-bin"] = Convert.ToBase64String(status.Details.Span).TrimEnd('=');
    }

    private Task RefuseHttp(HttpContext context, int statusCode)
    {
        metrics.CallRefused(GrpcStatusCode.Unknown);
        context.Response.StatusCode = statusCode;
        return Task.CompletedTask;
    }

    /// <summary>A stream may live for days and carry any amount: messages are bounded here, not the body, and flow control sets its pace.</summary>
    private static void LiftHttpLimits(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate) rate.MinDataRate = null;
    }

    /// <summary>"application/grpc", optionally with "+proto" or parameters; "application/grpc-web" is another protocol.</summary>
    private static bool IsGrpcContentType(string? contentType) =>
        contentType is not null && contentType.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase)
        && contentType.AsSpan(ContentType.Length) is var rest && (rest.IsEmpty || rest[0] == ';' || IsProto(rest));

    private static bool IsProto(ReadOnlySpan<char> suffix) =>
        suffix.StartsWith("+proto", StringComparison.OrdinalIgnoreCase) && (suffix.Length == 6 || suffix[6] == ';');

    private static bool AcceptsGzip(string? encodings)
    {
        foreach (Range range in encodings.AsSpan().Split(','))
        {
            if (encodings.AsSpan(range).Trim().SequenceEqual("gzip")) return true;
        }

        return false;
    }

    private static string StatusText(GrpcStatusCode code) => code == GrpcStatusCode.Ok ? "0" : ((int)code).ToString(provider: null);
}
