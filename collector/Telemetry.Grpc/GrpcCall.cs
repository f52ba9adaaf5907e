using Microsoft.AspNetCore.Http;
using Telemetry.Grpc.Protocol;

namespace Telemetry.Grpc;

/// <summary>One call as its handler sees it: who asks, until when, and the metadata both ways.</summary>
/// <remarks>Valid while the handler runs. Reading requests and writing responses may run side by side; neither is shared by two.</remarks>
public sealed class GrpcCall
{
    private readonly HttpContext _context;
    private readonly CancellationToken _deadline;

    internal GrpcCall(HttpContext context, string method, MessageReader requests, MessageWriter responses, CancellationToken cancellation, CancellationToken deadline, CancellationToken stopping)
    {
        _context = context;
        _deadline = deadline;
        Method = method;
        Requests = requests;
        Responses = responses;
        Cancellation = cancellation;
        Stopping = stopping;
    }

    /// <summary>"package.Service/Method".</summary>
    public string Method { get; }

    /// <summary>Fires when the caller cancels, goes away, or its deadline passes.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>Fires when the collector begins to stop. Unary calls run to their end; a stream settles what is in flight and ends with UNAVAILABLE.</summary>
    public CancellationToken Stopping { get; }

    /// <summary>Request metadata, as HTTP headers. Names ending in <c>-bin</c> hold base64: read them with <see cref="BinaryMetadata"/>.</summary>
    public IHeaderDictionary Metadata => _context.Request.Headers;

    /// <summary>Peer's address for logs, without its port.</summary>
    public string Peer => _context.Connection.RemoteIpAddress?.ToString() ?? "unknown";

    internal MessageReader Requests { get; }

    internal MessageWriter Responses { get; }

    internal bool IsDeadlineExceeded => _deadline.IsCancellationRequested;

    internal HttpContext Context => _context;

    /// <summary>The bytes of a <c>-bin</c> header, padded base64 or not; null when it is absent or no base64.</summary>
    public byte[]? BinaryMetadata(string name)
    {
        string? text = Metadata[name];
        if (text is null) return null;
        byte[] bytes = new byte[(text.Length * 3 / 4) + 3];
        return Convert.TryFromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '='), bytes, out int length) ? bytes[..length] : null;
    }

    /// <summary>Adds response metadata that travels in front of the first response.</summary>
    /// <exception cref="InvalidOperationException">The first response was sent already.</exception>
    public void AddHeader(string name, string value) => _context.Response.Headers.Append(name, value);

    /// <summary>Adds response metadata that travels behind the last response, beside the status.</summary>
    public void AddTrailer(string name, string value) => _context.Response.AppendTrailer(name, value);
}
