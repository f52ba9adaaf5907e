using Telemetry.Wire;

namespace Telemetry.Mqtt.Packets;

// SUBSCRIBE, MQTT 5.0 and 3.1.1 section 3.8; fixed header 0x82:
//   u16       packet identifier
//   5.0       properties
//   repeated  string topic filter
//             byte   1-0 maximum QoS; 5.0 also: 2 No Local, 3 Retain As Published, 5-4 Retain Handling; the rest reserved

/// <summary>A SUBSCRIBE whose filters are checked and then read one after the other.</summary>
internal ref struct SubscribePacket
{
    public ushort PacketIdentifier;

    /// <summary>0 = none.</summary>
    public int SubscriptionIdentifier;

    /// <summary>Filters in the packet, at least 1.</summary>
    public int Count;

    private PacketReader _filters;

    /// <summary>Reads and checks all of the body.</summary>
    /// <returns>Done, or Malformed with the reader's fault set.</returns>
    public static DecodeStatus TryRead(scoped ref PacketReader reader, MqttVersion version, out SubscribePacket packet)
    {
        packet = default;
        if (!reader.TryReadUInt16(out packet.PacketIdentifier)) return DecodeStatus.Malformed;
        if (packet.PacketIdentifier == 0) return reader.Fail(EndReasons.PacketIdentifierZero);
        if (version == MqttVersion.V5)
        {
            if (Properties.TryRead(ref reader, Properties.InSubscribe, out Properties properties) != DecodeStatus.Done) return DecodeStatus.Malformed;
            packet.SubscriptionIdentifier = properties.SubscriptionIdentifier;
        }

        packet._filters = reader;
        for (; reader.Remaining > 0; packet.Count++)
        {
            if (!reader.TryReadString(out ReadOnlySpan<byte> filter) || !reader.TryReadByte(out byte options)) return DecodeStatus.Malformed;
            if (!TopicName.IsValidFilter(filter)) return reader.Fail(EndReasons.TopicFilterMalformed);
            if (!AreValid(options, version)) return reader.Fail(EndReasons.SubscriptionOptionsMalformed);
            if (new SubscriptionOptions(options).NoLocal && TopicName.IsShared(filter)) return reader.Fail(EndReasons.NoLocalOnShared);
        }

        return packet.Count > 0 ? DecodeStatus.Done : reader.Fail(EndReasons.NoTopicFilter);
    }

    /// <summary>The next filter with its options.</summary>
    public bool TryReadNext(out ReadOnlySpan<byte> filter, out SubscriptionOptions options)
    {
        options = default;
        if (!_filters.TryReadString(out filter) || !_filters.TryReadByte(out byte bits)) return false;
        options = new SubscriptionOptions(bits);
        return true;
    }

    private static bool AreValid(byte options, MqttVersion version)
    {
        int reserved = version == MqttVersion.V5 ? 0xC0 : 0xFC;
        return (options & reserved) == 0 && (options & 0x03) != 3 && (options & 0x30) != 0x30;
    }
}

/// <summary>The options byte of one filter (MQTT 5.0 section 3.8.3.1); in 3.1.1 only the QoS bits.</summary>
internal readonly record struct SubscriptionOptions(byte Bits)
{
    public int Qos => Bits & 3;

    /// <summary>Do not send back what this client published.</summary>
    public bool NoLocal => (Bits & 4) != 0;

    /// <summary>Forward RETAIN as it was published.</summary>
    public bool RetainAsPublished => (Bits & 8) != 0;

    /// <summary>Retained messages on SUBSCRIBE: 0 always, 1 only for a new subscription, 2 never.</summary>
    public int RetainHandling => (Bits >> 4) & 3;
}
