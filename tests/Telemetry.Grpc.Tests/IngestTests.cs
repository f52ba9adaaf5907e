using System.Net.Http.Headers;
using Google.Protobuf;
using Telemetry.Grpc.Rpc;
using Telemetry.Testing;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.V1;

namespace Telemetry.Grpc.Tests;

/// <summary>telemetry.v1.Ingest over raw frames: verbatim bytes, an answer only after the flush, refusals in gRPC's words.</summary>
public sealed class IngestTests : IAsyncLifetime
{
    private const string Submit = "telemetry.v1.Ingest/Submit";
    private const string StreamMethod = "telemetry.v1.Ingest/Stream";

    private readonly FakeIngest _ingest = new();
    private readonly ManualTime _time = new();
    private GrpcServer _server = null!;
    private GrpcTestClient _client = null!;

    public async Task InitializeAsync()
    {
        _server = await GrpcServer.StartAsync(_ingest, new GrpcEndpointOptions { MaxBatchesPerRequest = 8, MaxAnswerGroupsInFlight = 2 }, _time);
        _client = new GrpcTestClient(_server);
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Submit_TwoBatches_StoresTheirBytesVerbatimAndAnswersInOrder()
    {
        _ingest.Settle = batch => batch[0] == 2 ? new IngestTicket(IngestOutcome.DeadLettered, RefusalReason.ChecksumMismatch, 0, 0) : Stored;
        byte[] large = new byte[200_000];
        new Random(7).NextBytes(large);
        large[0] = 1;
        GrpcReply reply = await _client.CallAsync(Submit, new SubmitRequest { Tag = 77, Batches = { ByteString.CopyFrom(large), ByteString.CopyFrom(2, 3) } }, AsDevice);

        SubmitResponse response = SubmitResponse.Parser.ParseFrom(Assert.Single(reply.Messages));
        SubmitResponse expected = new() { Tag = 77, Results = { new BatchResult { Outcome = Outcome.Stored }, new BatchResult { Outcome = Outcome.DeadLettered, Reason = "checksum_mismatch" } } };
        Assert.Equal(expected, response);
        Assert.Equal([("d1", large), ("d1", new byte[] { 2, 3 })], _ingest.Submitted, (a, b) => a.Item1 == b.Item1 && a.Item2.AsSpan().SequenceEqual(b.Item2));
    }

    [Fact]
    public async Task Submit_NotYetDurable_IsNotAnswered()
    {
        TaskCompletionSource submitted = new();
        _ingest.FlushesAtOnce = false;
        _ingest.OnSubmitted = _ => submitted.SetResult();
        Task<GrpcReply> call = _client.CallAsync(Submit, OneBatch(1), AsDevice);
        await submitted.Task.WaitAsync(GrpcTestClient.Limit);
        Assert.False(call.IsCompleted);
        _ingest.Flush();
        Assert.Equal(GrpcStatusCode.Ok, (await call).Code);
    }

    [Fact]
    public async Task Submit_CollectorStopsBeforeFlush_EndsUnavailable()
    {
        _ingest.FlushesAtOnce = false;
        _ingest.OnSubmitted = _ => _ingest.Stop();
        GrpcReply reply = await _client.CallAsync(Submit, OneBatch(1), AsDevice);
        Assert.Equal(GrpcStatusCode.Unavailable, reply.Code);
        Assert.Empty(reply.Messages);
    }

    [Fact]
    public async Task Submit_DeadlineBeforeFlush_EndsDeadlineExceeded()
    {
        _ingest.FlushesAtOnce = false;
        _ingest.OnSubmitted = _ => _time.Advance(TimeSpan.FromSeconds(2));
        GrpcReply reply = await _client.CallAsync(Submit, OneBatch(1), headers =>
        {
            AsDevice(headers);
            headers.Add("grpc-timeout", "2S");
        });
        Assert.Equal(GrpcStatusCode.DeadlineExceeded, reply.Code);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer x")]
    [InlineData("Basic !!!")]
    [InlineData("Basic YWNtZQ==")]
    public async Task Submit_MissingOrBrokenCredentials_EndsUnauthenticated(string? authorization)
    {
        GrpcReply reply = await _client.CallAsync(Submit, OneBatch(1), headers =>
        {
            if (authorization is not null) headers.TryAddWithoutValidation("authorization", authorization);
        });
        Assert.Equal(GrpcStatusCode.Unauthenticated, reply.Code);
        Assert.Empty(_ingest.Submitted);
    }

    [Fact]
    public async Task Submit_WrongSecret_IsCheckedEveryTime()
    {
        for (int i = 0; i < 2; i++)
        {
            GrpcReply reply = await _client.CallAsync(Submit, OneBatch(1), headers => headers.Add("authorization", FakeIngest.Basic(secret: "wrong")));
            Assert.Equal(GrpcStatusCode.Unauthenticated, reply.Code);
        }

        Assert.Equal(2, _ingest.Authentications);
    }

    [Fact]
    public async Task Submit_SameCredentials_AreCheckedOnceUntilTheyAge()
    {
        for (int i = 0; i < 5; i++) await _client.CallAsync(Submit, OneBatch(1), AsDevice);
        Assert.Equal(1, _ingest.Authentications);
        _time.Advance(TimeSpan.FromSeconds(30));
        await _client.CallAsync(Submit, OneBatch(1), AsDevice);
        Assert.Equal(2, _ingest.Authentications);
    }

    [Theory]
    [InlineData(RefusalReason.Overloaded, GrpcStatusCode.ResourceExhausted)]
    [InlineData(RefusalReason.StorageUnavailable, GrpcStatusCode.Unavailable)]
    public async Task Submit_EveryBatchRefusedForNow_EndsWithRetryInfo(RefusalReason reason, GrpcStatusCode expected)
    {
        _ingest.Settle = _ => new IngestTicket(IngestOutcome.Refused, reason, 0, 2500);
        GrpcReply reply = await _client.CallAsync(Submit, OneBatch(1), AsDevice);
        Assert.Equal(expected, reply.Code);
        Status status = Status.Parser.ParseFrom(reply.Details);
        Assert.Equal((int)expected, status.Code);
        Assert.Equal("type.googleapis.com/google.rpc.RetryInfo", status.Details[0].TypeUrl);
        Assert.Equal(2500, status.Details[0].Unpack<RetryInfo>().RetryDelay.ToTimeSpan().TotalMilliseconds);
    }

    [Theory]
    [InlineData(RefusalReason.TooLarge, GrpcStatusCode.InvalidArgument)]
    [InlineData(RefusalReason.ErasedEpoch, GrpcStatusCode.FailedPrecondition)]
    [InlineData(RefusalReason.NotAuthorized, GrpcStatusCode.PermissionDenied)]
    public async Task Submit_EveryBatchRefusedForGood_SaysWhichAndWhy(RefusalReason reason, GrpcStatusCode expected)
    {
        _ingest.Settle = _ => new IngestTicket(IngestOutcome.Refused, reason, 0, 0);
        GrpcReply reply = await _client.CallAsync(Submit, OneBatch(1), AsDevice);
        Assert.Equal(expected, reply.Code);
        Assert.Contains("batch 0", reply.Message, StringComparison.Ordinal);
        Assert.Null(reply.Details);
    }

    [Fact]
    public async Task Submit_SomeRefused_AnswersOkWithEachResult()
    {
        _ingest.Settle = batch => batch[0] == 1 ? Stored : new IngestTicket(IngestOutcome.Refused, RefusalReason.Overloaded, 0, 500);
        GrpcReply reply = await _client.CallAsync(Submit, new SubmitRequest { Batches = { ByteString.CopyFrom(1), ByteString.CopyFrom(9) } }, AsDevice);
        SubmitResponse response = SubmitResponse.Parser.ParseFrom(Assert.Single(reply.Messages));
        Assert.Equal([new BatchResult { Outcome = Outcome.Stored }, new BatchResult { Outcome = Outcome.Refused, Reason = "overloaded", RetryAfterMs = 500 }], response.Results);
    }

    [Fact]
    public async Task Submit_NoBatches_AnswersTheTag()
    {
        GrpcReply reply = await _client.CallAsync(Submit, new SubmitRequest { Tag = ulong.MaxValue }, AsDevice);
        Assert.Equal(new SubmitResponse { Tag = ulong.MaxValue }, SubmitResponse.Parser.ParseFrom(Assert.Single(reply.Messages)));
    }

    [Fact]
    public async Task Submit_TooManyBatches_EndsInvalidArgumentAndStoresNothing()
    {
        SubmitRequest request = new();
        for (int i = 0; i < 9; i++) request.Batches.Add(ByteString.CopyFrom(1));
        GrpcReply reply = await _client.CallAsync(Submit, request, AsDevice);
        Assert.Equal(GrpcStatusCode.InvalidArgument, reply.Code);
        Assert.Empty(_ingest.Submitted);
    }

    [Fact]
    public async Task Submit_HubRelays_StoresForTheOtherDevice()
    {
        SubmitRequest request = OneBatch(1);
        request.Device = "acme/d2";
        GrpcReply reply = await _client.CallAsync(Submit, request, headers => headers.Add("authorization", FakeIngest.Basic("acme/h1")));
        Assert.Equal(GrpcStatusCode.Ok, reply.Code);
        Assert.Equal("d2", Assert.Single(_ingest.Submitted).Device);
    }

    [Fact]
    public async Task Submit_RelayWithoutRight_EndsPermissionDenied()
    {
        SubmitRequest request = OneBatch(1);
        request.Device = "acme/d2";
        GrpcReply reply = await _client.CallAsync(Submit, request, AsDevice);
        Assert.Equal(GrpcStatusCode.PermissionDenied, reply.Code);
        Assert.Empty(_ingest.Submitted);
    }

    [Fact]
    public async Task Upload_ManyRequests_SumsTheirOutcomes()
    {
        _ingest.Settle = batch => new IngestTicket((IngestOutcome)batch[0], batch[0] == 4 ? RefusalReason.TooLarge : RefusalReason.None, 0, 0);
        byte[] body = [.. Enumerable.Range(0, 1000).SelectMany(i => GrpcTestClient.Frame(OneBatch((byte)(1 + (i % 4)))))];
        GrpcReply reply = await _client.CallAsync("telemetry.v1.Ingest/Upload", body, AsDevice);
        UploadSummary summary = UploadSummary.Parser.ParseFrom(Assert.Single(reply.Messages));
        Assert.Equal(new UploadSummary { Stored = 250, Duplicate = 250, DeadLettered = 250, Refused = 250 }, summary);
    }

    [Fact]
    public async Task Stream_ManyInFlight_AnswersAllInOrderAfterOneFlush()
    {
        const int Requests = 100;
        TaskCompletionSource allSubmitted = new();
        _ingest.FlushesAtOnce = false;
        _ingest.OnSubmitted = count =>
        {
            if (count == Requests) allSubmitted.SetResult();
        };
        using GrpcTestStream stream = _client.Open(StreamMethod, AsDevice);
        await stream.WriteAsync(Enumerable.Range(0, Requests).SelectMany(i => GrpcTestClient.Frame(OneBatch(1, (ulong)i))).ToArray());
        await allSubmitted.Task.WaitAsync(GrpcTestClient.Limit);
        Task<byte[]?> first = stream.ReadAsync();
        Assert.False(first.IsCompleted);
        _ingest.Flush();
        Assert.Equal(0ul, SubmitResponse.Parser.ParseFrom(await first).Tag);
        for (ulong tag = 1; tag < Requests; tag++) Assert.Equal(tag, SubmitResponse.Parser.ParseFrom(await stream.ReadAsync()).Tag);
        stream.Complete();
        Assert.Equal(GrpcStatusCode.Ok, (await stream.EndAsync()).Code);
    }

    [Fact]
    public async Task Stream_AheadOfTheFlushByItsBound_IsReadNoFurther()
    {
        // Two groups of 512 may be in flight; the body is one write, so whatever the server reads at once, it must stop at 1,024.
        const int InFlight = 2 * 512;
        TaskCompletionSource full = new();
        int submitted = 0;
        _ingest.FlushesAtOnce = false;
        _ingest.OnSubmitted = count =>
        {
            submitted = count;
            if (count == InFlight) full.TrySetResult();
        };
        using GrpcTestStream stream = _client.Open(StreamMethod, AsDevice);
        await stream.WriteAsync(Enumerable.Range(0, 3 * 512).SelectMany(i => GrpcTestClient.Frame(OneBatch(1, (ulong)i))).ToArray());
        stream.Complete();

        // Pipe reads may cut the groups shorter than 512, so every flush moves the window on; never is more than the bound unflushed.
        for (ulong tag = 0; tag < 3 * 512; tag++)
        {
            Task<byte[]?> answer = stream.ReadAsync();
            while (!answer.IsCompleted)
            {
                _ingest.Flush();
                await Task.Yield();
            }

            Assert.Equal(tag, SubmitResponse.Parser.ParseFrom(await answer).Tag);
            Assert.True(submitted <= (int)tag + 1 + InFlight + 512, $"{submitted} submitted while {tag} is answered.");
        }

        Assert.Equal(GrpcStatusCode.Ok, (await stream.EndAsync()).Code);
    }

    [Fact]
    public async Task Stream_BadMessage_AnswersWhatCameBeforeAndEndsInvalidArgument()
    {
        using GrpcTestStream stream = _client.Open(StreamMethod, AsDevice);
        byte[] goodThenBad = [.. GrpcTestClient.Frame(OneBatch(1, 5)), .. GrpcTestClient.Frame([0x12, 0x7F])];
        await stream.WriteAsync(goodThenBad);
        Assert.Equal(5ul, SubmitResponse.Parser.ParseFrom(await stream.ReadAsync()).Tag);
        Assert.Equal(GrpcStatusCode.InvalidArgument, (await stream.EndAsync()).Code);
        Assert.Single(_ingest.Submitted);
    }

    [Fact]
    public async Task Stream_Overload_IsAnsweredBatchByBatch()
    {
        _ingest.Settle = _ => new IngestTicket(IngestOutcome.Refused, RefusalReason.Overloaded, 0, 100);
        using GrpcTestStream stream = _client.Open(StreamMethod, AsDevice);
        await stream.WriteAsync(OneBatch(1, 5));
        BatchResult result = Assert.Single(SubmitResponse.Parser.ParseFrom(await stream.ReadAsync()).Results);
        Assert.Equal(new BatchResult { Outcome = Outcome.Refused, Reason = "overloaded", RetryAfterMs = 100 }, result);
    }

    [Fact]
    public async Task Stream_CollectorStopping_SettlesWhatIsInFlightAndEndsUnavailable()
    {
        TaskCompletionSource submitted = new();
        _ingest.FlushesAtOnce = false;
        _ingest.OnSubmitted = _ => submitted.SetResult();
        using GrpcTestStream stream = _client.Open(StreamMethod, AsDevice);
        await stream.WriteAsync(OneBatch(1, 5));
        await submitted.Task.WaitAsync(GrpcTestClient.Limit);
        Task stopped = _server.StopAsync();
        _ingest.Flush();
        Assert.Equal(5ul, SubmitResponse.Parser.ParseFrom(await stream.ReadAsync()).Tag);
        Assert.Equal(GrpcStatusCode.Unavailable, (await stream.EndAsync()).Code);
        stream.Complete();
        await stopped.WaitAsync(GrpcTestClient.Limit);
    }

    [Fact]
    public async Task Commands_SendsThePresentOneAndEveryNewOne()
    {
        Command first = new() { Version = 1 };
        Command second = new() { Version = 2 };
        _ingest.Command = first.ToByteArray();
        using GrpcTestStream stream = _client.Open("telemetry.v1.Ingest/Commands", AsDevice);
        await stream.WriteAsync(new CommandsRequest());
        stream.Complete();
        Assert.Equal(first, Command.Parser.ParseFrom(await stream.ReadAsync()));
        _ingest.ChangeCommand(second.ToByteArray());
        Assert.Equal(second, Command.Parser.ParseFrom(await stream.ReadAsync()));
    }

    private static IngestTicket Stored => new(IngestOutcome.Stored, RefusalReason.None, 0, 0);

    private static SubmitRequest OneBatch(byte content, ulong tag = 0) => new() { Tag = tag, Batches = { ByteString.CopyFrom(content) } };

    private static void AsDevice(HttpRequestHeaders headers) => headers.Add("authorization", FakeIngest.Basic());
}
