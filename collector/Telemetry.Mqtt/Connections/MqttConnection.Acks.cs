using Telemetry.Mqtt.Packets;
using Telemetry.Mqtt.Sessions;
using Telemetry.Wire.Ingest;

namespace Telemetry.Mqtt.Connections;

/// <summary>Everything that is sent. Acknowledgements of batches stand in a queue until their log position is durable; one wait for the
/// newest settles all of them, and they leave in one flush, in the order of their publishes.</summary>
internal sealed partial class MqttConnection
{
    private AckQueue _acks;
    private bool _isAcking;
    private bool _areAcksStopped;
    private int _qos1InFlight;
    private Task _ackTask = Task.CompletedTask;
    private TaskCompletionSource? _acksSent;
    private List<byte[]>? _outgoingAliases;

    /// <summary>Receive Maximum of the client's CONNECT.</summary>
    public int ClientReceiveMaximum { get; private set; } = ushort.MaxValue;

    /// <summary>More waits for the socket than it should.</summary>
    public bool IsSlow => _outbox.Length > endpoint.Options.MaxOutboxBytes;

    /// <summary>Sends an acknowledgement that waits for nothing.</summary>
    public void SendAck(PacketType type, ushort id, ReasonCode code)
    {
        lock (_outbox.Gate) WriteAck(type, id, code, RefusalReason.None);
        _outbox.Flush();
    }

    /// <summary>Sends a QoS 0 message if the socket keeps up; the session's gate is held.</summary>
    public bool TrySendQos0(Delivery delivery) => !IsSlow && delivery.Message.ExpiresAtMs > endpoint.NowMs && TrySend(delivery, isDuplicate: false);

    /// <summary>Sends a PUBLISH; the session's gate is held.</summary>
    /// <returns>False if it exceeds the client's Maximum Packet Size (MQTT 5.0 [MQTT-3.1.2-24]).</returns>
    public bool TrySend(Delivery delivery, bool isDuplicate)
    {
        OutgoingPublish publish = new(delivery, isDuplicate, _version, endpoint.NowMs);
        lock (_outbox.Gate)
        {
            ChooseAlias(ref publish);
            int size = publish.Size;
            if (size > _clientMaximumPacketSize) return false;
            publish.Write(_outbox.Append(size));
        }

        _outbox.Flush();
        return true;
    }

    private void Send(ReadOnlySpan<byte> packet)
    {
        lock (_outbox.Gate) packet.CopyTo(_outbox.Append(packet.Length));
    }

    /// <summary>Owes an acknowledgement: sent at once if nothing is before it and it waits for no flush.</summary>
    private void Acknowledge(in PendingAck ack)
    {
        lock (_outbox.Gate)
        {
            if (ack.Position == 0 && _acks.Count == 0)
            {
                WriteAck(ack.Type, ack.PacketIdentifier, ack.Code, ack.Why);
                return;
            }

            if (ack.Type == PacketType.Puback) _qos1InFlight++;
            _acks.Enqueue(ack);
        }
    }

    /// <summary>Sees to it that the acknowledgements owed are waited for.</summary>
    private void StartAcks()
    {
        lock (_outbox.Gate)
        {
            if (_isAcking || _acks.Count == 0) return;
            _isAcking = true;
        }

        _ackTask = SendAcksAsync();
    }

    private async Task SendAcksAsync()
    {
        while (true)
        {
            long newest;
            lock (_outbox.Gate)
            {
                if (_acks.Count == 0 || _areAcksStopped)
                {
                    _acks.Clear();
                    _isAcking = false;
                    CompleteAcksSent();
                    return;
                }

                newest = _acks.NewestPosition;
            }

            if (!await IsDurableAsync(newest).ConfigureAwait(false))
            {
                lock (_outbox.Gate) _areAcksStopped = true;
                RequestEnd(EndReasons.StorageUnavailable);
                continue;
            }

            await _turns!.TakeAsync().ConfigureAwait(false);
            try
            {
                SendAcks(newest);
            }
            finally
            {
                _turns.Return();
            }
        }
    }

    private void SendAcks(long durable)
    {
        int sent = 0;
        lock (_outbox.Gate)
        {
            for (; !_areAcksStopped && _acks.TryDequeue(durable, out PendingAck ack); sent++)
            {
                if (ack.Type == PacketType.Puback) _qos1InFlight--;
                WriteAck(ack.Type, ack.PacketIdentifier, ack.Code, ack.Why);
            }

            CompleteAcksSent();
        }

        Interlocked.Add(ref endpoint.Counters.Acks, sent);
        _outbox.Flush();
    }

    private async ValueTask<bool> IsDurableAsync(long position)
    {
        try
        {
            return await endpoint.Ingest.WaitDurableAsync(position, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            MqttLog.NotDurable(endpoint.Logger, e, connection.ConnectionId);
            return false;
        }
    }

    /// <summary>Completes after the next acknowledgements went out, at once if none are owed.</summary>
    private Task WhenAcksSentAsync()
    {
        lock (_outbox.Gate)
        {
            if (_acks.Count == 0) return Task.CompletedTask;
            _acksSent ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _acksSent.Task;
        }
    }

    private void CompleteAcksSent()
    {
        _acksSent?.TrySetResult();
        _acksSent = null;
    }

    private void StopAcks()
    {
        lock (_outbox.Gate) _areAcksStopped = true;
    }

    private void WriteAck(PacketType type, ushort id, ReasonCode code, RefusalReason why)
    {
        ReadOnlySpan<byte> text = _wantsProblemInformation ? Refusals.Text(why) : default;
        int size = AckPacket.SizeOf(_version, code, text);
        if (size > _clientMaximumPacketSize)
        {
            text = default;
            size = AckPacket.SizeOf(_version, code, text);
        }

        AckPacket.Write(_outbox.Append(size), type, _version, id, code, text);
    }

    /// <summary>Gives the topic an alias if the client takes any: the first message sets it, the next ones go without the name.</summary>
    private void ChooseAlias(ref OutgoingPublish publish)
    {
        if (_clientTopicAliasMaximum == 0) return;

        byte[] topic = publish.Topic;
        int at = _outgoingAliases?.FindIndex(known => known.AsSpan().SequenceEqual(topic)) ?? -1;
        if (at >= 0)
        {
            publish.UseAlias(at + 1, isKnown: true);
        }
        else if ((_outgoingAliases?.Count ?? 0) < Math.Min(_clientTopicAliasMaximum, endpoint.Options.TopicAliasMaximum))
        {
            (_outgoingAliases ??= []).Add(topic);
            publish.UseAlias(_outgoingAliases.Count, isKnown: false);
        }
    }
}
