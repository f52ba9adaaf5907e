using Telemetry.Mqtt.Packets;
using Telemetry.Mqtt.Sessions;

namespace Telemetry.Mqtt.Connections;

/// <summary>The one place where a connection ends: the reply, the count, the log line, the will, the session.</summary>
internal sealed partial class MqttConnection
{
    private EndReason? _disconnectReason;
    private uint _sessionExpirySeconds;
    private Will? _will;

    /// <summary>Publishes the will of a connection whose session another connection has taken; the reader of this one may still run.</summary>
    /// <param name="isSessionOver">The other one started clean.</param>
    public void SettleWill(bool isSessionOver)
    {
        if (Interlocked.Exchange(ref _will, null) is not { } will) return;
        if (will.DelaySeconds == 0 || isSessionOver) endpoint.PublishWill(will.Message.Source!, will);
    }

    /// <summary>DISCONNECT from the client, MQTT 5.0 and 3.1.1 section 3.14.4.</summary>
    private void OnDisconnect(ref PacketReader reader)
    {
        Require(DisconnectPacket.TryRead(ref reader, _version, out DisconnectPacket packet), ref reader);
        if (packet.Properties.Has(PropertyId.SessionExpiryInterval))
        {
            if (_sessionExpirySeconds == 0 && packet.Properties.SessionExpiryInterval > 0) throw new MqttProtocolException(EndReasons.ExpiryRaisedFromZero);
            _sessionExpirySeconds = Math.Min(packet.Properties.SessionExpiryInterval, MaxSessionExpirySeconds);
        }

        // Only 0x00 takes the will back ([MQTT-3.14.4-3] of both).
        bool dropsWill = packet.Reason == ReasonCode.Success;
        if (dropsWill) _will = null;
        _disconnectReason = dropsWill ? EndReasons.ClientDisconnected : EndReasons.DisconnectedWithWill;
    }

    private async Task EndAsync(EndReason reason)
    {
        if (reason == EndReasons.ServerShuttingDown) await Task.WhenAny(WhenAcksSentAsync(), Task.Delay(Linger, endpoint.Time)).ConfigureAwait(false);
        if (reason.Code >= ReasonCode.UnspecifiedError) SendLast(reason);

        bool isOurs = reason.Code >= ReasonCode.UnspecifiedError || reason == EndReasons.ConnectTimeout;
        MqttLog.Ended(endpoint.Logger, connection.ConnectionId, reason.Name);
        DetachSession();
        endpoint.Remove(this, reason);
        await CloseAsync(isOurs).ConfigureAwait(false);
    }

    /// <summary>CONNACK with the reason before the session, DISCONNECT after it (MQTT 5.0 [MQTT-3.14.0-1]); 3.1.1 mostly has no word.</summary>
    private void SendLast(EndReason reason)
    {
        int slotMs = reason.NamesSlot && _version == MqttVersion.V5 ? endpoint.Slots.Next(endpoint.NowMs) : 0;
        byte[]? last = (_session, _version) switch
        {
            (null, MqttVersion.Unknown) => null,
            (null, _) => ConnackPacket.CreateRefusal(_version, reason, slotMs, _clientMaximumPacketSize),
            (_, MqttVersion.V5) => DisconnectPacket.Create(reason.Code, reason.Text, slotMs, _clientMaximumPacketSize),
            _ => null,
        };
        if (last is null) return;
        Send(last);
        _outbox.Flush();
    }

    private void DetachSession()
    {
        if (_session is not { } session) return;

        long now = endpoint.NowMs;
        long expiresAtMs = now + (_sessionExpirySeconds * 1000L);
        if (!session.TryDetach(this, expiresAtMs)) return;

        if (Interlocked.Exchange(ref _will, null) is { } will)
        {
            long delaySeconds = Math.Min(will.DelaySeconds, _sessionExpirySeconds);
            if (delaySeconds == 0) endpoint.PublishWill(session, will);
            else session.PendingWill = (will, now + (delaySeconds * 1000L));
        }

        endpoint.Sessions.Release(session, expiresAtMs);
    }

    private async Task CloseAsync(bool isOurs)
    {
        // The rest of the answers leaves, unless the peer does not take it.
        Task drained = _outbox.WhenDrainedAsync();
        if (!drained.IsCompleted) await Task.WhenAny(drained, Task.Delay(Linger, endpoint.Time, connection.ConnectionClosed)).ConfigureAwait(false);
        await _outbox.CloseAsync().ConfigureAwait(false);
        await connection.Transport.Output.CompleteAsync().ConfigureAwait(false);
        await _input.CompleteAsync().ConfigureAwait(false);
        if (isOurs)
        {
            // The transport now sends what is left and closes; a peer that does not take it is cut off.
            await Task.Delay(Linger, endpoint.Time, connection.ConnectionClosed).ContinueWith(static _ => { }, TaskScheduler.Default).ConfigureAwait(false);
            if (!connection.ConnectionClosed.IsCancellationRequested) connection.Abort();
        }

        // The socket is gone; a flush may still be waited for, and its acknowledgements now go nowhere.
        StopAcks();
        await _ackTask.ConfigureAwait(false);
    }
}
