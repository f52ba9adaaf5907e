using System.Buffers.Binary;
using System.Text.Unicode;
using Telemetry.Wire;

namespace Telemetry.Mqtt.Packets;

/// <summary>Walks the body of one whole packet. A false answer is final: the body ends inside the field or the field is not legal,
/// and <see cref="Fault"/> says which.</summary>
/// <remarks>The fixed header has promised the length, so "need more" cannot occur here: a body too short for its fields is malformed.</remarks>
internal ref struct PacketReader(ReadOnlySpan<byte> body)
{
    private ReadOnlySpan<byte> _rest = body;

    /// <summary>Why the last read said no.</summary>
    public EndReason Fault = EndReasons.Truncated;

    public readonly int Remaining => _rest.Length;

    public readonly ReadOnlySpan<byte> Rest => _rest;

    /// <summary>Notes the fault; for use as <c>return reader.Fail(...)</c>.</summary>
    public DecodeStatus Fail(EndReason fault)
    {
        Fault = fault;
        return DecodeStatus.Malformed;
    }

    public bool TryReadByte(out byte value)
    {
        value = 0;
        if (_rest.IsEmpty) return false;
        value = _rest[0];
        _rest = _rest[1..];
        return true;
    }

    public bool TryReadUInt16(out ushort value)
    {
        if (!BinaryPrimitives.TryReadUInt16BigEndian(_rest, out value)) return false;
        _rest = _rest[2..];
        return true;
    }

    public bool TryReadUInt32(out uint value)
    {
        if (!BinaryPrimitives.TryReadUInt32BigEndian(_rest, out value)) return false;
        _rest = _rest[4..];
        return true;
    }

    public bool TryReadVariableByteInteger(out int value)
    {
        DecodeStatus status = VariableByteInteger.TryRead(_rest, out value, out int bytes);
        if (status == DecodeStatus.Malformed) Fault = EndReasons.VariableByteIntegerMalformed;
        if (status != DecodeStatus.Done) return false;
        _rest = _rest[bytes..];
        return true;
    }

    /// <summary>A slice of exactly <paramref name="length"/> bytes.</summary>
    public bool TryReadBytes(int length, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (length > _rest.Length) return false;
        value = _rest[..length];
        _rest = _rest[length..];
        return true;
    }

    /// <summary>Binary Data: a two byte length and as many bytes (MQTT 5.0 section 1.5.6).</summary>
    public bool TryReadBinary(out ReadOnlySpan<byte> value)
    {
        value = default;
        return TryReadUInt16(out ushort length) && TryReadBytes(length, out value);
    }

    /// <summary>A UTF-8 Encoded String: well-formed, no surrogates, no U+0000 (MQTT 5.0 [MQTT-1.5.4-1], [MQTT-1.5.4-2]; 3.1.1 [MQTT-1.5.3-1], [MQTT-1.5.3-2]).</summary>
    public bool TryReadString(out ReadOnlySpan<byte> value)
    {
        if (!TryReadBinary(out value)) return false;
        if (!value.Contains((byte)0) && Utf8.IsValid(value)) return true;
        Fault = EndReasons.StringMalformed;
        return false;
    }
}
