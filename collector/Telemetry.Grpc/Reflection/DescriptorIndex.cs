using Google.Protobuf.Reflection;

namespace Telemetry.Grpc.Reflection;

/// <summary>The contract's files by their name and by every symbol they declare.</summary>
internal sealed class DescriptorIndex
{
    private readonly Dictionary<string, FileDescriptor> _byFileName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FileDescriptor> _bySymbol = new(StringComparer.Ordinal);

    public DescriptorIndex(IEnumerable<FileDescriptor> files)
    {
        foreach (FileDescriptor file in files) AddFile(file);
    }

    public FileDescriptor? File(string name) => _byFileName.GetValueOrDefault(name);

    public FileDescriptor? FileOfSymbol(string fullName) => _bySymbol.GetValueOrDefault(fullName);

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
