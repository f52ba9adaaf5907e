using Google.Protobuf.Reflection;

namespace Telemetry.Grpc.Reflection;

/// <summary>The standard reflection service: tells a stock client (grpcurl, Postman) which services are here and what their messages look like.</summary>
/// <remarks>v1 and v1alpha differ only in their package, so v1alpha's requests are read and its responses written as v1's.</remarks>
internal sealed class ReflectionService
{
    private readonly GrpcMethods _methods;
    private readonly Dictionary<string, FileDescriptor> _byFileName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FileDescriptor> _bySymbol = new(StringComparer.Ordinal);

    public ReflectionService(GrpcMethods methods)
    {
        _methods = methods;
        methods.Describe(V1.ReflectionReflection.Descriptor).Describe(V1Alpha.ReflectionReflection.Descriptor);
        foreach (FileDescriptor file in methods.Files) AddFile(file);
    }

    public void AddTo(GrpcMethods methods) => methods
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
                AnswerFile(response, _byFileName.GetValueOrDefault(request.FileByFilename), $"File '{request.FileByFilename}' is unknown here.");
                break;
            case V1.ServerReflectionRequest.MessageRequestOneofCase.FileContainingSymbol:
                AnswerFile(response, _bySymbol.GetValueOrDefault(request.FileContainingSymbol), $"Symbol '{request.FileContainingSymbol}' is unknown here.");
                break;
            case V1.ServerReflectionRequest.MessageRequestOneofCase.AllExtensionNumbersOfType when _bySymbol.ContainsKey(request.AllExtensionNumbersOfType):
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

    private void AddFile(FileDescriptor file)
    {
        if (!_byFileName.TryAdd(file.Name, file)) return;
        foreach (FileDescriptor import in file.Dependencies) AddFile(import);
        foreach (MessageDescriptor message in file.MessageTypes) AddMessage(message);
        foreach (EnumDescriptor type in file.EnumTypes) AddEnum(type);
        foreach (ServiceDescriptor service in file.Services)
        {
            _bySymbol[service.FullName] = file;
            foreach (MethodDescriptor method in service.Methods) _bySymbol[method.FullName] = file;
        }
    }

    private void AddMessage(MessageDescriptor message)
    {
        _bySymbol[message.FullName] = message.File;
        foreach (FieldDescriptor field in message.Fields.InDeclarationOrder()) _bySymbol[field.FullName] = message.File;
        foreach (MessageDescriptor nested in message.NestedTypes) AddMessage(nested);
        foreach (EnumDescriptor type in message.EnumTypes) AddEnum(type);
    }

    private void AddEnum(EnumDescriptor type)
    {
        _bySymbol[type.FullName] = type.File;
        // Enum values are named beside their type, not inside it (protobuf, "Enumerations").
        string scope = type.FullName[..^type.Name.Length];
        foreach (EnumValueDescriptor value in type.Values) _bySymbol[scope + value.Name] = type.File;
    }
}
