using Telemetry.Device.Platform;

namespace Telemetry.Device.Tests.Support;

/// <summary>A firmware's own MQTT client, in memory: takes messages and answers as told.</summary>
internal sealed class ScriptedPort : MessagePort
{
    public List<(int Id, string Topic, byte[] Payload)> Published { get; } = [];

    public List<string> Subscribed { get; } = [];

    public (string Topic, byte[] Payload)? Will { get; private set; }

    public bool Acks { get; set; } = true;

    public int PubackReason { get; set; }

    /// <summary>The broker answers.</summary>
    public bool IsUp { get; set; } = true;

    /// <summary>Not 0: connections are refused with this code.</summary>
    public int RefuseCode { get; set; }

    public int RefuseSlotMs { get; set; }

    /// <summary>Turns of Connect that answer Pending before the result.</summary>
    public int PendingTurns { get; set; }

    /// <summary>False: the client takes no message.</summary>
    public bool Takes { get; set; } = true;

    public byte[]? Command { get; set; }

    public int Attempts { get; private set; }

    public int Closes { get; private set; }

    public IEnumerable<byte[]> Batches => Published.Where(message => message.Id != 0).Select(message => message.Payload);

    public override bool IsConnected => IsUp;

    public override TransportStatus Connect(string lifeTopic, byte[] will)
    {
        if (PendingTurns-- > 0) return TransportStatus.Pending;
        Attempts++;
        Will = (lifeTopic, will);
        if (!IsUp) return TransportStatus.Broken;
        if (RefuseCode == 0) return TransportStatus.Connected;
        ReasonCode = RefuseCode;
        SlotMs = RefuseSlotMs;
        return TransportStatus.Broken;
    }

    public override bool Publish(int id, string topic, byte[] payload)
    {
        if (!Takes) return false;
        Published.Add((id, topic, payload));
        if (id != 0 && Acks) OnAcked(id, PubackReason);
        return true;
    }

    public override bool Subscribe(string topic)
    {
        Subscribed.Add(topic);
        OnSubscribed(1);
        if (Command != null) OnMessage(Command);
        return true;
    }

    public override void Close() => Closes++;

    public void Ack(int id) => OnAcked(id, 0);

    public void Drop() => OnLost();

    public bool Send(byte[] message) => OnMessage(message);

    public void LimitTo(int receiveMaximum, int packetBytes) => (ReceiveMaximum, MaximumPacketBytes) = (receiveMaximum, packetBytes);
}
