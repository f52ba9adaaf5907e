using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Telemetry.Device.Tests.Nano;

/// <summary>Reads an assembly's metadata and IL and names what the C# compiler accepts and the nanoFramework interpreter does not.</summary>
internal sealed class NanoSubset
{
    private static readonly OpCode?[] OneByte = new OpCode?[256];
    private static readonly OpCode?[] TwoByte = new OpCode?[256];

    private readonly MetadataReader _metadata;
    private readonly PEReader _image;
    private readonly Shapes _shapes;
    private readonly SortedSet<string> _found = new(StringComparer.Ordinal);

    static NanoSubset()
    {
        foreach (FieldInfo field in typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static))
        {
            OpCode code = (OpCode)field.GetValue(null)!;
            if (code.Size == 1) OneByte[code.Value & 0xFF] = code;
            else TwoByte[code.Value & 0xFF] = code;
        }
    }

    private NanoSubset(PEReader image)
    {
        _image = image;
        _metadata = image.GetMetadataReader();
        _shapes = new Shapes(_found);
    }

    /// <summary>What is forbidden in the types whose full name begins with <paramref name="prefix"/>, sorted, each kind once.</summary>
    public static IReadOnlyCollection<string> Violations(string assemblyPath, string prefix)
    {
        using PEReader image = new(File.OpenRead(assemblyPath));
        NanoSubset check = new(image);
        foreach (TypeDefinitionHandle handle in check._metadata.TypeDefinitions)
        {
            if (check.NameOf(handle).StartsWith(prefix, StringComparison.Ordinal)) check.CheckType(handle);
        }

        return check._found;
    }

    private string NameOf(TypeDefinitionHandle handle)
    {
        TypeDefinition type = _metadata.GetTypeDefinition(handle);
        string name = _metadata.GetString(type.Name);
        TypeDefinitionHandle outer = type.GetDeclaringType();
        return outer.IsNil ? $"{_metadata.GetString(type.Namespace)}.{name}" : $"{NameOf(outer)}/{name}";
    }

    private void CheckType(TypeDefinitionHandle handle)
    {
        TypeDefinition type = _metadata.GetTypeDefinition(handle);
        if (type.GetGenericParameters().Count > 0) _found.Add("generics");
        foreach (FieldDefinitionHandle field in type.GetFields()) _metadata.GetFieldDefinition(field).DecodeSignature(_shapes, null);
        bool isInterface = (type.Attributes & TypeAttributes.Interface) != 0;
        foreach (MethodDefinitionHandle methodHandle in type.GetMethods())
        {
            MethodDefinition method = _metadata.GetMethodDefinition(methodHandle);
            if (isInterface && (method.Attributes & MethodAttributes.Static) != 0 && (method.Attributes & MethodAttributes.Abstract) != 0) _found.Add("static abstract member");
            if (isInterface && method.RelativeVirtualAddress != 0) _found.Add("default interface method");
            if (method.GetGenericParameters().Count > 0) _found.Add("generics");
            method.DecodeSignature(_shapes, null);
            if (method.RelativeVirtualAddress != 0) CheckBody(_image.GetMethodBody(method.RelativeVirtualAddress));
        }
    }

    private void CheckBody(MethodBodyBlock body)
    {
        if (!body.LocalSignature.IsNil) _metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(_shapes, null);
        BlobReader il = body.GetILReader();
        EntityHandle constrainedTo = default;
        while (il.RemainingBytes > 0)
        {
            byte first = il.ReadByte();
            OpCode code = (first == 0xFE ? TwoByte[il.ReadByte()] : OneByte[first])
                ?? throw new BadImageFormatException($"unknown opcode 0x{first:X2}");
            string name = code.Name!;
            if (name.Contains(".ovf", StringComparison.Ordinal)) _found.Add("checked arithmetic");
            if (name == "localloc") _found.Add("stackalloc");
            if (name == "volatile.") _found.Add("volatile");
            if (name == "calli") _found.Add("function pointer");
            EntityHandle operand = ReadOperand(ref il, code);
            if (name == "constrained.") constrainedTo = operand;
            else if (name.StartsWith("call", StringComparison.Ordinal))
            {
                if (!constrainedTo.IsNil && IsToString(operand) && IsEnum(constrainedTo)) _found.Add("ToString of an enum");
                constrainedTo = default;
            }

            if (!operand.IsNil) CheckReference(operand);
        }
    }

    private static EntityHandle ReadOperand(ref BlobReader il, OpCode code)
    {
        switch (code.OperandType)
        {
            case OperandType.InlineNone:
                return default;
            case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                il.Offset += 1;
                return default;
            case OperandType.InlineVar:
                il.Offset += 2;
                return default;
            case OperandType.InlineI8 or OperandType.InlineR:
                il.Offset += 8;
                return default;
            case OperandType.InlineSwitch:
                int targets = il.ReadInt32(); // read first: += would add to the offset from before
                il.Offset += 4 * targets;
                return default;
            case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                return MetadataTokens.EntityHandle(il.ReadInt32());
            default:
                il.Offset += 4;
                return default;
        }
    }

    private void CheckReference(EntityHandle handle)
    {
        switch (handle.Kind)
        {
            case HandleKind.MethodSpecification:
                _found.Add("generics");
                break;
            case HandleKind.TypeSpecification:
                _metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(_shapes, null);
                break;
            case HandleKind.MemberReference:
                CheckReference(_metadata.GetMemberReference((MemberReferenceHandle)handle).Parent);
                break;
        }
    }

    private bool IsToString(EntityHandle method) => method.Kind switch
    {
        HandleKind.MemberReference => _metadata.GetString(_metadata.GetMemberReference((MemberReferenceHandle)method).Name) == "ToString",
        HandleKind.MethodDefinition => _metadata.GetString(_metadata.GetMethodDefinition((MethodDefinitionHandle)method).Name) == "ToString",
        _ => false,
    };

    private bool IsEnum(EntityHandle type)
    {
        if (type.Kind != HandleKind.TypeDefinition) return false;
        EntityHandle baseType = _metadata.GetTypeDefinition((TypeDefinitionHandle)type).BaseType;
        return baseType.Kind == HandleKind.TypeReference && _metadata.GetString(_metadata.GetTypeReference((TypeReferenceHandle)baseType).Name) == "Enum";
    }

    /// <summary>Walks signatures; only the forbidden shapes matter.</summary>
    private sealed class Shapes(SortedSet<string> found) : ISignatureTypeProvider<bool, object?>
    {
        public bool GetArrayType(bool elementType, ArrayShape shape) => found.Add("multi-dimensional array");

        public bool GetPointerType(bool elementType) => found.Add("pointer");

        public bool GetPinnedType(bool elementType) => found.Add("fixed");

        public bool GetFunctionPointerType(MethodSignature<bool> signature) => found.Add("function pointer");

        public bool GetGenericInstantiation(bool genericType, ImmutableArray<bool> typeArguments) => found.Add("generics");

        public bool GetGenericMethodParameter(object? genericContext, int index) => found.Add("generics");

        public bool GetGenericTypeParameter(object? genericContext, int index) => found.Add("generics");

        public bool GetModifiedType(bool modifier, bool unmodifiedType, bool isRequired) => isRequired && found.Add("volatile or required modifier");

        public bool GetByReferenceType(bool elementType) => false;

        public bool GetPrimitiveType(PrimitiveTypeCode typeCode) => false;

        public bool GetSZArrayType(bool elementType) => false;

        public bool GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) => false;

        public bool GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => false;

        public bool GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
            reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);
    }
}
