using System.Buffers;
using Telemetry.Mqtt.Packets;
using Telemetry.Mqtt.Sessions;
using Telemetry.Wire.Ingest;

namespace Telemetry.Mqtt.Connections;

/// <summary>PUBLISH from the client and its acknowledgements, MQTT 5.0 and 3.1.1 sections 3.3 to 3.7 and 4.3.</summary>
internal sealed partial class MqttConnection
{
    /// <summary>A hub's devices that are kept looked up; further ones are looked up at each publish.</summary>
    private const int MaxRelayed = 1024;

    private byte[]?[]? _aliases;
    private Dictionary<string, IngestSession?>? _relayed;

    private bool IsV5 => _version == MqttVersion.V5;

    /// <returns>Null to read on; AwaitFlush and RetryLater leave the packet unread.</returns>
    private Step? OnPublish(in ReadOnlySequence<byte> body, byte flags, ref byte[]? scratch, out int retryAfterMs)
    {
        retryAfterMs = 0;
        if (IsWindowFull(flags)) return Step.AwaitFlush;
        if (PublishPacket.TryRead(body, flags, _version, ref scratch, out PublishPacket packet, out EndReason fault) != Wire.DecodeStatus.Done) throw new MqttProtocolException(fault);

        if (packet.Properties.Has(PropertyId.TopicAlias)) packet.Topic = ResolveAlias(packet);
        if (packet.Qos == 2 && _session!.HasReceivedQos2(packet.PacketIdentifier, out long first))
        {
            // Sent again before PUBREL: acknowledged again, handed on never (MQTT 5.0 [MQTT-4.3.3-10], 3.1.1 [MQTT-4.3.3-2]).
            Acknowledge(new PendingAck(first, packet.PacketIdentifier, PacketType.Pubrec, ReasonCode.Success, RefusalReason.None));
            return null;
        }

        if (packet.Qos > 0 && IsV5 && InFlight >= endpoint.Options.ReceiveMaximum) throw new MqttProtocolException(EndReasons.ReceiveMaximumExceeded);
        if (TryFindDevice(packet.Topic, out IngestSession? device, out bool isUp)) return isUp ? OnBatch(packet, device, out retryAfterMs) : OnLife(packet, device);
        if (endpoint.IsInLab(packet.Topic)) return OnLab(packet);
        return OnForeign(packet);
    }

    private int InFlight => Volatile.Read(ref _qos1InFlight) + _session!.ReceivedQos2Count;

    /// <summary>3.1.1 has no Receive Maximum: its clients wait on the socket instead, which must not keep a PUBREL from being read.</summary>
    private bool IsWindowFull(byte flags)
    {
        if (IsV5 || (flags & 6) == 0) return false;
        lock (_outbox.Gate) return _acks.Count >= endpoint.Options.ReceiveMaximum;
    }

    private Step? OnBatch(in PublishPacket packet, IngestSession device, out int retryAfterMs)
    {
        retryAfterMs = 0;
        IngestTicket ticket = endpoint.Ingest.Submit(device, packet.Payload);
        bool isRefused = ticket.Outcome == IngestOutcome.Refused;
        if (isRefused) Interlocked.Increment(ref endpoint.Counters.Refused);
        else if (endpoint.Tap.HasSubscribers) endpoint.Tap.Publish(MessageOf(packet));

        if (packet.Qos == 0) return null;
        if (isRefused && !IsV5)
        {
            retryAfterMs = ticket.RetryAfterMs;
            if (retryAfterMs > 0) return Step.RetryLater;

            // An erased epoch will never be taken: acknowledged, or the device would send it for ever. Anything else closes ([MQTT-3.3.5-2] of 3.1.1).
            if (ticket.Reason != RefusalReason.ErasedEpoch) throw new MqttProtocolException(EndReasons.BatchRefused);
            ticket = default;
        }

        Settle(packet, isRefused ? 0 : ticket.Position, Refusals.CodeOf(ticket), ticket.Reason);
        return null;
    }

    private Step? OnLife(in PublishPacket packet, IngestSession device)
    {
        endpoint.Ingest.ReportLife(device, packet.Payload);
        if (endpoint.Tap.HasSubscribers) endpoint.Tap.Publish(MessageOf(packet));
        Settle(packet, position: 0, ReasonCode.Success, RefusalReason.None);
        return null;
    }

    private Step? OnLab(in PublishPacket packet)
    {
        endpoint.Lab!.Publish(MessageOf(packet));
        Settle(packet, position: 0, ReasonCode.Success, RefusalReason.None);
        return null;
    }

    private Step? OnForeign(in PublishPacket packet)
    {
        Interlocked.Increment(ref endpoint.Counters.Foreign);

        // 3.1.1 may acknowledge or close ([MQTT-3.3.5-2] of 3.1.1). A '$' topic exchanges nothing by the standard: in the lab it is acknowledged and dropped.
        bool isDollar = endpoint.Lab is not null && packet.Topic[0] == '$';
        if (!IsV5 && !isDollar) throw new MqttProtocolException(EndReasons.TopicForeign);
        Settle(packet, position: 0, ReasonCode.NotAuthorized, RefusalReason.None);
        return null;
    }

    /// <summary>Owes the acknowledgement of the packet's QoS.</summary>
    private void Settle(in PublishPacket packet, long position, ReasonCode code, RefusalReason why)
    {
        if (packet.Qos == 0) return;
        if (packet.Qos == 2 && code < ReasonCode.UnspecifiedError) _session!.TryReceiveQos2(packet.PacketIdentifier, ref position);
        PacketType type = packet.Qos == 1 ? PacketType.Puback : PacketType.Pubrec;
        Acknowledge(new PendingAck(position, packet.PacketIdentifier, type, code, why));
    }

    /// <summary>The device a topic speaks for: the session's own, or for a hub another one of its brand.</summary>
    private bool TryFindDevice(ReadOnlySpan<byte> topic, out IngestSession device, out bool isUp)
    {
        device = _session!.Account.Device!;
        isUp = false;
        if (device is null) return false;

        byte[] prefix = _session.Account.TopicPrefix;
        ReadOnlySpan<byte> leaf;
        if (topic.StartsWith(prefix))
        {
            leaf = topic[prefix.Length..];
        }
        else if (device.IsHub && TopicName.TrySplitDevice(topic, out string username, out leaf) && FindRelayed(device, username) is { } relayed)
        {
            device = relayed;
        }
        else
        {
            return false;
        }

        isUp = leaf.SequenceEqual("up"u8);
        return isUp || leaf.SequenceEqual("life"u8);
    }

    private IngestSession? FindRelayed(IngestSession hub, string username)
    {
        _relayed ??= new Dictionary<string, IngestSession?>(StringComparer.Ordinal);
        if (_relayed.TryGetValue(username, out IngestSession? known)) return known;
        IngestSession? found = endpoint.Ingest.Relay(hub, username);
        if (found is not null && _relayed.Count < MaxRelayed) _relayed[username] = found;
        return found;
    }

    /// <summary>MQTT 5.0 section 3.3.2.3.4; aliases belong to the connection (MQTT 5.0 [MQTT-3.3.2-7]).</summary>
    private byte[] ResolveAlias(in PublishPacket packet)
    {
        int alias = packet.Properties.TopicAlias;
        if (alias == 0 || alias > endpoint.Options.TopicAliasMaximum) throw new MqttProtocolException(EndReasons.TopicAliasInvalid);

        _aliases ??= new byte[endpoint.Options.TopicAliasMaximum + 1][];
        if (!packet.Topic.IsEmpty) return _aliases[alias] = packet.Topic.ToArray();
        return _aliases[alias] ?? throw new MqttProtocolException(EndReasons.TopicAliasInvalid);
    }

    private Message MessageOf(in PublishPacket packet)
    {
        byte[] properties = new byte[packet.Properties.Raw.Length];
        int length = Properties.CopyForwarded(packet.Properties.Raw, properties);
        bool expires = packet.Properties.Has(PropertyId.MessageExpiryInterval);
        return new Message(
            packet.Topic.ToArray(),
            packet.Payload.ToArray(),
            properties[..length],
            packet.Qos,
            packet.Retain,
            expires ? endpoint.NowMs + (packet.Properties.MessageExpiryInterval * 1000L) : long.MaxValue,
            _session);
    }

    /// <summary>PUBACK, PUBREC, PUBREL, PUBCOMP from the client.</summary>
    private void OnAck(PacketType type, ref PacketReader reader)
    {
        Require(AckPacket.TryRead(ref reader, _version, out AckPacket packet), ref reader);
        ushort id = packet.PacketIdentifier;
        switch (type)
        {
            case PacketType.Puback:
                _session!.OnAcknowledged(id);
                break;
            case PacketType.Pubrec when packet.Reason >= ReasonCode.UnspecifiedError:
                _session!.OnAcknowledged(id);
                break;
            case PacketType.Pubrec:
                SendAck(PacketType.Pubrel, id, _session!.OnReceived(id) ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound);
                break;
            case PacketType.Pubrel:
                SendAck(PacketType.Pubcomp, id, _session!.ReleaseQos2(id) ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound);
                break;
            default:
                _session!.OnCompleted(id);
                break;
        }
    }
}
