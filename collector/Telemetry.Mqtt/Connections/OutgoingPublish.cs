using System.Buffers.Binary;
using Telemetry.Mqtt.Packets;
using Telemetry.Mqtt.Sessions;

namespace Telemetry.Mqtt.Connections;

/// <summary>A PUBLISH to a client: measured first, then written in place (layout: <see cref="PublishPacket"/>).</summary>
internal ref struct OutgoingPublish
{
    private readonly Delivery _delivery;
    private readonly bool _isDuplicate;
    private readonly MqttVersion _version;
    private readonly long _remainingSeconds;
    private int _alias;
    private bool _isAliasKnown;

    public OutgoingPublish(Delivery delivery, bool isDuplicate, MqttVersion version, long nowMs)
    {
        _delivery = delivery;
        _isDuplicate = isDuplicate;
        _version = version;

        // The received interval minus the time waited here (MQTT 5.0 [MQTT-3.3.2-6]).
        long expiresAtMs = delivery.Message.ExpiresAtMs;
        _remainingSeconds = expiresAtMs == long.MaxValue ? -1 : Math.Max(0, (expiresAtMs - nowMs) / 1000);
    }

    public readonly byte[] Topic => _delivery.Message.Topic;

    public readonly int Size => 1 + VariableByteInteger.SizeOf(BodyBytes) + BodyBytes;

    private readonly int TopicBytes => _isAliasKnown ? 0 : Topic.Length;

    private readonly int BodyBytes =>
        PublishPacket.SizeOfBody(TopicBytes, _delivery.Qos, PropertyBytes, _version) + _delivery.Message.Payload.Length;

    private readonly int PropertyBytes
    {
        get
        {
            int bytes = _delivery.Message.Properties.Length + (_alias > 0 ? 3 : 0) + (_remainingSeconds >= 0 ? 5 : 0);
            foreach (int identifier in _delivery.Identifiers) bytes += 1 + VariableByteInteger.SizeOf(identifier);
            return bytes;
        }
    }

    public void UseAlias(int alias, bool isKnown)
    {
        _alias = alias;
        _isAliasKnown = isKnown;
    }

    /// <summary>Writes the packet.</summary>
    /// <param name="output">Exactly <see cref="Size"/> bytes.</param>
    public readonly void Write(Span<byte> output)
    {
        int flags = (_isDuplicate ? 8 : 0) | (_delivery.Qos << 1) | (_delivery.Retain ? 1 : 0);
        output[0] = (byte)(((int)PacketType.Publish << 4) | flags);
        int at = 1 + VariableByteInteger.Write(output[1..], BodyBytes);
        BinaryPrimitives.WriteUInt16BigEndian(output[at..], (ushort)TopicBytes);
        Topic.AsSpan(0, TopicBytes).CopyTo(output[(at + 2)..]);
        at += 2 + TopicBytes;
        if (_delivery.Qos > 0)
        {
            BinaryPrimitives.WriteUInt16BigEndian(output[at..], _delivery.PacketIdentifier);
            at += 2;
        }

        if (_version == MqttVersion.V5) at += WriteProperties(output[at..]);
        _delivery.Message.Payload.Span.CopyTo(output[at..]);
    }

    private readonly int WriteProperties(Span<byte> output)
    {
        int at = VariableByteInteger.Write(output, PropertyBytes);
        if (_alias > 0)
        {
            output[at] = (byte)PropertyId.TopicAlias;
            BinaryPrimitives.WriteUInt16BigEndian(output[(at + 1)..], (ushort)_alias);
            at += 3;
        }

        if (_remainingSeconds >= 0)
        {
            output[at] = (byte)PropertyId.MessageExpiryInterval;
            BinaryPrimitives.WriteUInt32BigEndian(output[(at + 1)..], (uint)_remainingSeconds);
            at += 5;
        }

        foreach (int identifier in _delivery.Identifiers)
        {
            output[at++] = (byte)PropertyId.SubscriptionIdentifier;
            at += VariableByteInteger.Write(output[at..], identifier);
        }

        _delivery.Message.Properties.CopyTo(output[at..]);
        return at + _delivery.Message.Properties.Length;
    }
}
