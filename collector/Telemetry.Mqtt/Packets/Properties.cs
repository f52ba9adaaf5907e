using System.Buffers.Binary;
using Telemetry.Wire;

namespace Telemetry.Mqtt.Packets;

// Properties, MQTT 5.0 section 2.2.2:
//   Property Length  Variable Byte Integer, bytes that follow
//   repeated         identifier (one byte so far), value: byte, u16, u32, Variable Byte Integer, string, binary or string pair

/// <summary>The properties of one received packet, checked against what the packet may carry. All zero and empty in MQTT 3.1.1.</summary>
internal ref struct Properties
{
    /// <summary>What a server passes on to subscribers unaltered (MQTT 5.0 [MQTT-3.3.2-4], -15, -16, -17, -20).</summary>
    public static readonly ulong Forwarded = Bit(PropertyId.PayloadFormatIndicator) | Bit(PropertyId.ContentType) | Bit(PropertyId.ResponseTopic)
        | Bit(PropertyId.CorrelationData) | Bit(PropertyId.UserProperty);

    private static readonly ulong Acks = Bit(PropertyId.ReasonString) | Bit(PropertyId.UserProperty);

    /// <summary>Which properties a packet may carry (the table of section 2.2.2.2); all but the last come from clients.</summary>
    public static readonly ulong InConnect = Bit(PropertyId.SessionExpiryInterval) | Bit(PropertyId.AuthenticationMethod) | Bit(PropertyId.AuthenticationData)
        | Bit(PropertyId.RequestProblemInformation) | Bit(PropertyId.RequestResponseInformation) | Bit(PropertyId.ReceiveMaximum)
        | Bit(PropertyId.TopicAliasMaximum) | Bit(PropertyId.UserProperty) | Bit(PropertyId.MaximumPacketSize);

    public static readonly ulong InWill = Forwarded | Bit(PropertyId.MessageExpiryInterval) | Bit(PropertyId.WillDelayInterval);
    public static readonly ulong InPublish = Forwarded | Bit(PropertyId.MessageExpiryInterval) | Bit(PropertyId.TopicAlias);
    public static readonly ulong InAck = Acks;
    public static readonly ulong InSubscribe = Bit(PropertyId.SubscriptionIdentifier) | Bit(PropertyId.UserProperty);
    public static readonly ulong InUnsubscribe = Bit(PropertyId.UserProperty);
    public static readonly ulong InDisconnect = Acks | Bit(PropertyId.SessionExpiryInterval);
    public static readonly ulong InConnack = Acks | Bit(PropertyId.SessionExpiryInterval) | Bit(PropertyId.ReceiveMaximum) | Bit(PropertyId.MaximumQos)
        | Bit(PropertyId.RetainAvailable) | Bit(PropertyId.MaximumPacketSize) | Bit(PropertyId.AssignedClientIdentifier) | Bit(PropertyId.TopicAliasMaximum)
        | Bit(PropertyId.WildcardSubscriptionAvailable) | Bit(PropertyId.SubscriptionIdentifierAvailable) | Bit(PropertyId.SharedSubscriptionAvailable)
        | Bit(PropertyId.ServerKeepAlive) | Bit(PropertyId.ResponseInformation) | Bit(PropertyId.ServerReference)
        | Bit(PropertyId.AuthenticationMethod) | Bit(PropertyId.AuthenticationData);

    private ulong _seen;

    /// <summary>The property bytes as received, without Property Length.</summary>
    public ReadOnlySpan<byte> Raw;

    public uint SessionExpiryInterval;
    public uint MessageExpiryInterval;
    public uint WillDelayInterval;
    public uint MaximumPacketSize;
    public int SubscriptionIdentifier;
    public ushort ReceiveMaximum;
    public ushort TopicAliasMaximum;
    public ushort TopicAlias;
    public ushort ServerKeepAlive;

    /// <summary>Meaningful if it stands there; absent means yes.</summary>
    public bool IsRetainAvailable;

    /// <summary>False only when the client set it to 0: then no reason strings on acknowledgements (MQTT 5.0 [MQTT-3.1.2-29]).</summary>
    public bool WantsProblemInformation;

    public readonly bool Has(PropertyId id) => (_seen & Bit(id)) != 0;

    /// <summary>Reads Property Length and the properties after it.</summary>
    /// <param name="reader">At the Property Length; left behind the last property.</param>
    /// <param name="allowed">One of the In... masks.</param>
    /// <param name="properties">The values, when Done.</param>
    /// <returns>Done or Malformed, with the reader's fault set: an unknown or misplaced property, one that stands twice, a value out of range.</returns>
    public static DecodeStatus TryRead(scoped ref PacketReader reader, ulong allowed, out Properties properties)
    {
        properties = new Properties { WantsProblemInformation = true };
        if (!reader.TryReadVariableByteInteger(out int length) || !reader.TryReadBytes(length, out properties.Raw)) return DecodeStatus.Malformed;

        PacketReader inner = new(properties.Raw);
        while (inner.Remaining > 0)
        {
            if (properties.TryReadOne(ref inner, allowed) != DecodeStatus.Done) return reader.Fail(inner.Fault);
        }

        return DecodeStatus.Done;
    }

    /// <summary>Copies the properties of <paramref name="raw"/> that a server forwards, in their order (MQTT 5.0 [MQTT-3.3.2-18]).</summary>
    /// <param name="raw">Checked property bytes.</param>
    /// <param name="output">At least as long as <paramref name="raw"/>.</param>
    /// <returns>Bytes written.</returns>
    public static int CopyForwarded(ReadOnlySpan<byte> raw, Span<byte> output)
    {
        int written = 0;
        while (!raw.IsEmpty)
        {
            int size = SizeOfOne(raw);
            if ((Bit((PropertyId)raw[0]) & Forwarded) != 0)
            {
                raw[..size].CopyTo(output[written..]);
                written += size;
            }

            raw = raw[size..];
        }

        return written;
    }

    private static int SizeOfOne(ReadOnlySpan<byte> raw)
    {
        ReadOnlySpan<byte> value = raw[1..];
        switch ((PropertyId)raw[0])
        {
            case PropertyId.PayloadFormatIndicator or PropertyId.RequestProblemInformation or PropertyId.RequestResponseInformation:
                return 1 + 1;
            case PropertyId.ReceiveMaximum or PropertyId.TopicAliasMaximum or PropertyId.TopicAlias:
                return 1 + 2;
            case PropertyId.MessageExpiryInterval or PropertyId.SessionExpiryInterval or PropertyId.WillDelayInterval or PropertyId.MaximumPacketSize:
                return 1 + 4;
            case PropertyId.SubscriptionIdentifier:
                VariableByteInteger.TryRead(value, out _, out int bytes);
                return 1 + bytes;
            case PropertyId.UserProperty:
                int key = 2 + BinaryPrimitives.ReadUInt16BigEndian(value);
                return 1 + key + 2 + BinaryPrimitives.ReadUInt16BigEndian(value[key..]);
            default:
                return 1 + 2 + BinaryPrimitives.ReadUInt16BigEndian(value);
        }
    }

    private DecodeStatus TryReadOne(scoped ref PacketReader reader, ulong allowed)
    {
        if (!reader.TryReadByte(out byte id)) return DecodeStatus.Malformed;
        if (id > 63 || (Bit((PropertyId)id) & allowed) == 0) return reader.Fail(EndReasons.PropertyNotAllowed);

        bool mayRepeat = id == (byte)PropertyId.UserProperty;
        if (!mayRepeat && Has((PropertyId)id)) return reader.Fail(EndReasons.PropertyTwice);
        _seen |= Bit((PropertyId)id);

        byte flag = 0;
        bool isRead = (PropertyId)id switch
        {
            PropertyId.PayloadFormatIndicator or PropertyId.RequestResponseInformation => reader.TryReadByte(out flag),
            PropertyId.RequestProblemInformation or PropertyId.MaximumQos or PropertyId.RetainAvailable => reader.TryReadByte(out flag),
            PropertyId.WildcardSubscriptionAvailable or PropertyId.SubscriptionIdentifierAvailable or PropertyId.SharedSubscriptionAvailable => reader.TryReadByte(out flag),
            PropertyId.MessageExpiryInterval => reader.TryReadUInt32(out MessageExpiryInterval),
            PropertyId.SessionExpiryInterval => reader.TryReadUInt32(out SessionExpiryInterval),
            PropertyId.WillDelayInterval => reader.TryReadUInt32(out WillDelayInterval),
            PropertyId.MaximumPacketSize => reader.TryReadUInt32(out MaximumPacketSize),
            PropertyId.ReceiveMaximum => reader.TryReadUInt16(out ReceiveMaximum),
            PropertyId.TopicAliasMaximum => reader.TryReadUInt16(out TopicAliasMaximum),
            PropertyId.TopicAlias => reader.TryReadUInt16(out TopicAlias),
            PropertyId.ServerKeepAlive => reader.TryReadUInt16(out ServerKeepAlive),
            PropertyId.SubscriptionIdentifier => reader.TryReadVariableByteInteger(out SubscriptionIdentifier),
            PropertyId.UserProperty => reader.TryReadString(out _) && reader.TryReadString(out _),
            PropertyId.CorrelationData or PropertyId.AuthenticationData => reader.TryReadBinary(out _),
            PropertyId.ResponseTopic => TryReadResponseTopic(ref reader),
            _ => reader.TryReadString(out _),
        };
        if (!isRead) return DecodeStatus.Malformed;

        if ((PropertyId)id == PropertyId.RequestProblemInformation) WantsProblemInformation = flag != 0;
        if ((PropertyId)id == PropertyId.RetainAvailable) IsRetainAvailable = flag != 0;
        bool isOutOfRange = flag > 1
            || (Is(id, PropertyId.ReceiveMaximum) && ReceiveMaximum == 0)
            || (Is(id, PropertyId.MaximumPacketSize) && MaximumPacketSize == 0)
            || (Is(id, PropertyId.SubscriptionIdentifier) && SubscriptionIdentifier == 0);
        return isOutOfRange ? reader.Fail(EndReasons.PropertyOutOfRange) : DecodeStatus.Done;
    }

    private static bool TryReadResponseTopic(scoped ref PacketReader reader)
    {
        if (!reader.TryReadString(out ReadOnlySpan<byte> topic)) return false;
        if (TopicName.IsValid(topic)) return true;
        reader.Fault = EndReasons.TopicNameWildcard;
        return false;
    }

    private static bool Is(byte id, PropertyId property) => id == (byte)property;

    private static ulong Bit(PropertyId id) => 1UL << (byte)id;
}
