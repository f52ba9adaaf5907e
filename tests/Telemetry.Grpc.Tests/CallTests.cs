using System.Net;
using Google.Protobuf;
using Telemetry.Testing;
using Telemetry.Wire.V1;

namespace Telemetry.Grpc.Tests;

/// <summary>The protocol's rules on a real Kestrel, one by one (gRPC over HTTP/2).</summary>
public sealed class CallTests : IAsyncLifetime
{
    private readonly FakeIngest _ingest = new();
    private readonly ManualTime _time = new();
    private GrpcServer _server = null!;
    private GrpcTestClient _client = null!;

    public async Task InitializeAsync()
    {
        _server = await GrpcServer.StartAsync(_ingest, new GrpcEndpointOptions { MaxMessageBytes = 300_000 }, _time);
        _client = new GrpcTestClient(_server);
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Unary_GoodRequest_AnswersWithOkInTrailers()
    {
        GrpcReply reply = await _client.CallAsync("telemetry.v1.Registry/PutBrand", new Brand { Id = "acme" }, Bearer);
        Assert.Equal(GrpcStatusCode.Ok, reply.Code);
        Assert.False(reply.IsTrailersOnly);
        Assert.Equal("acme", Brand.Parser.ParseFrom(Assert.Single(reply.Messages)).Id);
        Assert.Equal(1, _server.Metrics.Calls(GrpcStatusCode.Ok));
        Assert.Equal(0, _server.Metrics.Active);
    }

    [Fact]
    public async Task Unary_OverTls_Answers()
    {
        using GrpcTestClient tls = new(_server, tls: true);
        GrpcReply reply = await tls.CallAsync("telemetry.v1.Registry/PutBrand", new Brand { Id = "acme" }, Bearer);
        Assert.Equal(GrpcStatusCode.Ok, reply.Code);
    }

    [Fact]
    public async Task Unary_HandlerRefuses_EndsTrailersOnlyWithEncodedMessage()
    {
        GrpcReply reply = await _client.CallAsync("telemetry.v1.Registry/PutBrand", new Brand(), Bearer);
        Assert.Equal(GrpcStatusCode.InvalidArgument, reply.Code);
        Assert.True(reply.IsTrailersOnly);
        Assert.Equal("Brand id is empty: \"Gr%C3%B6%C3%9Fe 100 %25\" is no id.%0A", reply.Message);
        Assert.Empty(reply.Messages);
    }

    [Fact]
    public async Task Unary_HandlerThrows_EndsInternalWithoutItsText()
    {
        GrpcReply reply = await _client.CallAsync("test.Shapes/Throw", new Brand());
        Assert.Equal(GrpcStatusCode.Internal, reply.Code);
        Assert.DoesNotContain("secret", reply.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer wrong")]
    [InlineData("Basic b3BlcmF0b3ItdG9rZW4tMQ==")]
    public async Task Unary_WrongOperatorToken_EndsUnauthenticated(string? authorization)
    {
        GrpcReply reply = await _client.CallAsync("telemetry.v1.Registry/PutBrand", new Brand { Id = "acme" }, headers =>
        {
            if (authorization is not null) headers.TryAddWithoutValidation("authorization", authorization);
        });
        Assert.Equal(GrpcStatusCode.Unauthenticated, reply.Code);
    }

    [Fact]
    public async Task Unary_NotProtobuf_EndsInvalidArgument()
    {
        GrpcReply reply = await _client.CallAsync("telemetry.v1.Registry/PutBrand", GrpcTestClient.Frame([0xFF, 0xFF]), Bearer);
        Assert.Equal(GrpcStatusCode.InvalidArgument, reply.Code);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task Unary_NotExactlyOneMessage_EndsInternal(int messages)
    {
        byte[] body = [.. Enumerable.Repeat(GrpcTestClient.Frame(new Brand { Id = "acme" }), messages).SelectMany(frame => frame)];
        GrpcReply reply = await _client.CallAsync("telemetry.v1.Registry/PutBrand", body, Bearer);
        Assert.Equal(GrpcStatusCode.Internal, reply.Code);
    }

    [Fact]
    public async Task Unary_BodyEndsInsideMessage_EndsInternal()
    {
        byte[] frame = GrpcTestClient.Frame(new Brand { Id = "acme" });
        GrpcReply reply = await _client.CallAsync("telemetry.v1.Registry/PutBrand", frame[..^1], Bearer);
        Assert.Equal(GrpcStatusCode.Internal, reply.Code);
    }

    [Fact]
    public async Task Unary_MessageOverLimit_EndsResourceExhaustedByItsHeaderAlone()
    {
        byte[] header = [0, 0x7F, 0xFF, 0xFF, 0xFF];
        GrpcReply reply = await _client.CallAsync("telemetry.v1.Registry/PutBrand", header, Bearer);
        Assert.Equal(GrpcStatusCode.ResourceExhausted, reply.Code);
    }

    [Fact]
    public async Task Unary_UnknownFlag_EndsInternal()
    {
        GrpcReply reply = await _client.CallAsync("telemetry.v1.Registry/PutBrand", GrpcTestClient.Frame([], flags: 2), Bearer);
        Assert.Equal(GrpcStatusCode.Internal, reply.Code);
    }

    [Theory]
    [InlineData("telemetry.v1.Registry/Nothing")]
    [InlineData("nowhere.Nothing/PutBrand")]
    public async Task UnknownMethod_EndsUnimplemented(string method)
    {
        GrpcReply reply = await _client.CallAsync(method, new Brand());
        Assert.Equal(HttpStatusCode.OK, reply.Http);
        Assert.Equal(GrpcStatusCode.Unimplemented, reply.Code);
        Assert.True(reply.IsTrailersOnly);
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/grpc-web")]
    [InlineData("application/grpcx")]
    public async Task OtherContentType_Gets415(string contentType)
    {
        GrpcReply reply = await _client.CallAsync("telemetry.v1.Registry/PutBrand", [], Bearer, contentType);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, reply.Http);
    }

    [Theory]
    [InlineData("application/grpc+proto")]
    [InlineData("application/grpc; charset=utf-8")]
    public async Task ContentTypeWithSuffixOrParameter_IsTaken(string contentType)
    {
        GrpcReply reply = await _client.CallAsync("telemetry.v1.Registry/PutBrand", GrpcTestClient.Frame(new Brand { Id = "acme" }), Bearer, contentType);
        Assert.Equal(GrpcStatusCode.Ok, reply.Code);
    }

    [Fact]
    public async Task Get_OnGrpcPort_Gets405()
    {
        using HttpRequestMessage request = new(HttpMethod.Get, "/") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using HttpResponseMessage response = await _client.SendAsync(request);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
    }

    [Fact]
    public async Task GrpcOverHttp1_Gets426()
    {
        using HttpClient http = new() { Timeout = GrpcTestClient.Limit };
        using ByteArrayContent content = new([]);
        content.Headers.ContentType = new("application/grpc");
        using HttpResponseMessage response = await http.PostAsync($"http://127.0.0.1:{_server.Http1Port}/telemetry.v1.Registry/PutBrand", content);
        Assert.Equal(HttpStatusCode.UpgradeRequired, response.StatusCode);
    }

    [Fact]
    public async Task OtherRequestOnSharedPort_PassesOn()
    {
        using HttpClient http = new() { Timeout = GrpcTestClient.Limit };
        using HttpResponseMessage response = await http.GetAsync($"http://127.0.0.1:{_server.Http1Port}/");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task GzipRequest_IsInflated()
    {
        Brand brand = new() { Id = "acme", Name = new string('x', 50_000) };
        GrpcReply reply = await _client.CallAsync(
            "telemetry.v1.Registry/PutBrand", GrpcTestClient.Frame(GrpcTestClient.Gzip(brand.ToByteArray()), flags: 1), headers =>
            {
                Bearer(headers);
                headers.Add("grpc-encoding", "gzip");
                headers.Add("grpc-accept-encoding", "identity, gzip");
            });
        Assert.Equal(GrpcStatusCode.Ok, reply.Code);
        Assert.Equal("gzip", GrpcReply.Value(reply.Headers, "grpc-encoding"));
        Assert.Equal(brand, Brand.Parser.ParseFrom(Assert.Single(reply.Messages)));
    }

    [Fact]
    public async Task GzipBomb_EndsResourceExhausted()
    {
        byte[] bomb = GrpcTestClient.Gzip(new byte[50_000_000]);
        GrpcReply reply = await _client.CallAsync(
            "telemetry.v1.Registry/PutBrand", GrpcTestClient.Frame(bomb, flags: 1), headers =>
            {
                Bearer(headers);
                headers.Add("grpc-encoding", "gzip");
            });
        Assert.Equal(GrpcStatusCode.ResourceExhausted, reply.Code);
    }

    [Theory]
    [InlineData("gzip", new byte[] { 1, 2, 3 })]
    [InlineData("identity", new byte[] { })]
    public async Task CompressedFlag_WithoutGzipBytesOrEncoding_EndsInternal(string encoding, byte[] message)
    {
        GrpcReply reply = await _client.CallAsync("telemetry.v1.Registry/PutBrand", GrpcTestClient.Frame(message, flags: 1), headers =>
        {
            Bearer(headers);
            headers.Add("grpc-encoding", encoding);
        });
        Assert.Equal(GrpcStatusCode.Internal, reply.Code);
    }

    [Fact]
    public async Task UnknownEncoding_EndsUnimplementedAndSaysWhatIsTaken()
    {
        GrpcReply reply = await _client.CallAsync("telemetry.v1.Registry/PutBrand", new Brand(), headers => headers.Add("grpc-encoding", "snappy"));
        Assert.Equal(GrpcStatusCode.Unimplemented, reply.Code);
        Assert.Equal("identity,gzip", GrpcReply.Value(reply.Headers, "grpc-accept-encoding"));
    }

    [Fact]
    public async Task Metadata_ComesAndGoes()
    {
        GrpcReply reply = await _client.CallAsync("test.Shapes/Metadata", new Brand(), headers =>
        {
            headers.Add("x-question", "why");
            headers.Add("x-bytes-bin", Convert.ToBase64String([0, 255, 1]).TrimEnd('='));
        });
        Assert.Equal("why", GrpcReply.Value(reply.Headers, "x-answer"));
        Assert.Equal("AP8B", GrpcReply.Value(reply.Trailers, "x-bytes-bin"));
    }

    [Fact]
    public async Task Deadline_Passes_EndsDeadlineExceeded()
    {
        Task<GrpcReply> call = _client.CallAsync("test.Shapes/Hang", new Brand(), headers => headers.Add("grpc-timeout", "5S"));
        await _time.TimerAsync(TimeSpan.FromSeconds(5));
        Assert.False(call.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(GrpcStatusCode.DeadlineExceeded, (await call).Code);
    }

    [Fact]
    public async Task Deadline_AlreadyPassed_EndsDeadlineExceededAtOnce()
    {
        GrpcReply reply = await _client.CallAsync("test.Shapes/Hang", new Brand(), headers => headers.Add("grpc-timeout", "50n"));
        Assert.Equal(GrpcStatusCode.DeadlineExceeded, reply.Code);
    }

    [Fact]
    public async Task Deadline_Malformed_EndsInternal()
    {
        GrpcReply reply = await _client.CallAsync("test.Shapes/Hang", new Brand(), headers => headers.Add("grpc-timeout", "soon"));
        Assert.Equal(GrpcStatusCode.Internal, reply.Code);
    }

    [Fact]
    public async Task ServerStreaming_SendsEveryPage()
    {
        GrpcReply reply = await _client.CallAsync("telemetry.v1.Query/Samples", new SamplesRequest { Device = "d1", FromUnixMs = 0, ToUnixMs = 25 }, headers =>
        {
            Bearer(headers);
            headers.Add("grpc-accept-encoding", "gzip");
        });
        Assert.Equal(GrpcStatusCode.Ok, reply.Code);
        Assert.Equal(Enumerable.Range(0, 2500).Select(i => (long)i), reply.Messages.SelectMany(page => SamplesPage.Parser.ParseFrom(page).Samples).Select(sample => sample.UnixMs));
    }

    [Fact]
    public async Task ClientStreaming_CollectsEveryMessage()
    {
        byte[] body = [.. Enumerable.Range(0, 1000).SelectMany(i => GrpcTestClient.Frame(new Brand { Id = $"b{i}" }))];
        GrpcReply reply = await _client.CallAsync("test.Shapes/Collect", body);
        Assert.Equal(1000, BrandList.Parser.ParseFrom(Assert.Single(reply.Messages)).Brands.Count);
    }

    [Fact]
    public async Task Duplex_AnswersEachMessageBeforeTheNext()
    {
        using GrpcTestStream stream = _client.Open("test.Shapes/Echo");
        for (int i = 0; i < 5; i++)
        {
            await stream.WriteAsync(new Brand { Id = $"b{i}" });
            Assert.Equal($"b{i}", Brand.Parser.ParseFrom(await stream.ReadAsync()).Id);
        }

        stream.Complete();
        Assert.Equal(GrpcStatusCode.Ok, (await stream.EndAsync()).Code);
    }

    [Fact]
    public async Task Stop_OpenDuplex_EndsUnavailable()
    {
        using GrpcTestStream stream = _client.Open("test.Shapes/Echo");
        await stream.WriteAsync(new Brand { Id = "b" });
        Assert.NotNull(await stream.ReadAsync());
        Task stopped = _server.StopAsync();
        Assert.Equal(GrpcStatusCode.Unavailable, await CodeOfEndAsync(stream));
        stream.Complete();
        await stopped.WaitAsync(GrpcTestClient.Limit);
    }

    // The server says UNAVAILABLE and closes at once. A client that sees the orderly close first reports the same status, by gRPC's own rule
    // for connections that end; any other HTTP/2 error code would not be orderly.
    private static async Task<GrpcStatusCode> CodeOfEndAsync(GrpcTestStream stream)
    {
        try
        {
            return (await stream.EndAsync()).Code;
        }
        catch (HttpProtocolException closed) when (closed.ErrorCode == 0)
        {
            return GrpcStatusCode.Unavailable;
        }
    }

    private static void Bearer(System.Net.Http.Headers.HttpRequestHeaders headers) => headers.Add("authorization", "Bearer " + GrpcServer.OperatorToken);
}
