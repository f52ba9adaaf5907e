using System.Buffers.Binary;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;

namespace Telemetry.Grpc.Tests;

/// <summary>gRPC by hand over HttpClient's HTTP/2, so that a test can break each rule on its own.</summary>
internal sealed class GrpcTestClient : IDisposable
{
    /// <summary>No answer takes this long, on no machine under any load; a test that waits for it fails.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(100);

    private readonly HttpClient _http;

    public GrpcTestClient(GrpcServer server, bool tls = false)
    {
        SocketsHttpHandler handler = new();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.GetCertHashString() == GrpcServer.Certificate.GetCertHashString();
        _http = new HttpClient(handler)
        {
            BaseAddress = new Uri(tls ? $"https://127.0.0.1:{server.TlsPort}" : $"http://127.0.0.1:{server.PlainPort}"),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = Limit,
        };
    }

    public static byte[] Frame(ReadOnlySpan<byte> message, byte flags = 0)
    {
        byte[] frame = new byte[5 + message.Length];
        frame[0] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame.AsSpan(5));
        return frame;
    }

    public static byte[] Frame(IMessage message) => Frame(message.ToByteArray());

    public static byte[] Gzip(byte[] message)
    {
        MemoryStream compressed = new();
        using (GZipStream gzip = new(compressed, CompressionLevel.Fastest)) gzip.Write(message);
        return compressed.ToArray();
    }

    public Task<GrpcReply> CallAsync(string method, IMessage request, Action<HttpRequestHeaders>? headers = null) => CallAsync(method, Frame(request), headers);

    /// <summary>Sends a whole body and reads the whole answer.</summary>
    public async Task<GrpcReply> CallAsync(string method, byte[] body, Action<HttpRequestHeaders>? headers = null, string contentType = "application/grpc")
    {
        using HttpRequestMessage request = Request(method, new ByteArrayContent(body), headers, contentType);
        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return await GrpcReply.ReadAsync(response);
    }

    /// <summary>Opens a stream whose messages are written one by one.</summary>
    public GrpcTestStream Open(string method, Action<HttpRequestHeaders>? headers = null)
    {
        PushContent content = new();
        Task<HttpResponseMessage> response = _http.SendAsync(Request(method, content, headers, "application/grpc"), HttpCompletionOption.ResponseHeadersRead);
        return new GrpcTestStream(content, response);
    }

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) => _http.SendAsync(request);

    public void Dispose() => _http.Dispose();

    private static HttpRequestMessage Request(string method, HttpContent content, Action<HttpRequestHeaders>? headers, string contentType)
    {
        HttpRequestMessage request = new(HttpMethod.Post, "/" + method) { Content = content, Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        request.Headers.Add("te", "trailers");
        headers?.Invoke(request.Headers);
        return request;
    }
}

/// <summary>A finished call.</summary>
internal sealed record GrpcReply(HttpStatusCode Http, string? Status, string? Message, byte[]? Details, bool IsTrailersOnly, List<byte[]> Messages, HttpResponseHeaders Headers, HttpResponseHeaders Trailers)
{
    public GrpcStatusCode Code => (GrpcStatusCode)int.Parse(Status ?? throw new InvalidOperationException($"No grpc-status; HTTP {Http}."));

    public static async Task<GrpcReply> ReadAsync(HttpResponseMessage response)
    {
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        bool gzip = Value(response.Headers, "grpc-encoding") == "gzip";
        List<byte[]> messages = [];
        for (int at = 0; at < body.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(at + 1));
            byte[] message = body[(at + 5)..(at + 5 + length)];
            messages.Add(body[at] == 0 ? message : Inflate(message, gzip));
            at += 5 + length;
        }

        bool trailersOnly = Value(response.Headers, "grpc-status") is not null;
        HttpResponseHeaders status = trailersOnly ? response.Headers : response.TrailingHeaders;
        string? details = Value(status, "grpc-status-details-bin");
        return new GrpcReply(
            response.StatusCode, Value(status, "grpc-status"), Value(status, "grpc-message"),
            details is null ? null : Convert.FromBase64String(details.PadRight((details.Length + 3) / 4 * 4, '=')),
            trailersOnly, messages, response.Headers, response.TrailingHeaders);
    }

    public static string? Value(HttpResponseHeaders headers, string name) => headers.TryGetValues(name, out IEnumerable<string>? values) ? string.Join(',', values) : null;

    private static byte[] Inflate(byte[] message, bool gzip)
    {
        Assert.True(gzip, "A compressed message needs grpc-encoding: gzip.");
        using GZipStream stream = new(new MemoryStream(message), CompressionMode.Decompress);
        MemoryStream inflated = new();
        stream.CopyTo(inflated);
        return inflated.ToArray();
    }
}

/// <summary>An open call: messages out and in, one by one.</summary>
internal sealed class GrpcTestStream(PushContent content, Task<HttpResponseMessage> response) : IDisposable
{
    private Stream? _body;

    public Task WriteAsync(IMessage message) => WriteAsync(GrpcTestClient.Frame(message));

    public async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        Stream stream = await content.Opened.WaitAsync(GrpcTestClient.Limit);
        await stream.WriteAsync(bytes);
        await stream.FlushAsync();
    }

    public void Complete() => content.Close();

    /// <summary>The next message, or null at the end of the answer.</summary>
    public async Task<byte[]?> ReadAsync()
    {
        _body ??= await (await response.WaitAsync(GrpcTestClient.Limit)).Content.ReadAsStreamAsync();
        using CancellationTokenSource limit = new(GrpcTestClient.Limit);
        byte[] header = new byte[5];
        int read = await _body.ReadAtLeastAsync(header, 5, throwOnEndOfStream: false, limit.Token);
        if (read == 0) return null;
        byte[] message = new byte[BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(1))];
        await _body.ReadExactlyAsync(message, limit.Token);
        return message;
    }

    /// <summary>Reads to the end and returns the status.</summary>
    public async Task<GrpcStatus> EndAsync()
    {
        HttpResponseMessage answer = await response.WaitAsync(GrpcTestClient.Limit);
        while (await ReadAsync() is not null)
        {
            // Messages nobody asked for are dropped.
        }

        HttpResponseHeaders status = answer.Headers.Contains("grpc-status") ? answer.Headers : answer.TrailingHeaders;
        return new GrpcStatus((GrpcStatusCode)int.Parse(GrpcReply.Value(status, "grpc-status")!), GrpcReply.Value(status, "grpc-message") ?? "");
    }

    public void Dispose()
    {
        content.Close();
        if (response.IsCompletedSuccessfully) response.Result.Dispose();
    }
}

/// <summary>A request body that stays open until it is closed.</summary>
internal sealed class PushContent : HttpContent
{
    private readonly TaskCompletionSource<Stream> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<Stream> Opened => _opened.Task;

    public void Close() => _closed.TrySetResult();

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        await stream.FlushAsync();
        _opened.SetResult(stream);
        await _closed.Task;
    }

    protected override bool TryComputeLength(out long length)
    {
        length = -1;
        return false;
    }
}
