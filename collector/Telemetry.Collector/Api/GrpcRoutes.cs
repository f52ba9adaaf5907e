using Telemetry.Grpc;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Api;

/// <summary>What the gRPC listener answers besides ingest, health and reflection.</summary>
internal static class GrpcRoutes
{
    public static void AddTo(GrpcMethods methods, Rooms rooms)
    {
        GrpcAuthorization isOperator = GrpcAuthorizations.Bearer(token => rooms.Folder.IsOperator(token));
        methods.Describe(() => RegistryReflection.Descriptor).Describe(() => QueryReflection.Descriptor)
            .Describe(() => AnswersReflection.Descriptor).Describe(() => RightsReflection.Descriptor);
        SamplesEndpoint.AddTo(methods, isOperator, rooms.Samples);
        ExportEndpoint.AddTo(methods, isOperator, rooms.Export);
        foreach (ApiMethod method in ApiTable.Of(rooms)) method.AddTo(methods, isOperator);
    }
}
