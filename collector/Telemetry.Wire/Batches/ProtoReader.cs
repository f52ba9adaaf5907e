using System.Buffers.Binary;

namespace Telemetry.Wire.Batches;

/// <summary>
/// Walks the fields of one protobuf message in place, in the order the contract asks for: field numbers never fall, a single field
/// stands once, unknown fields are stepped over (WIRE.md, "Fields and forward compatibility").
/// </summary>
internal ref struct ProtoReader(ReadOnlySpan<byte> message)
{
    public const int Varint = 0;
    public const int Fixed64 = 1;
    public const int Bytes = 2;
    public const int Fixed32 = 5;

    private readonly ReadOnlySpan<byte> _message = message;
    private int _at;

    /// <summary>Number of the field last read.</summary>
    public int Field { get; private set; }

    /// <summary>Wire type of the field last read.</summary>
    public int WireType { get; private set; }

    /// <summary>Value of a varint, fixed32 or fixed64 field.</summary>
    public ulong Value { get; private set; }

    /// <summary>Index of the first content byte of a length-delimited field.</summary>
    public int ContentOffset { get; private set; }

    /// <summary>Length of the content of a length-delimited field.</summary>
    public int ContentLength { get; private set; }

    /// <summary>True when the field last read has the number of the one before it.</summary>
    public bool IsRepetition { get; private set; }

    /// <summary>True when bytes cannot be a message of the contract; <see cref="TryRead"/> then says no.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>Content of a length-delimited field.</summary>
    public readonly ReadOnlySpan<byte> Content => _message.Slice(ContentOffset, ContentLength);

    /// <summary>Reads the next field.</summary>
    /// <returns>False at the end, or when <see cref="IsMalformed"/>.</returns>
    public bool TryRead()
    {
        if (_at >= _message.Length || IsMalformed) return false;
        int taken = VarintReader.Read(_message[_at..], out ulong tag);
        int field = (int)(tag >> 3);
        if (taken == 0 || tag > uint.MaxValue || field < 1 || field < Field) return Fail();
        _at += taken;
        IsRepetition = field == Field;
        Field = field;
        WireType = (int)(tag & 7);
        return WireType switch
        {
            Varint => ReadVarint(),
            Fixed64 => ReadFixed(8),
            Bytes => ReadContent(),
            Fixed32 => ReadFixed(4),
            _ => Fail(), // groups are not part of proto3
        };
    }

    private bool ReadVarint()
    {
        int taken = VarintReader.Read(_message[_at..], out ulong value);
        if (taken == 0) return Fail();
        _at += taken;
        Value = value;
        return true;
    }

    private bool ReadFixed(int size)
    {
        if (_message.Length - _at < size) return Fail();
        Value = size == 4
            ? BinaryPrimitives.ReadUInt32LittleEndian(_message[_at..])
            : BinaryPrimitives.ReadUInt64LittleEndian(_message[_at..]);
        _at += size;
        return true;
    }

    private bool ReadContent()
    {
        int taken = VarintReader.Read(_message[_at..], out ulong length);
        if (taken == 0 || length > (ulong)(_message.Length - _at - taken)) return Fail();
        ContentOffset = _at + taken;
        ContentLength = (int)length;
        _at = ContentOffset + ContentLength;
        return true;
    }

    private bool Fail()
    {
        IsMalformed = true;
        return false;
    }
}
