using System.Text;
using Telemetry.Mqtt.Packets;
using Telemetry.Mqtt.Sessions;
using Telemetry.Wire;
using Telemetry.Wire.Ingest;

namespace Telemetry.Mqtt.Connections;

/// <summary>SUBSCRIBE and UNSUBSCRIBE, MQTT 5.0 and 3.1.1 sections 3.8 to 3.11. A device may subscribe to its own <c>down</c>, an operator to
/// live traffic, everybody to the lab where it is on.</summary>
internal sealed partial class MqttConnection
{
    private void OnSubscribe(ref PacketReader reader)
    {
        Require(SubscribePacket.TryRead(ref reader, _version, out SubscribePacket packet), ref reader);

        ReasonCode[] codes = new ReasonCode[packet.Count];
        (Subscription Subscription, bool IsNew)[] granted = new (Subscription, bool)[packet.Count];
        for (int i = 0; packet.TryReadNext(out ReadOnlySpan<byte> filter, out SubscriptionOptions options); i++)
        {
            codes[i] = Subscribe(filter, options, packet.SubscriptionIdentifier, out granted[i]);
        }

        WriteSuback(PacketType.Suback, packet.PacketIdentifier, codes);
        foreach ((Subscription subscription, bool isNew) in granted)
        {
            if (subscription is not null) SendFirst(subscription, isNew);
        }
    }

    private void OnUnsubscribe(ref PacketReader reader)
    {
        Require(UnsubscribePacket.TryRead(ref reader, _version, out UnsubscribePacket packet), ref reader);

        ReasonCode[] codes = new ReasonCode[packet.Count];
        for (int i = 0; packet.TryReadNext(out ReadOnlySpan<byte> filter); i++)
        {
            Subscription? removed = _session!.Unsubscribe(filter);
            codes[i] = removed is null ? ReasonCode.NoSubscriptionExisted : ReasonCode.Success;
            if (removed is null) continue;
            removed.StopWatch();
            RelayOf(removed)?.Remove(_session, removed);
        }

        WriteSuback(PacketType.Unsuback, packet.PacketIdentifier, codes);
    }

    private ReasonCode Subscribe(ReadOnlySpan<byte> filter, SubscriptionOptions options, int identifier, out (Subscription, bool IsNew) granted)
    {
        granted = default;
        ReasonCode code = Grant(filter, options, out SubscriptionOptions allowed, out IngestSession? commands);
        if (code >= ReasonCode.UnspecifiedError) return code;

        Subscription subscription = new(filter.ToArray(), allowed, identifier, commands);
        if (!_session!.TrySubscribe(subscription, endpoint.Options.MaxSubscriptions, out Subscription? replaced)) return ReasonCode.QuotaExceeded;

        replaced?.StopWatch();
        RelayOf(subscription)?.Add(_session, subscription, replaced);
        granted = (subscription, replaced is null);
        return code;
    }

    /// <summary>Which space a filter is in, and whether this session may listen there.</summary>
    private ReasonCode Grant(ReadOnlySpan<byte> filter, SubscriptionOptions options, out SubscriptionOptions allowed, out IngestSession? commands)
    {
        allowed = options;
        commands = null;
        ReadOnlySpan<byte> inner = filter;
        bool isShared = TopicName.TrySplitShared(filter, out _, out ReadOnlySpan<byte> sharedFilter);
        if (isShared) inner = sharedFilter;

        if (endpoint.IsInLab(inner)) return (ReasonCode)options.Qos;
        if (isShared) return ReasonCode.SharedSubscriptionsNotSupported;
        if (_session!.Account.IsOperator)
        {
            allowed = new SubscriptionOptions((byte)(options.Bits & ~3));
            return ReasonCode.Success;
        }

        commands = CommandsOf(inner);
        allowed = new SubscriptionOptions((byte)((options.Bits & ~3) | Math.Min(1, options.Qos)));
        if (commands is not null) return (ReasonCode)allowed.Qos;

        // A topic space that does not exist here has no owner who could refuse it.
        return inner.StartsWith("t1/"u8) ? ReasonCode.NotAuthorized : ReasonCode.UnspecifiedError;
    }

    private IngestSession? CommandsOf(ReadOnlySpan<byte> topic)
    {
        if (_session!.Account.Device is not { } device) return null;
        if (MqttEndpoint.IsOwn(_session.Account, topic, "down"u8)) return device;
        if (!device.IsHub || !TopicName.TrySplitDevice(topic, out string username, out ReadOnlySpan<byte> leaf)) return null;
        return leaf.SequenceEqual("down"u8) ? FindRelayed(device, username) : null;
    }

    private Lab.Relay? RelayOf(Subscription subscription)
    {
        if (subscription.Commands is not null) return null;
        ReadOnlySpan<byte> filter = subscription.Filter;
        if (TopicName.TrySplitShared(filter, out _, out ReadOnlySpan<byte> inner)) filter = inner;
        return endpoint.IsInLab(filter) ? endpoint.Lab : endpoint.Tap;
    }

    /// <summary>What a new subscription is sent at once: the retained messages, and the Command a device should hold now.</summary>
    private void SendFirst(Subscription subscription, bool isNew)
    {
        if (subscription.Commands is null)
        {
            RelayOf(subscription)!.SendRetained(_session!, subscription, isNew, endpoint.NowMs);
            return;
        }

        WatchCommands(subscription);
        bool wants = subscription.Options.RetainHandling == 0 || (subscription.Options.RetainHandling == 1 && isNew);
        if (wants) SendCommand(subscription, retain: true);
    }

    /// <summary>A resumed session gets the Command of now: of several it missed only the last counts.</summary>
    private void ResumeCommands(Session session)
    {
        Subscription[] subscriptions;
        lock (session.Gate) subscriptions = [.. session.Subscriptions.Where(one => one.Commands is not null)];
        foreach (Subscription subscription in subscriptions)
        {
            WatchCommands(subscription);
            SendCommand(subscription, retain: false);
        }
    }

    private void WatchCommands(Subscription subscription) =>
        subscription.Watch = endpoint.Ingest.OnCommandChanged(subscription.Commands!, () => SendCommand(subscription, retain: subscription.Options.RetainAsPublished));

    private void SendCommand(Subscription subscription, bool retain)
    {
        IngestSession device = subscription.Commands!;
        byte[] topic = Encoding.UTF8.GetBytes(Topics.Down(device.Brand, device.Device));
        ReadOnlyMemory<byte> command = endpoint.Ingest.CurrentCommand(device, MaxCommandBytes(topic.Length));
        if (command.IsEmpty) return;
        bool isItself = _session!.Account.Device?.DeviceKey == device.DeviceKey; // not its hub
        Message message = new(topic, command, [], Qos: 1, Retain: true, long.MaxValue, Source: null) { Told = isItself ? device : null };
        _session.DeliverLatest(message, Math.Min(1, subscription.Qos), retain, subscription.Identifier == 0 ? [] : [subscription.Identifier]);
        if (endpoint.Tap.HasSubscribers) endpoint.Tap.Publish(message);
    }

    /// <summary>A 5.0 client says how long a packet it takes; 3.1.1 has no word for it, and a client acknowledges what it had no room for all the same (3.1.1 [MQTT-4.3.2-2]).</summary>
    private int MaxCommandBytes(int topicBytes)
    {
        if (_version != MqttVersion.V5) return WireLimits.MaxUntoldCommandBytes;
        const int Around = 5 + 2 + 2 + 1 + 3 + 5; // fixed header, topic length, packet identifier, property length, topic alias, Subscription Identifier
        return (int)Math.Clamp((long)_clientMaximumPacketSize - Around - topicBytes, 0, WireLimits.MaxCommandBytes);
    }

    private void WriteSuback(PacketType type, ushort id, ReadOnlySpan<ReasonCode> codes)
    {
        lock (_outbox.Gate) SubackPacket.Write(_outbox.Append(SubackPacket.SizeOf(type, _version, codes.Length)), type, _version, id, codes);
    }
}
