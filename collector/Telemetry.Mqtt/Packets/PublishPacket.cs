using System.Buffers;
using Telemetry.Wire;

namespace Telemetry.Mqtt.Packets;

// PUBLISH, MQTT 5.0 and 3.1.1 section 3.3; fixed header 0x3F: 3 DUP, 2-1 QoS, 0 RETAIN
//   string  topic name; empty with a topic alias
//   u16     packet identifier, only with QoS 1 and 2
//   5.0     properties
//   rest    payload

/// <summary>A published message. The spans point into the receive buffer; the payload is never copied here, a batch of 256 KiB may span many of its segments.</summary>
internal ref struct PublishPacket
{
    /// <summary>Copied first when a header crosses a segment of the receive buffer: holds every header of a device.</summary>
    private const int UsualHeaderBytes = 512;

    public bool IsDuplicate;
    public int Qos;
    public bool Retain;
    public ReadOnlySpan<byte> Topic;
    public ushort PacketIdentifier;
    public Properties Properties;
    public ReadOnlySequence<byte> Payload;

    /// <summary>Reads a PUBLISH.</summary>
    /// <param name="body">All of its body.</param>
    /// <param name="flags">Lower bits of the fixed header.</param>
    /// <param name="version">Whether properties are there.</param>
    /// <param name="scratch">Taken from the shared pool when the header crosses a segment; the caller returns it after it is done with the packet.</param>
    /// <param name="packet">The packet, when Done.</param>
    /// <param name="fault">Why not, when Malformed.</param>
    /// <returns>Done or Malformed.</returns>
    public static DecodeStatus TryRead(
        scoped in ReadOnlySequence<byte> body, byte flags, MqttVersion version, scoped ref byte[]? scratch, out PublishPacket packet, out EndReason fault)
    {
        ReadOnlySpan<byte> head = body.FirstSpan;
        int wanted = UsualHeaderBytes;
        while (true)
        {
            PacketReader reader = new(head);
            DecodeStatus status = TryReadHeader(ref reader, flags, version, out packet);
            fault = reader.Fault;
            if (status == DecodeStatus.Done)
            {
                packet.Payload = body.Slice(head.Length - reader.Remaining);
                return DecodeStatus.Done;
            }

            // Too short for its fields only if there is no more of it; otherwise look again at a longer copy.
            if (fault != EndReasons.Truncated || head.Length == body.Length) return status;
            head = CopyOf(body, (int)Math.Min(body.Length, wanted), ref scratch);
            wanted = int.MaxValue;
        }
    }

    /// <summary>Bytes of the packet before its payload, for one to be written.</summary>
    public static int SizeOfBody(int topicBytes, int qos, int propertyBytes, MqttVersion version) =>
        2 + topicBytes + (qos > 0 ? 2 : 0) + (version == MqttVersion.V5 ? VariableByteInteger.SizeOf(propertyBytes) + propertyBytes : 0);

    private static ReadOnlySpan<byte> CopyOf(scoped in ReadOnlySequence<byte> body, int length, scoped ref byte[]? scratch)
    {
        if (scratch is not null) ArrayPool<byte>.Shared.Return(scratch);
        scratch = ArrayPool<byte>.Shared.Rent(length);
        body.Slice(0, length).CopyTo(scratch);
        return scratch.AsSpan(0, length);
    }

    private static DecodeStatus TryReadHeader(scoped ref PacketReader reader, byte flags, MqttVersion version, out PublishPacket packet)
    {
        packet = default;
        packet.IsDuplicate = (flags & 8) != 0;
        packet.Qos = (flags >> 1) & 3;
        packet.Retain = (flags & 1) != 0;
        if (packet.Qos == 3) return reader.Fail(EndReasons.QosInvalid);
        if (packet.IsDuplicate && packet.Qos == 0) return reader.Fail(EndReasons.DupOnQos0);
        if (!reader.TryReadString(out packet.Topic)) return DecodeStatus.Malformed;
        if (packet.Qos > 0)
        {
            if (!reader.TryReadUInt16(out packet.PacketIdentifier)) return DecodeStatus.Malformed;
            if (packet.PacketIdentifier == 0) return reader.Fail(EndReasons.PacketIdentifierZero);
        }

        if (version == MqttVersion.V5 && Properties.TryRead(ref reader, Properties.InPublish, out packet.Properties) != DecodeStatus.Done) return DecodeStatus.Malformed;

        bool isAliased = packet.Topic.IsEmpty && packet.Properties.Has(PropertyId.TopicAlias);
        return isAliased || TopicName.IsValid(packet.Topic) ? DecodeStatus.Done : reader.Fail(EndReasons.TopicNameWildcard);
    }
}
