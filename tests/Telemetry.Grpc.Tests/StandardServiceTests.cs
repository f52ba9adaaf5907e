using Google.Protobuf.Reflection;
using Telemetry.Grpc.Health.V1;
using Telemetry.Grpc.Reflection.V1;
using static Telemetry.Grpc.Health.V1.HealthCheckResponse.Types;

namespace Telemetry.Grpc.Tests;

/// <summary>Health and reflection, as stock clients ask them.</summary>
public sealed class StandardServiceTests : IAsyncLifetime
{
    private GrpcServer _server = null!;
    private GrpcTestClient _client = null!;

    public async Task InitializeAsync()
    {
        _server = await GrpcServer.StartAsync(new FakeIngest());
        _client = new GrpcTestClient(_server);
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("")]
    [InlineData("telemetry.v1.Ingest")]
    [InlineData("grpc.health.v1.Health")]
    public async Task HealthCheck_KnownService_FollowsTheServer(string service)
    {
        Assert.Equal(ServingStatus.Serving, await CheckAsync(service));
        _server.Health.IsServing = false;
        Assert.Equal(ServingStatus.NotServing, await CheckAsync(service));
    }

    [Fact]
    public async Task HealthCheck_UnknownService_EndsNotFound()
    {
        GrpcReply reply = await _client.CallAsync("grpc.health.v1.Health/Check", new HealthCheckRequest { Service = "nowhere.Nothing" });
        Assert.Equal(GrpcStatusCode.NotFound, reply.Code);
    }

    [Fact]
    public async Task HealthWatch_SendsTheStateAndEveryChange()
    {
        using GrpcTestStream stream = _client.Open("grpc.health.v1.Health/Watch");
        await stream.WriteAsync(new HealthCheckRequest { Service = "telemetry.v1.Ingest" });
        stream.Complete();
        Assert.Equal(ServingStatus.Serving, await ReadAsync(stream));
        _server.Health.IsServing = false;
        Assert.Equal(ServingStatus.NotServing, await ReadAsync(stream));
        _server.Health.IsServing = true;
        Assert.Equal(ServingStatus.Serving, await ReadAsync(stream));
    }

    [Fact]
    public async Task HealthWatch_UnknownService_SaysSoAndStaysOpen()
    {
        using GrpcTestStream stream = _client.Open("grpc.health.v1.Health/Watch");
        await stream.WriteAsync(new HealthCheckRequest { Service = "nowhere.Nothing" });
        stream.Complete();
        Assert.Equal(ServingStatus.ServiceUnknown, await ReadAsync(stream));
        Assert.Equal(1, _server.Metrics.Active);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v1alpha")]
    public async Task Reflection_ListsServices(string version)
    {
        ServerReflectionResponse response = await ReflectAsync(new ServerReflectionRequest { ListServices = "*" }, version);
        Assert.Equal(
            [
                "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
                "telemetry.v1.Ingest", "telemetry.v1.Query", "telemetry.v1.Registry", "test.Shapes",
            ],
            response.ListServicesResponse.Service.Select(service => service.Name));
    }

    [Theory]
    [InlineData("telemetry.v1.Ingest", "telemetry/v1/ingest.proto")]
    [InlineData("telemetry.v1.Ingest.Submit", "telemetry/v1/ingest.proto")]
    [InlineData("telemetry.v1.SubmitRequest", "telemetry/v1/ingest.proto")]
    [InlineData("telemetry.v1.Command", "telemetry/v1/commands.proto")]
    [InlineData("telemetry.v1.OUTCOME_STORED", "telemetry/v1/ingest.proto")]
    [InlineData("grpc.reflection.v1alpha.ServerReflection", "grpc/reflection/v1alpha/reflection.proto")]
    public async Task Reflection_FileOfSymbol_BringsItsImports(string symbol, string file)
    {
        ServerReflectionResponse response = await ReflectAsync(new ServerReflectionRequest { FileContainingSymbol = symbol });
        FileDescriptorProto[] files = [.. response.FileDescriptorResponse.FileDescriptorProto.Select(bytes => FileDescriptorProto.Parser.ParseFrom(bytes))];
        Assert.Equal(file, files[0].Name);
        Assert.All(files.SelectMany(one => one.Dependency), import => Assert.Contains(files, one => one.Name == import));
    }

    [Fact]
    public async Task Reflection_UnknownNames_AnswerNotFoundAndTheStreamGoesOn()
    {
        using GrpcTestStream stream = _client.Open("grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
        ServerReflectionRequest[] unknown =
        [
            new() { FileByFilename = "none.proto" }, new() { FileContainingSymbol = "none.None" }, new() { AllExtensionNumbersOfType = "none.None" },
            new() { FileContainingExtension = new ExtensionRequest { ContainingType = "telemetry.v1.Batch", ExtensionNumber = 100 } },
        ];
        foreach (ServerReflectionRequest request in unknown)
        {
            await stream.WriteAsync(request);
            ServerReflectionResponse response = ServerReflectionResponse.Parser.ParseFrom(await stream.ReadAsync());
            Assert.Equal((int)GrpcStatusCode.NotFound, response.ErrorResponse.ErrorCode);
            Assert.Equal(request, response.OriginalRequest);
        }
    }

    private async Task<ServingStatus> CheckAsync(string service)
    {
        GrpcReply reply = await _client.CallAsync("grpc.health.v1.Health/Check", new HealthCheckRequest { Service = service });
        return HealthCheckResponse.Parser.ParseFrom(Assert.Single(reply.Messages)).Status;
    }

    private static async Task<ServingStatus> ReadAsync(GrpcTestStream stream) => HealthCheckResponse.Parser.ParseFrom(await stream.ReadAsync()).Status;

    private async Task<ServerReflectionResponse> ReflectAsync(ServerReflectionRequest request, string version = "v1")
    {
        GrpcReply reply = await _client.CallAsync($"grpc.reflection.{version}.ServerReflection/ServerReflectionInfo", request);
        return ServerReflectionResponse.Parser.ParseFrom(Assert.Single(reply.Messages));
    }
}
