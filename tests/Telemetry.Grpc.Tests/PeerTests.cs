using System.Text;
using Google.Protobuf;
using Telemetry.Testing;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.V1;

namespace Telemetry.Grpc.Tests;

/// <summary>Clients we did not write, over every call type, h2c and TLS. What they check stands in Peers/.</summary>
public sealed class PeerTests : IDisposable
{
    private static readonly string[] CallTypes = ["unary", "client streaming", "bidirectional streaming", "server streaming"];

    private readonly TempFolder _folder = new();
    private readonly FakeIngest _ingest = new() { Command = new Command { Version = 3 }.ToByteArray(), Settle = SettleByName };

    public void Dispose() => _folder.Dispose();

    [RealPartFact("python:grpc", "python:grpc_tools")]
    public async Task Grpcio_EveryCallTypeAndRule_Agrees()
    {
        await using GrpcServer server = await GrpcServer.StartAsync(_ingest);
        string[] roots = [Path.Combine(RealParts.RepositoryRoot, "proto"), Path.Combine(RealParts.RepositoryRoot, "collector", "Telemetry.Grpc", "Protos")];
        string[] files =
        [
            "telemetry/v1/ingest.proto", "telemetry/v1/registry.proto", "telemetry/v1/query.proto",
            "grpc/health/v1/health.proto", "grpc/reflection/v1/reflection.proto", "grpc/reflection/v1alpha/reflection.proto",
        ];
        var protoc = await ChildProcess.RunAsync(
            RealParts.Python, ["-m", "grpc_tools.protoc", .. roots.Select(root => "-I" + root), "--include_imports", "--descriptor_set_out=" + _folder["all.pb"], .. files]);
        Assert.True(protoc.ExitCode == 0, protoc.Transcript);

        string script = Path.Combine(RealParts.RepositoryRoot, "tests", "Telemetry.Grpc.Tests", "Peers", "grpcio_peer.py");
        var peer = await ChildProcess.RunAsync(RealParts.Python, [script, _folder["all.pb"], .. Arguments(server)]);
        Assert.True(peer.ExitCode == 0, peer.Transcript);
        AssertDone(peer.Output, "unknown method", "message too large", "metadata", "reflection v1", "reflection v1alpha");
        Assert.Contains(_ingest.Submitted, batch => Encoding.UTF8.GetString(batch.Batch) == "reflected");
    }

    [RealPartFact("npm:@grpc/grpc-js", "npm:@grpc/proto-loader")]
    public async Task GrpcJs_EveryCallTypeAndRule_Agrees()
    {
        await using GrpcServer server = await GrpcServer.StartAsync(_ingest);
        string script = Path.Combine(RealParts.RepositoryRoot, "tests", "Telemetry.Grpc.Tests", "Peers", "grpc_js_peer.js");
        var peer = await ChildProcess.RunAsync(
            RealParts.PathOf("node")!, [script, RealParts.RepositoryRoot, .. Arguments(server)],
            environment: new Dictionary<string, string> { ["NODE_PATH"] = RealParts.NodeModules });
        Assert.True(peer.ExitCode == 0, peer.Transcript);
        AssertDone(peer.Output, "unknown method", "reflection");
        Assert.Contains(_ingest.Submitted, batch => Encoding.UTF8.GetString(batch.Batch) == "js");
    }

    [RealPartFact("h2load")]
    public async Task H2load_ManyUnaryCallsOverFewConnections_EachIsSettledOnce()
    {
        const int Calls = 20_000;
        await using GrpcServer server = await GrpcServer.StartAsync(_ingest);
        await File.WriteAllBytesAsync(_folder["body"], GrpcTestClient.Frame(new SubmitRequest { Tag = 1, Batches = { ByteString.CopyFrom(new byte[60]) } }));
        var load = await ChildProcess.RunAsync(
            RealParts.PathOf("h2load")!,
            [
                "-n", $"{Calls}", "-c", "4", "-m", "50", "-d", _folder["body"], "-H", "content-type: application/grpc", "-H", "te: trailers",
                "-H", "authorization: " + FakeIngest.Basic(), $"http://127.0.0.1:{server.PlainPort}/telemetry.v1.Ingest/Submit",
            ]);
        Assert.True(load.ExitCode == 0, load.Transcript);
        Assert.Equal(Calls, server.Metrics.Calls(GrpcStatusCode.Ok));
        Assert.Equal(Calls, _ingest.Submitted.Count);
        Assert.InRange(_ingest.Authentications, 1, 200);
        Assert.Equal(0, server.Metrics.Active);
    }

    /// <summary>A batch that says how it wants to be refused is.</summary>
    private static IngestTicket SettleByName(byte[] batch) => Encoding.UTF8.GetString(batch) switch
    {
        "overloaded" => new IngestTicket(IngestOutcome.Refused, RefusalReason.Overloaded, 0, RetryAfterMs: 2500),
        "no storage" => new IngestTicket(IngestOutcome.Refused, RefusalReason.StorageUnavailable, 0, RetryAfterMs: 2500),
        "too large" => new IngestTicket(IngestOutcome.Refused, RefusalReason.TooLarge, 0, 0),
        _ => new IngestTicket(IngestOutcome.Stored, RefusalReason.None, 0, 0),
    };

    private string[] Arguments(GrpcServer server)
    {
        File.WriteAllText(_folder["server.pem"], GrpcServer.Certificate.ExportCertificatePem());
        return [$"{server.PlainPort}", $"{server.TlsPort}", _folder["server.pem"], FakeIngest.Basic(), GrpcServer.OperatorToken];
    }

    private static void AssertDone(string output, params string[] more)
    {
        string[] expected =
        [
            .. CallTypes.Select(type => "h2c " + type), .. CallTypes.Select(type => "TLS " + type),
            "wrong credentials", "refusals", "status message", "gzip", "deadline", "cancellation", "health", .. more,
        ];
        Assert.Equal(expected.Select(name => "ok " + name).Order(), output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());
    }
}
