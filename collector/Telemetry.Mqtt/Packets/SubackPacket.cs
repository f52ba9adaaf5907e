using System.Buffers.Binary;

namespace Telemetry.Mqtt.Packets;

// SUBACK and UNSUBACK, MQTT 5.0 and 3.1.1 sections 3.9 and 3.11; fixed header 0x90, 0xB0:
//   u16       packet identifier
//   5.0       properties (none from us: a zero length)
//   repeated  byte reason code of each filter, in the order of the request; in 3.1.1 UNSUBACK has none

/// <summary>The answer to SUBSCRIBE and UNSUBSCRIBE.</summary>
internal static class SubackPacket
{
    public static int SizeOf(PacketType type, MqttVersion version, int codes)
    {
        int body = SizeOfBody(type, version, codes);
        return 1 + VariableByteInteger.SizeOf(body) + body;
    }

    /// <summary>Writes one into exactly <see cref="SizeOf"/> bytes. 3.1.1 knows no failure but 0x80 (3.1.1 [MQTT-3.9.3-2]).</summary>
    public static void Write(Span<byte> output, PacketType type, MqttVersion version, ushort id, ReadOnlySpan<ReasonCode> codes)
    {
        output[0] = (byte)((int)type << 4);
        int at = 1 + VariableByteInteger.Write(output[1..], SizeOfBody(type, version, codes.Length));
        BinaryPrimitives.WriteUInt16BigEndian(output[at..], id);
        at += 2;
        if (version == MqttVersion.V5) output[at++] = 0;
        else if (type == PacketType.Unsuback) return;

        foreach (ReasonCode code in codes)
        {
            output[at++] = version == MqttVersion.V5 || code < ReasonCode.UnspecifiedError ? (byte)code : (byte)ReasonCode.UnspecifiedError;
        }
    }

    private static int SizeOfBody(PacketType type, MqttVersion version, int codes) =>
        version == MqttVersion.V5 ? 2 + 1 + codes : 2 + (type == PacketType.Suback ? codes : 0);
}
