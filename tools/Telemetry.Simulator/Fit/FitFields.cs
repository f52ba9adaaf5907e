using System.Buffers.Binary;

namespace Telemetry.Simulator.Fit;

/// <summary>A definition message: how the data messages of one local type are laid out.</summary>
internal sealed class FitDefinition(int messageNumber, bool isBigEndian, FitFieldDefinition[] fields, int developerBytes)
{
    public int MessageNumber { get; } = messageNumber;

    public bool IsBigEndian { get; } = isBigEndian;

    public FitFieldDefinition[] Fields { get; } = fields;

    /// <summary>Bytes of developer fields behind the others: known by size only, skipped.</summary>
    public int DeveloperBytes { get; } = developerBytes;

    /// <summary>Bytes of a data message behind its header byte.</summary>
    public int DataBytes { get; } = fields.Sum(field => field.Size) + developerBytes;
}

/// <summary>One field of a definition: number within its message, bytes, base type.</summary>
internal readonly record struct FitFieldDefinition(byte Number, byte Size, byte BaseType);

/// <summary>The numeric fields of one data message; "invalid" values are absent. Reused from message to message.</summary>
internal sealed class FitFields
{
    private readonly double[] _values = new double[256]; // by field number, one byte
    private readonly bool[] _isPresent = new bool[256];

    public void Clear() => Array.Clear(_isPresent);

    public void Set(int number, double value)
    {
        _values[number] = value;
        _isPresent[number] = true;
    }

    /// <summary>Takes the first value of a field. Text, raw bytes and sizes that do not fit the base type are left out.</summary>
    public void Add(FitFieldDefinition field, ReadOnlySpan<byte> bytes, bool isBigEndian)
    {
        int size = FitBaseType.SizeOf(field.BaseType);
        if (size == 0 || bytes.Length < size || bytes.Length % size != 0) return;
        if (TryRead(field.BaseType, bytes[..size], isBigEndian, out double value)) Set(field.Number, value);
    }

    /// <summary>The field's value as coded, or null.</summary>
    public double? Number(int number) => _isPresent[number] ? _values[number] : null;

    /// <summary>The field's value as an integer, or null.</summary>
    public long? Integer(int number) => _isPresent[number] ? (long)_values[number] : null;

    /// <summary>The physical value: coded / scale - offset.</summary>
    public double? Scaled(int number, double scale, double offset = 0) => _isPresent[number] ? (_values[number] / scale) - offset : null;

    // Each integer type has one value that means "invalid"; the z types use 0, so that an unset serial number is absent.
    private static bool TryRead(byte baseType, ReadOnlySpan<byte> bytes, bool big, out double value)
    {
        ulong raw = bytes.Length switch
        {
            1 => bytes[0],
            2 => big ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            4 => big ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            _ => big ? BinaryPrimitives.ReadUInt64BigEndian(bytes) : BinaryPrimitives.ReadUInt64LittleEndian(bytes),
        };
        (value, bool isValid) = baseType switch
        {
            FitBaseType.Enum or FitBaseType.UInt8 => (raw, raw != byte.MaxValue),
            FitBaseType.SInt8 => ((sbyte)raw, (sbyte)raw != sbyte.MaxValue),
            FitBaseType.UInt16 => (raw, raw != ushort.MaxValue),
            FitBaseType.SInt16 => ((short)raw, (short)raw != short.MaxValue),
            FitBaseType.UInt32 => (raw, raw != uint.MaxValue),
            FitBaseType.SInt32 => ((int)raw, (int)raw != int.MaxValue),
            FitBaseType.UInt8Z or FitBaseType.UInt16Z or FitBaseType.UInt32Z or FitBaseType.UInt64Z => (raw, raw != 0),
            FitBaseType.UInt64 => (raw, raw != ulong.MaxValue),
            FitBaseType.SInt64 => ((long)raw, (long)raw != long.MaxValue),
            FitBaseType.Float32 => (BitConverter.UInt32BitsToSingle((uint)raw), (uint)raw != uint.MaxValue),
            FitBaseType.Float64 => (BitConverter.UInt64BitsToDouble(raw), raw != ulong.MaxValue),
            _ => (0d, false),
        };
        return isValid && double.IsFinite(value);
    }
}
