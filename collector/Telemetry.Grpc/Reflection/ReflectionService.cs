using Google.Protobuf.Reflection;

namespace Telemetry.Grpc.Reflection;

/// <summary>The standard reflection service: tells a stock client (grpcurl, Postman) which services are here and what their messages look like.</summary>
/// <remarks>v1 and v1alpha differ only in their package, so v1alpha's requests are read and its responses written as v1's.</remarks>
internal sealed class ReflectionService
{
    private readonly GrpcMethods _methods;
    private readonly Lazy<DescriptorIndex> _index;

    public ReflectionService(GrpcMethods methods) => (_methods, _index) = (methods, new Lazy<DescriptorIndex>(() => new DescriptorIndex(methods.Files)));

    public void AddTo(GrpcMethods methods) => methods
        .Describe(() => V1.ReflectionReflection.Descriptor)
        .Describe(() => V1Alpha.ReflectionReflection.Descriptor)
        .Duplex<V1.ServerReflectionRequest, V1.ServerReflectionResponse>("grpc.reflection.v1.ServerReflection/ServerReflectionInfo", AnswerAllAsync)
        .Duplex<V1.ServerReflectionRequest, V1.ServerReflectionResponse>("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", AnswerAllAsync);

    private async IAsyncEnumerable<V1.ServerReflectionResponse> AnswerAllAsync(IAsyncEnumerable<V1.ServerReflectionRequest> requests, GrpcCall call)
    {
        await foreach (V1.ServerReflectionRequest request in requests.WithCancellation(call.Cancellation)) yield return Answer(request);
    }

    private V1.ServerReflectionResponse Answer(V1.ServerReflectionRequest request)
    {
        V1.ServerReflectionResponse response = new() { ValidHost = request.Host, OriginalRequest = request };
        switch (request.MessageRequestCase)
        {
            case V1.ServerReflectionRequest.MessageRequestOneofCase.ListServices:
                response.ListServicesResponse = new V1.ListServiceResponse { Service = { _methods.Services.Select(name => new V1.ServiceResponse { Name = name }) } };
                break;
            case V1.ServerReflectionRequest.MessageRequestOneofCase.FileByFilename:
                AnswerFile(response, _index.Value.File(request.FileByFilename), $"File '{request.FileByFilename}' is unknown here.");
                break;
            case V1.ServerReflectionRequest.MessageRequestOneofCase.FileContainingSymbol:
                AnswerFile(response, _index.Value.FileOfSymbol(request.FileContainingSymbol), $"Symbol '{request.FileContainingSymbol}' is unknown here.");
                break;
            case V1.ServerReflectionRequest.MessageRequestOneofCase.AllExtensionNumbersOfType when _index.Value.FileOfSymbol(request.AllExtensionNumbersOfType) is not null:
                response.AllExtensionNumbersResponse = new V1.ExtensionNumberResponse { BaseTypeName = request.AllExtensionNumbersOfType };
                break;
            case V1.ServerReflectionRequest.MessageRequestOneofCase.AllExtensionNumbersOfType:
            case V1.ServerReflectionRequest.MessageRequestOneofCase.FileContainingExtension:
                response.ErrorResponse = Error(GrpcStatusCode.NotFound, "The contract has no extensions.");
                break;
            default:
                response.ErrorResponse = Error(GrpcStatusCode.InvalidArgument, "The request asks for nothing.");
                break;
        }

        return response;
    }

    /// <summary>The file and everything it imports, so that one answer is enough.</summary>
    private static void AnswerFile(V1.ServerReflectionResponse response, FileDescriptor? file, string unknown)
    {
        if (file is null)
        {
            response.ErrorResponse = Error(GrpcStatusCode.NotFound, unknown);
            return;
        }

        response.FileDescriptorResponse = new V1.FileDescriptorResponse();
        HashSet<string> seen = new(StringComparer.Ordinal);
        Queue<FileDescriptor> open = new([file]);
        while (open.TryDequeue(out FileDescriptor? next))
        {
            if (!seen.Add(next.Name)) continue;
            response.FileDescriptorResponse.FileDescriptorProto.Add(next.SerializedData);
            foreach (FileDescriptor import in next.Dependencies) open.Enqueue(import);
        }
    }

    private static V1.ErrorResponse Error(GrpcStatusCode code, string message) => new() { ErrorCode = (int)code, ErrorMessage = message };
}
