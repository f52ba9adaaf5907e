using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Google.Protobuf;
using Telemetry.Wire.V1;

namespace Telemetry.Grpc.Tests;

/// <summary>Peers that break HTTP/2, gRPC's framing or its headers, beside one that does not: no call fails for our fault, none stays open, and the good one goes on.</summary>
public sealed class SessionFuzzTests : IAsyncLifetime
{
    private const string StreamMethod = "telemetry.v1.Ingest/Stream";
    private const int Stream = 1;

    private static readonly string[] OddValues =
    [
        "", "application/grpc-web", "application/json", "application/grpc;x=1", "gzip", "identity", "br", "0n", "99999999H", "-1S", "1", "Basic", "Basic !!!!", "Bearer x",
        "/", "/telemetry.v1.Ingest/Submit", "/telemetry.v1.Ingest/Upload", "/telemetry.v1.Ingest/Commands", "/grpc.health.v1.Health/Watch", "/test.Shapes/Hang", "GET", "trailers", "\u0001",
    ];

    private readonly FakeIngest _ingest = new();
    private GrpcServer _server = null!;
    private GrpcTestClient _client = null!;

    public async Task InitializeAsync()
    {
        _server = await GrpcServer.StartAsync(_ingest);
        _client = new GrpcTestClient(_server);
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Session_SplitAtEveryByte_StoresTheSameBatches()
    {
        byte[] bytes = Http2Bytes.Join(GoodFrames());
        await Parallel.ForEachAsync(Enumerable.Range(1, bytes.Length - 1), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (cut, cancellation) =>
        {
            using Socket socket = await ConnectAsync();
            await socket.SendAsync(bytes.AsMemory(0, cut), cancellation);
            await socket.SendAsync(bytes.AsMemory(cut), cancellation);
            await AnsweredAsync(socket);
        });

        Assert.Equal(3 * (bytes.Length - 1), _ingest.Submitted.Count);
        Assert.All(_ingest.Submitted, batch => Assert.Contains(Encoding.ASCII.GetString(batch.Batch), (string[])["one", "two", "three"]));
        await AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Session_CutAtEveryByte_EndsAndLeavesNothing()
    {
        byte[] bytes = Http2Bytes.Join(GoodFrames());
        await Parallel.ForEachAsync(Enumerable.Range(0, bytes.Length), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (length, cancellation) =>
        {
            using Socket socket = await ConnectAsync();
            await socket.SendAsync(bytes.AsMemory(0, length), cancellation);
            await EndAsync(socket);
        });

        await AssertNothingLeftAsync();
    }

    /// <summary>Replay: the seed is the one in the test's name.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Session_MutatedFramesHeadersAndMessages_StarvesNobodyAndLeavesNothing(int seed)
    {
        Random random = new(seed);
        using GrpcTestStream good = _client.Open(StreamMethod, headers => headers.Add("authorization", FakeIngest.Basic("acme/d2")));
        for (int round = 0; round < 250; round++)
        {
            using Socket socket = await ConnectAsync();
            await SendAsync(socket, Mutant(random));
            await good.WriteAsync(new SubmitRequest { Tag = (ulong)round, Batches = { ByteString.CopyFromUtf8("good") } });
            SubmitResponse answer = SubmitResponse.Parser.ParseFrom(await good.ReadAsync());
            Assert.Equal(((ulong)round, Outcome.Stored), (answer.Tag, Assert.Single(answer.Results).Outcome));
            await EndAsync(socket);
        }

        good.Complete();
        Assert.Equal(GrpcStatusCode.Ok, (await good.EndAsync()).Code);
        await AssertNothingLeftAsync();
    }

    [Fact]
    public async Task HalfOpenConnections_OfEveryKind_DoNotStopACall()
    {
        const int OfEachKind = 250;
        List<Http2Frame> frames = GoodFrames();
        byte[][] kinds =
        [
            [], // connected, and not a byte
            Http2Bytes.Preface[..10].ToArray(),
            Http2Bytes.Join(frames[..1]), // greeted, and no call
            [.. Http2Bytes.Join(frames[..1]), .. frames[1].ToBytes()[..40]], // headers that never end
            Http2Bytes.Join(frames[..2]), // a call without a message
            [.. Http2Bytes.Join(frames[..2]), .. frames[2].ToBytes()[..12]], // a message that never ends
        ];
        List<Socket> halfOpen = [];
        try
        {
            foreach (byte[] kind in kinds)
            {
                for (int i = 0; i < OfEachKind; i++)
                {
                    Socket socket = await ConnectAsync();
                    halfOpen.Add(socket);
                    await SendAsync(socket, kind);
                }
            }

            GrpcReply reply = await _client.CallAsync(
                "telemetry.v1.Ingest/Submit", new SubmitRequest { Batches = { ByteString.CopyFromUtf8("good") } }, headers => headers.Add("authorization", FakeIngest.Basic()));
            Assert.Equal(GrpcStatusCode.Ok, reply.Code);
        }
        finally
        {
            foreach (Socket socket in halfOpen) socket.Close(timeout: 0);
        }

        await AssertNothingLeftAsync();
    }

    /// <summary>SETTINGS, one streaming call with three messages of which two share a DATA frame and one is cut by two, end of stream.</summary>
    private static List<Http2Frame> GoodFrames()
    {
        byte[] one = Message("one"), two = Message("two"), three = Message("three");
        return
        [
            new Http2Frame(Http2Bytes.Settings, 0, 0, []),
            new Http2Frame(Http2Bytes.HeadersType, Http2Bytes.EndHeaders, Stream, Http2Bytes.HeaderBlock(Http2Bytes.CallHeaders(StreamMethod))),
            new Http2Frame(Http2Bytes.Data, 0, Stream, [.. one, .. two[..3]]),
            new Http2Frame(Http2Bytes.Data, Http2Bytes.EndStream, Stream, [.. two[3..], .. three]),
        ];
    }

    private static byte[] Message(string batch) => GrpcTestClient.Frame(new SubmitRequest { Tag = 1, Batches = { ByteString.CopyFromUtf8(batch) } });

    /// <summary>The good session with one to three faults, each on the layer where it hurts: frames, headers, messages, or any byte.</summary>
    private static byte[] Mutant(Random random)
    {
        List<Http2Frame> frames = GoodFrames();
        for (int faults = random.Next(1, 4); faults > 0; faults--)
        {
            int at = random.Next(frames.Count);
            Http2Frame frame = frames[at];
            switch (random.Next(10))
            {
                case 0: frames[at] = frame with { Type = (byte)random.Next(16) }; break;
                case 1: frames[at] = frame with { Flags = (byte)random.Next(256) }; break;
                case 2: frames[at] = frame with { Stream = random.Next(-1, 6) }; break;
                case 3: frames[at] = frame with { DeclaredLength = random.Next(2) == 0 ? random.Next(40) : (1 << 24) - 1 }; break;
                case 4: frames.Insert(random.Next(frames.Count), frame); break;
                case 5 when frames.Count > 1: frames.RemoveAt(at); break;
                case 6: frames[1 % frames.Count] = frames[1 % frames.Count] with { Payload = MutantHeaders(random) }; break;
                case 7 or 8: frames.Insert(at, new Http2Frame(Http2Bytes.Data, 0, Stream, MutantMessage(random))); break;
                default: Flip(frame.Payload, random); break;
            }
        }

        byte[] bytes = Http2Bytes.Join(frames);
        if (random.Next(8) == 0) Flip(bytes, random);
        return bytes;
    }

    private static byte[] MutantHeaders(Random random)
    {
        var headers = Http2Bytes.CallHeaders(StreamMethod);
        int at = random.Next(headers.Count);
        switch (random.Next(3))
        {
            case 0: headers.RemoveAt(at); break; // without te, path, content type ...
            case 1: headers[at] = headers[at] with { Value = OddValues[random.Next(OddValues.Length)] }; break;
            default: headers.Add(("grpc-encoding", OddValues[random.Next(OddValues.Length)])); break;
        }

        return Http2Bytes.HeaderBlock(headers);
    }

    /// <summary>A length-prefixed message whose flag, length or bytes are wrong.</summary>
    private static byte[] MutantMessage(Random random)
    {
        byte[] message = random.Next(3) == 0 ? GrpcTestClient.Frame(GrpcTestClient.Gzip([1, 2, 3]), flags: 1) : Message("mutant");
        switch (random.Next(4))
        {
            case 0: message[0] = (byte)random.Next(256); break;
            case 1: random.NextBytes(message.AsSpan(1, 4)); break;
            case 2: message[4] = (byte)random.Next(256); break;
            default: Flip(message, random); break;
        }

        return message;
    }

    private static void Flip(byte[] bytes, Random random)
    {
        if (bytes.Length > 0) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
    }

    private async Task<Socket> ConnectAsync()
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, _server.PlainPort);
        return socket;
    }

    /// <summary>The server may have had enough before all is sent.</summary>
    private static async Task SendAsync(Socket socket, byte[] bytes)
    {
        try
        {
            await socket.SendAsync(bytes);
        }
        catch (SocketException)
        {
            // Closed by the server, as it may.
        }
    }

    /// <summary>Reads until the call is answered to its end.</summary>
    private static async Task AnsweredAsync(Socket socket)
    {
        using CancellationTokenSource limit = new(GrpcTestClient.Limit);
        await using NetworkStream answer = new(socket);
        byte[] header = new byte[9], payload = new byte[16 * 1024];
        do
        {
            await answer.ReadExactlyAsync(header, limit.Token);
            await answer.ReadExactlyAsync(payload.AsMemory(0, BinaryPrimitives.ReadInt32BigEndian(header) >> 8), limit.Token);
        }
        while (header[8] != Stream || (header[4] & Http2Bytes.EndStream) == 0);
    }

    /// <summary>Says that nothing more comes, and reads until the server has closed too.</summary>
    private static async Task EndAsync(Socket socket)
    {
        using CancellationTokenSource limit = new(GrpcTestClient.Limit);
        byte[] answer = new byte[4096];
        try
        {
            socket.Shutdown(SocketShutdown.Send);
            while (await socket.ReceiveAsync(answer, limit.Token) > 0)
            {
                // Frames of an answer, or of a refusal: what they say is the business of other tests.
            }
        }
        catch (SocketException)
        {
            // Reset is an end too.
        }
    }

    private async Task AssertNothingLeftAsync()
    {
        using CancellationTokenSource limit = new(GrpcTestClient.Limit);
        while (_server.Metrics.Active > 0)
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        Assert.Empty(_server.Defects);
    }
}
