using Telemetry.Wire;

namespace Telemetry.Mqtt.Packets;

// DISCONNECT, MQTT 5.0 and 3.1.1 section 3.14; fixed header 0xE0:
//   5.0   byte reason code (absent = 0x00), then properties (absent = none)
// Only a client sends it in 3.1.1.

/// <summary>The last packet of a connection.</summary>
internal ref struct DisconnectPacket
{
    public ReasonCode Reason;
    public Properties Properties;

    /// <summary>Reads the body of one.</summary>
    /// <returns>Done, or Malformed with the reader's fault set.</returns>
    public static DecodeStatus TryRead(scoped ref PacketReader reader, MqttVersion version, out DisconnectPacket packet)
    {
        packet = default;
        if (version == MqttVersion.V5 && reader.Remaining > 0)
        {
            if (!reader.TryReadByte(out byte reason)) return DecodeStatus.Malformed;
            packet.Reason = (ReasonCode)reason;
            if (reader.Remaining > 0 && Properties.TryRead(ref reader, Properties.InDisconnect, out packet.Properties) != DecodeStatus.Done) return DecodeStatus.Malformed;
        }

        return reader.Remaining == 0 ? DecodeStatus.Done : reader.Fail(EndReasons.TrailingBytes);
    }

    /// <summary>A DISCONNECT of MQTT 5.0; the properties are left out where they would exceed the client's Maximum Packet Size (MQTT 5.0 [MQTT-3.14.2-3]).</summary>
    public static byte[] Create(ReasonCode reason, string text, int slotMs, uint maximumPacketSize)
    {
        byte[] properties = ReplyProperties.Of(text, slotMs);
        int body = 1 + VariableByteInteger.SizeOf(properties.Length) + properties.Length;
        int size = 1 + VariableByteInteger.SizeOf(body) + body;
        if (size > maximumPacketSize) return [(byte)PacketType.Disconnect << 4, 1, (byte)reason];

        byte[] packet = new byte[size];
        packet[0] = (byte)PacketType.Disconnect << 4;
        int at = 1 + VariableByteInteger.Write(packet.AsSpan(1), body);
        packet[at++] = (byte)reason;
        at += VariableByteInteger.Write(packet.AsSpan(at), properties.Length);
        properties.CopyTo(packet, at);
        return packet;
    }
}
