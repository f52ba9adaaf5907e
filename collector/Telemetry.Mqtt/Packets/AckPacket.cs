using System.Buffers.Binary;
using Telemetry.Wire;

namespace Telemetry.Mqtt.Packets;

// PUBACK, PUBREC, PUBREL, PUBCOMP: MQTT 5.0 and 3.1.1 sections 3.4 to 3.7; PUBREL has flags 0010, the others 0000:
//   u16   packet identifier
//   5.0   byte reason code (absent = 0x00), then properties (absent = none)

/// <summary>One of the four acknowledgements of PUBLISH; they share one layout.</summary>
internal readonly record struct AckPacket(ushort PacketIdentifier, ReasonCode Reason)
{
    /// <summary>2 fixed header + 2 packet identifier.</summary>
    public const int ShortBytes = 4;

    /// <summary>Reads the body of one.</summary>
    /// <returns>Done, or Malformed with the reader's fault set.</returns>
    public static DecodeStatus TryRead(scoped ref PacketReader reader, MqttVersion version, out AckPacket packet)
    {
        packet = default;
        byte reason = 0;
        if (!reader.TryReadUInt16(out ushort id)) return DecodeStatus.Malformed;
        if (id == 0) return reader.Fail(EndReasons.PacketIdentifierZero);
        if (version == MqttVersion.V5 && reader.Remaining > 0)
        {
            if (!reader.TryReadByte(out reason)) return DecodeStatus.Malformed;
            if (reader.Remaining > 0 && Properties.TryRead(ref reader, Properties.InAck, out _) != DecodeStatus.Done) return DecodeStatus.Malformed;
        }

        packet = new AckPacket(id, (ReasonCode)reason);
        return reader.Remaining == 0 ? DecodeStatus.Done : reader.Fail(EndReasons.TrailingBytes);
    }

    /// <summary>Bytes that <see cref="Write"/> writes.</summary>
    public static int SizeOf(MqttVersion version, ReasonCode reason, ReadOnlySpan<byte> reasonString)
    {
        if (version != MqttVersion.V5 || (reason == ReasonCode.Success && reasonString.IsEmpty)) return ShortBytes;
        if (reasonString.IsEmpty) return ShortBytes + 1;
        int properties = 1 + 2 + reasonString.Length;
        int body = 2 + 1 + VariableByteInteger.SizeOf(properties) + properties;
        return 1 + VariableByteInteger.SizeOf(body) + body;
    }

    /// <summary>Writes one into exactly <see cref="SizeOf"/> bytes; reason and reason string only in 5.0.</summary>
    public static void Write(Span<byte> output, PacketType type, MqttVersion version, ushort id, ReasonCode reason, ReadOnlySpan<byte> reasonString)
    {
        int flags = type == PacketType.Pubrel ? 2 : 0;
        output[0] = (byte)(((int)type << 4) | flags);
        if (output.Length == ShortBytes)
        {
            output[1] = 2;
            BinaryPrimitives.WriteUInt16BigEndian(output[2..], id);
            return;
        }

        int properties = reasonString.IsEmpty ? 0 : 1 + 2 + reasonString.Length;
        int body = 2 + 1 + (properties == 0 ? 0 : VariableByteInteger.SizeOf(properties) + properties);
        int at = 1 + VariableByteInteger.Write(output[1..], body);
        BinaryPrimitives.WriteUInt16BigEndian(output[at..], id);
        output[at + 2] = (byte)reason;
        at += 3;
        if (properties == 0) return;

        at += VariableByteInteger.Write(output[at..], properties);
        output[at] = (byte)PropertyId.ReasonString;
        BinaryPrimitives.WriteUInt16BigEndian(output[(at + 1)..], (ushort)reasonString.Length);
        reasonString.CopyTo(output[(at + 3)..]);
    }
}
