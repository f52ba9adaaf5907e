using Telemetry.Mqtt.Connections;
using Telemetry.Mqtt.Packets;

namespace Telemetry.Mqtt.Sessions;

/// <summary>Messages to the client: the sender's side of MQTT 5.0 and 3.1.1 sections 4.3, 4.4 and 4.9.</summary>
internal sealed partial class Session
{
    /// <summary>Our bound on QoS 1 and 2 messages in flight to one client, below whatever Receive Maximum it offers.</summary>
    private const int MaxInFlight = 64;

    private Queue<Delivery>? _queue;
    private List<Delivery>? _inFlight;
    private ushort _lastPacketIdentifier;

    /// <summary>Sends or queues a message.</summary>
    /// <param name="message">What.</param>
    /// <param name="qos">Lower of published and granted QoS (MQTT 5.0 [MQTT-3.8.4-8]).</param>
    /// <param name="retain">RETAIN to show.</param>
    /// <param name="identifiers">Subscription Identifiers that matched; empty = none.</param>
    /// <returns>False if it was dropped because the client is slow or away for too long.</returns>
    public bool Deliver(Message message, int qos, bool retain, int[] identifiers)
    {
        lock (Gate)
        {
            Delivery delivery = new(message, qos, retain, identifiers);
            if (qos == 0) return Connection is null || Connection.TrySendQos0(delivery);

            _queue ??= new Queue<Delivery>();
            if (_queue.Count >= endpoint.Options.MaxQueuedMessages) return false;
            _queue.Enqueue(delivery);
            SendQueued();
            return true;
        }
    }

    /// <summary>Like <see cref="Deliver"/>, but a message of the same topic that still waits gives way: only the newest Command counts.</summary>
    public void DeliverLatest(Message message, int qos, bool retain, int[] identifiers)
    {
        lock (Gate)
        {
            if (_queue is { Count: > 0 })
            {
                _queue = new Queue<Delivery>(_queue.Where(waiting => !waiting.Message.Topic.AsSpan().SequenceEqual(message.Topic)));
            }
        }

        Deliver(message, qos, retain, identifiers);
    }

    /// <summary>PUBACK from the client, or PUBREC with a failure: the message is done (MQTT 5.0 [MQTT-4.4.0-2]).</summary>
    public void OnAcknowledged(ushort id) => Complete(id, isReleased: false);

    /// <summary>PUBCOMP from the client.</summary>
    public void OnCompleted(ushort id) => Complete(id, isReleased: true);

    /// <summary>PUBREC from the client: never the PUBLISH again, only PUBREL (MQTT 5.0 [MQTT-4.3.3-6]).</summary>
    /// <returns>False if the identifier is not in flight.</returns>
    public bool OnReceived(ushort id)
    {
        lock (Gate)
        {
            Delivery? delivery = _inFlight?.Find(one => one.PacketIdentifier == id && one.Qos == 2);
            if (delivery is null) return false;
            delivery.IsReleased = true;
            return true;
        }
    }

    /// <summary>What was not acknowledged goes again, in its order, under its identifiers (MQTT 5.0 and 3.1.1 [MQTT-4.4.0-1], [MQTT-4.6.0-1]).</summary>
    private void Resume()
    {
        foreach (Delivery delivery in _inFlight ?? [])
        {
            if (delivery.IsReleased) Connection!.SendAck(PacketType.Pubrel, delivery.PacketIdentifier, ReasonCode.Success);
            else Connection!.TrySend(delivery, isDuplicate: true);
        }

        SendQueued();
    }

    private void Complete(ushort id, bool isReleased)
    {
        Message done;
        lock (Gate)
        {
            int at = _inFlight?.FindIndex(one => one.PacketIdentifier == id && one.IsReleased == isReleased) ?? -1;
            if (at < 0) return;
            done = _inFlight![at].Message;
            _inFlight.RemoveAt(at);
            SendQueued();
        }

        if (done.Told is { } device) endpoint.Ingest.CommandAcknowledged(device, done.Payload.Span);
    }

    private void SendQueued()
    {
        while (Connection is { } connection && _queue is { Count: > 0 } && HasRoom(connection))
        {
            Delivery delivery = _queue.Dequeue();
            if (delivery.Message.ExpiresAtMs <= endpoint.NowMs) continue;

            delivery.PacketIdentifier = NextPacketIdentifier();

            // Too large for the client: as if it had been delivered (MQTT 5.0 [MQTT-3.1.2-25]).
            if (connection.TrySend(delivery, isDuplicate: false)) (_inFlight ??= []).Add(delivery);
        }

        if (_queue is { Count: 0 }) _queue = null;
        if (_inFlight is { Count: 0 }) _inFlight = null;
    }

    private bool HasRoom(MqttConnection connection)
    {
        int inFlight = _inFlight?.Count ?? 0;
        return inFlight == 0 || (inFlight < Math.Min(MaxInFlight, connection.ClientReceiveMaximum) && !connection.IsSlow);
    }

    private ushort NextPacketIdentifier()
    {
        do
        {
            _lastPacketIdentifier = _lastPacketIdentifier == ushort.MaxValue ? (ushort)1 : (ushort)(_lastPacketIdentifier + 1);
        }
        while (_inFlight is not null && _inFlight.Exists(one => one.PacketIdentifier == _lastPacketIdentifier));

        return _lastPacketIdentifier;
    }
}

/// <summary>One message on its way to one client.</summary>
internal sealed class Delivery(Message message, int qos, bool retain, int[] identifiers)
{
    public Message Message { get; } = message;
    public int Qos { get; } = qos;
    public bool Retain { get; } = retain;
    public int[] Identifiers { get; } = identifiers;
    public ushort PacketIdentifier { get; set; }

    /// <summary>PUBREC came; from now on only PUBREL is sent.</summary>
    public bool IsReleased { get; set; }
}
