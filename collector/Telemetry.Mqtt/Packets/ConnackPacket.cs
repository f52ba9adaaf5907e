using System.Buffers.Binary;
using System.Text;

namespace Telemetry.Mqtt.Packets;

// CONNACK, MQTT 5.0 and 3.1.1 section 3.2; fixed header 0x20:
//   byte   0 Session Present, the rest reserved
//   byte   5.0 reason code, 3.1.1 return code
//   5.0    properties

/// <summary>The answer to CONNECT.</summary>
internal readonly ref struct ConnackPacket
{
    public bool IsSessionPresent { get; init; }
    public ushort ReceiveMaximum { get; init; }
    public ushort TopicAliasMaximum { get; init; }
    public int MaximumPacketSize { get; init; }

    /// <summary>Null where the client's value stands.</summary>
    public ushort? ServerKeepAlive { get; init; }

    /// <summary>Null where the client's value stands.</summary>
    public uint? SessionExpiryInterval { get; init; }

    /// <summary>Null where the client named itself.</summary>
    public string? AssignedClientIdentifier { get; init; }
    public bool HasSharedSubscriptions { get; init; }

    /// <summary>User property <c>window-ms</c> (proto/WIRE.md, "Reconnect"); 0 = none.</summary>
    public int WindowMs { get; init; }

    /// <summary>Of the client: a packet that would be longer goes without its user property (MQTT 5.0 [MQTT-3.2.2-20]).</summary>
    public uint ClientMaximumPacketSize { get; init; }

    /// <summary>An accepting CONNACK.</summary>
    public byte[] Create(MqttVersion version)
    {
        if (version != MqttVersion.V5) return [(byte)PacketType.Connack << 4, 2, IsSessionPresent ? (byte)1 : (byte)0, 0];

        Span<byte> properties = stackalloc byte[64 + 64];
        int length = 0;
        length += WriteUInt16(properties[length..], PropertyId.ReceiveMaximum, ReceiveMaximum);
        length += WriteUInt32(properties[length..], PropertyId.MaximumPacketSize, (uint)MaximumPacketSize);
        length += WriteUInt16(properties[length..], PropertyId.TopicAliasMaximum, TopicAliasMaximum);
        if (ServerKeepAlive is { } keepAlive) length += WriteUInt16(properties[length..], PropertyId.ServerKeepAlive, keepAlive);
        if (SessionExpiryInterval is { } expiry) length += WriteUInt32(properties[length..], PropertyId.SessionExpiryInterval, expiry);
        if (AssignedClientIdentifier is { } id)
        {
            int bytes = Encoding.UTF8.GetBytes(id, properties[(length + 3)..]);
            length += WriteUInt16(properties[length..], PropertyId.AssignedClientIdentifier, (ushort)bytes) + bytes;
        }

        if (!HasSharedSubscriptions)
        {
            properties[length++] = (byte)PropertyId.SharedSubscriptionAvailable;
            properties[length++] = 0;
        }

        byte[] window = ReplyProperties.Of("", windowMs: WindowMs);
        byte[] packet = Frame(IsSessionPresent, 0, [.. properties[..length], .. window]);
        return packet.Length <= ClientMaximumPacketSize || window.Length == 0 ? packet : Frame(IsSessionPresent, 0, properties[..length]);
    }

    /// <summary>A refusing CONNACK, or null where 3.1.1 has no return code for the reason and only closes (3.1.1 [MQTT-3.1.4-1], [MQTT-3.2.2-6]).</summary>
    public static byte[]? CreateRefusal(MqttVersion version, EndReason reason, int slotMs, uint maximumPacketSize)
    {
        if (version != MqttVersion.V5) return ReturnCode(reason.Code) is { } code ? [(byte)PacketType.Connack << 4, 2, 0, code] : null;

        // 0x8B is a word of DISCONNECT only (tables 3-1 and 3-10 of MQTT 5.0).
        ReasonCode known = reason.Code == ReasonCode.ServerShuttingDown ? ReasonCode.ServerUnavailable : reason.Code;
        byte[] packet = Frame(isSessionPresent: false, (byte)known, ReplyProperties.Of(reason.Text, slotMs));
        return packet.Length <= maximumPacketSize ? packet : Frame(isSessionPresent: false, (byte)known, []);
    }

    /// <summary>Table 3.1 of MQTT 3.1.1.</summary>
    private static byte? ReturnCode(ReasonCode code) => code switch
    {
        ReasonCode.UnsupportedProtocolVersion => 1,
        ReasonCode.ClientIdentifierNotValid => 2,
        ReasonCode.ServerUnavailable or ReasonCode.ServerBusy or ReasonCode.ServerShuttingDown => 3,
        ReasonCode.BadUserNameOrPassword => 4,
        ReasonCode.NotAuthorized => 5,
        _ => null,
    };

    private static byte[] Frame(bool isSessionPresent, byte code, ReadOnlySpan<byte> properties)
    {
        int body = 2 + VariableByteInteger.SizeOf(properties.Length) + properties.Length;
        byte[] packet = new byte[1 + VariableByteInteger.SizeOf(body) + body];
        packet[0] = (byte)PacketType.Connack << 4;
        int at = 1 + VariableByteInteger.Write(packet.AsSpan(1), body);
        packet[at++] = isSessionPresent ? (byte)1 : (byte)0;
        packet[at++] = code;
        at += VariableByteInteger.Write(packet.AsSpan(at), properties.Length);
        properties.CopyTo(packet.AsSpan(at));
        return packet;
    }

    private static int WriteUInt16(Span<byte> output, PropertyId id, ushort value)
    {
        output[0] = (byte)id;
        BinaryPrimitives.WriteUInt16BigEndian(output[1..], value);
        return 3;
    }

    private static int WriteUInt32(Span<byte> output, PropertyId id, uint value)
    {
        output[0] = (byte)id;
        BinaryPrimitives.WriteUInt32BigEndian(output[1..], value);
        return 5;
    }
}
