using Telemetry.Wire;

namespace Telemetry.Mqtt.Packets;

// CONNECT, MQTT 5.0 and 3.1.1 section 3.1; fixed header 0x10:
//   string  protocol name "MQTT"
//   byte    version: 4 (3.1.1) or 5
//   byte    flags: 7 user name, 6 password, 5 will retain, 4-3 will QoS, 2 will, 1 clean start (clean session), 0 reserved
//   u16     keep alive, seconds, 0 = off
//   5.0     properties
//   string  client identifier
//   will    5.0 properties, string topic, binary payload
//   string  user name
//   binary  password

/// <summary>What a client says first. Spans point into the receive buffer.</summary>
internal ref struct ConnectPacket
{
    private const int UserNameFlag = 0x80, PasswordFlag = 0x40, WillRetainFlag = 0x20, WillFlag = 0x04, CleanStartFlag = 0x02, ReservedFlag = 0x01;

    public MqttVersion Version;

    /// <summary>Clean Start (5.0), Clean Session (3.1.1).</summary>
    public bool IsCleanStart;
    public ushort KeepAliveSeconds;
    public Properties Properties;
    public ReadOnlySpan<byte> ClientIdentifier;

    public bool HasWill;
    public int WillQos;
    public bool WillRetain;
    public Properties WillProperties;
    public ReadOnlySpan<byte> WillTopic;
    public ReadOnlySpan<byte> WillPayload;

    public bool HasUserName;
    public ReadOnlySpan<byte> UserName;
    public ReadOnlySpan<byte> Password;

    /// <summary>Reads the body of a CONNECT.</summary>
    /// <param name="reader">At the first byte after the fixed header.</param>
    /// <param name="packet">The packet when Done. When Malformed its Version is set if that much was read, so that the refusal speaks the client's version.</param>
    /// <returns>Done, or Malformed with the reader's fault set.</returns>
    public static DecodeStatus TryRead(scoped ref PacketReader reader, out ConnectPacket packet)
    {
        packet = default;
        if (!reader.TryReadString(out ReadOnlySpan<byte> name)) return DecodeStatus.Malformed;
        if (!name.SequenceEqual("MQTT"u8)) return reader.Fail(EndReasons.ProtocolNameUnknown);
        if (!reader.TryReadByte(out byte version)) return DecodeStatus.Malformed;

        packet.Version = (MqttVersion)version;
        if (packet.Version is not (MqttVersion.V311 or MqttVersion.V5))
        {
            packet.Version = version > (byte)MqttVersion.V5 ? MqttVersion.V5 : MqttVersion.V311;
            return reader.Fail(EndReasons.ProtocolVersionUnsupported);
        }

        if (!reader.TryReadByte(out byte flags) || !reader.TryReadUInt16(out packet.KeepAliveSeconds)) return DecodeStatus.Malformed;
        if (!AreValid(flags, packet.Version)) return reader.Fail(EndReasons.ConnectFlagsMalformed);

        packet.IsCleanStart = (flags & CleanStartFlag) != 0;
        packet.Properties.WantsProblemInformation = true;
        bool isV5 = packet.Version == MqttVersion.V5;
        if (isV5 && Properties.TryRead(ref reader, Properties.InConnect, out packet.Properties) != DecodeStatus.Done) return DecodeStatus.Malformed;
        if (!reader.TryReadString(out packet.ClientIdentifier)) return DecodeStatus.Malformed;

        packet.HasWill = (flags & WillFlag) != 0;
        if (packet.HasWill)
        {
            packet.WillQos = (flags >> 3) & 3;
            packet.WillRetain = (flags & WillRetainFlag) != 0;
            if (isV5 && Properties.TryRead(ref reader, Properties.InWill, out packet.WillProperties) != DecodeStatus.Done) return DecodeStatus.Malformed;
            if (!reader.TryReadString(out packet.WillTopic) || !reader.TryReadBinary(out packet.WillPayload)) return DecodeStatus.Malformed;
            if (!TopicName.IsValid(packet.WillTopic)) return reader.Fail(EndReasons.TopicNameWildcard);
        }

        packet.HasUserName = (flags & UserNameFlag) != 0;
        if (packet.HasUserName && !reader.TryReadString(out packet.UserName)) return DecodeStatus.Malformed;
        if ((flags & PasswordFlag) != 0 && !reader.TryReadBinary(out packet.Password)) return DecodeStatus.Malformed;
        return reader.Remaining == 0 ? DecodeStatus.Done : reader.Fail(EndReasons.TrailingBytes);
    }

    private static bool AreValid(byte flags, MqttVersion version)
    {
        bool hasWill = (flags & WillFlag) != 0;
        int willQos = (flags >> 3) & 3;
        if ((flags & ReservedFlag) != 0 || willQos == 3) return false;
        if (!hasWill && (willQos != 0 || (flags & WillRetainFlag) != 0)) return false;
        return version == MqttVersion.V5 || (flags & PasswordFlag) == 0 || (flags & UserNameFlag) != 0;
    }
}
