using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Telemetry.EndToEnd.Tests;
using Telemetry.Wire.V1;
using IngestClient = Telemetry.Wire.V1.Ingest.IngestClient;
using RegistryClient = Telemetry.Wire.V1.Registry.RegistryClient;

namespace Telemetry.PackagePeers.Tests;

/// <summary>Grpc.Net.Client with the stubs Grpc.Tools makes of proto/, over every kind of call.</summary>
public sealed class GrpcNetClientTests
{
    private const long Noon = 1_767_268_800_000; // 2026-01-01 12:00 UTC

    // A failure's bound, never a wait: everything below is answered by the collector.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Submit_BatchTwice_IsStoredThenADuplicate()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "hub");
        using GrpcChannel channel = Open(collector);
        IngestClient ingest = new(channel);
        SubmitRequest request = Request(7, PeerBatches.HeartRates(0xC0FFEE, 1, Noon, 80, 81, 83));

        SubmitResponse first = await ingest.SubmitAsync(request, Call(secret));
        SubmitResponse second = await ingest.SubmitAsync(request, Call(secret));

        Assert.Equal((7ul, Outcome.Stored), (first.Tag, Assert.Single(first.Results).Outcome));
        Assert.Equal((7ul, Outcome.Duplicate), (second.Tag, Assert.Single(second.Results).Outcome));
        Assert.Equal(new double[] { 80, 81, 83 }, await collector.SamplesAsync("acme/hub", "heart_rate"));
    }

    [Fact]
    public async Task Submit_Gzip_IsStored()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "hub");
        using GrpcChannel channel = Open(collector);
        CallOptions call = Call(secret);
        call.Headers!.Add("grpc-internal-encoding-request", "gzip"); // How this client is asked to compress a request.

        SubmitResponse response = await new IngestClient(channel).SubmitAsync(Request(0, PeerBatches.HeartRates(0xC0FFEE, 1, Noon, 80)), call);

        Assert.Equal(Outcome.Stored, Assert.Single(response.Results).Outcome);
    }

    [Fact]
    public async Task Stream_ManyInFlight_EachIsAnsweredInItsOrder()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "hub");
        using GrpcChannel channel = Open(collector);
        using AsyncDuplexStreamingCall<SubmitRequest, SubmitResponse> call = new IngestClient(channel).Stream(Call(secret));
        int[] values = [.. Enumerable.Range(40, 100)];

        // All are written before the first answer is read.
        for (int i = 0; i < values.Length; i++) await call.RequestStream.WriteAsync(Request((ulong)i, PeerBatches.HeartRates(0xC0FFEE, (ulong)i + 1, Noon + 60_000 * i, values[i])));
        await call.RequestStream.CompleteAsync();
        List<(ulong, Outcome)> answers = [];
        await foreach (SubmitResponse response in call.ResponseStream.ReadAllAsync()) answers.Add((response.Tag, Assert.Single(response.Results).Outcome));

        Assert.Equal(Enumerable.Range(0, 100).Select(i => ((ulong)i, Outcome.Stored)), answers);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
        Assert.Equal(values.Select(value => (double)value), await collector.SamplesAsync("acme/hub", "heart_rate"));
    }

    [Fact]
    public async Task Upload_OneBatchTwice_SummaryCountsBoth()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "hub");
        using GrpcChannel channel = Open(collector);
        using AsyncClientStreamingCall<SubmitRequest, UploadSummary> call = new IngestClient(channel).Upload(Call(secret));
        foreach (ulong seq in new[] { 1ul, 2ul, 1ul }) await call.RequestStream.WriteAsync(Request(seq, PeerBatches.HeartRates(0xC0FFEE, seq, Noon, 80)));
        await call.RequestStream.CompleteAsync();

        Assert.Equal(new UploadSummary { Stored = 2, Duplicate = 1 }, await call.ResponseAsync);
    }

    [Fact]
    public async Task Commands_ABatchIsMissing_CommandAsksForIt()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "hub");
        using GrpcChannel channel = Open(collector);
        IngestClient ingest = new(channel);
        await ingest.SubmitAsync(Request(0, PeerBatches.HeartRates(0xC0FFEE, 1, Noon, 60), PeerBatches.HeartRates(0xC0FFEE, 3, Noon, 62)), Call(secret));

        using AsyncServerStreamingCall<Command> call = ingest.Commands(new CommandsRequest(), Call(secret));
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));

        SeqRange missing = Assert.Single(call.ResponseStream.Current.Resend);
        Assert.Equal((0xC0FFEEu, 2ul, 2ul), (missing.Epoch, missing.First, missing.Last));
    }

    // The stream of commands never ends by itself, so its deadline is the only end it can have.
    [Fact]
    public async Task Commands_Deadline_EndsTheCall()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        string secret = await collector.AddDeviceAsync("acme", "hub");
        using GrpcChannel channel = Open(collector);
        using AsyncServerStreamingCall<Command> call = new IngestClient(channel).Commands(new CommandsRequest(), Call(secret, TimeSpan.FromSeconds(1)));

        RpcException ended = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext(CancellationToken.None)) Assert.NotEqual(0ul, call.ResponseStream.Current.ServerUnixMs);
        });

        Assert.Equal(StatusCode.DeadlineExceeded, ended.StatusCode);
    }

    [Fact]
    public async Task Submit_WrongSecret_IsUnauthenticated()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        await collector.AddDeviceAsync("acme", "hub");
        using GrpcChannel channel = Open(collector);

        RpcException refused = await Assert.ThrowsAsync<RpcException>(
            async () => await new IngestClient(channel).SubmitAsync(Request(0, PeerBatches.HeartRates(0xC0FFEE, 1, Noon, 80)), Call("not the secret")));

        Assert.Equal(StatusCode.Unauthenticated, refused.StatusCode);
    }

    [Fact]
    public async Task ListDevices_OperatorToken_AnswersTheRegistry()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        await collector.AddDeviceAsync("acme", "hub");
        using GrpcChannel channel = Open(collector);
        Metadata headers = new() { { "authorization", $"Bearer {collector.OperatorToken}" } };

        DeviceList list = await new RegistryClient(channel).ListDevicesAsync(new ListRequest(), headers);

        Wire.V1.Device device = Assert.Single(list.Devices);
        Assert.Equal(("acme", "hub", "peer"), (device.Brand, device.Device_, device.Model));
    }

    private static GrpcChannel Open(CollectorProcess collector) => GrpcChannel.ForAddress($"http://127.0.0.1:{collector.GrpcPort}");

    private static CallOptions Call(string secret, TimeSpan? limit = null) => new(
        new Metadata { { "authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"acme/hub:{secret}")) } },
        (TimeProvider.System.GetUtcNow() + (limit ?? Limit)).UtcDateTime);

    private static SubmitRequest Request(ulong tag, params byte[][] batches) => new() { Tag = tag, Batches = { batches.Select(batch => ByteString.CopyFrom(batch)) } };
}
