using Telemetry.Wire;

namespace Telemetry.Mqtt.Packets;

// UNSUBSCRIBE, MQTT 5.0 and 3.1.1 section 3.10; fixed header 0xA2:
//   u16       packet identifier
//   5.0       properties
//   repeated  string topic filter

/// <summary>An UNSUBSCRIBE whose filters are checked and then read one after the other.</summary>
internal ref struct UnsubscribePacket
{
    public ushort PacketIdentifier;

    /// <summary>Filters in the packet, at least 1.</summary>
    public int Count;

    private PacketReader _filters;

    /// <summary>Reads and checks all of the body.</summary>
    /// <returns>Done, or Malformed with the reader's fault set.</returns>
    public static DecodeStatus TryRead(scoped ref PacketReader reader, MqttVersion version, out UnsubscribePacket packet)
    {
        packet = default;
        if (!reader.TryReadUInt16(out packet.PacketIdentifier)) return DecodeStatus.Malformed;
        if (packet.PacketIdentifier == 0) return reader.Fail(EndReasons.PacketIdentifierZero);
        if (version == MqttVersion.V5 && Properties.TryRead(ref reader, Properties.InUnsubscribe, out _) != DecodeStatus.Done) return DecodeStatus.Malformed;

        packet._filters = reader;
        for (; reader.Remaining > 0; packet.Count++)
        {
            if (!reader.TryReadString(out ReadOnlySpan<byte> filter)) return DecodeStatus.Malformed;
            if (!TopicName.IsValidFilter(filter)) return reader.Fail(EndReasons.TopicFilterMalformed);
        }

        return packet.Count > 0 ? DecodeStatus.Done : reader.Fail(EndReasons.NoTopicFilter);
    }

    /// <summary>The next filter.</summary>
    public bool TryReadNext(out ReadOnlySpan<byte> filter) => _filters.TryReadString(out filter);
}
