namespace Telemetry.Device.Mqtt
{
    /// <summary>What <see cref="IMqttLink.Poll"/> met.</summary>
    internal enum MqttEvent : byte
    {
        /// <summary>Nothing now.</summary>
        None,

        /// <summary>CONNACK with success.</summary>
        Accepted,

        /// <summary>CONNACK with another code, or the server's DISCONNECT: see ReasonCode, TakeSlotMs, TakeWindowMs. The connection is closed.</summary>
        Refused,

        /// <summary>PUBACK: see AckId and ReasonCode.</summary>
        Acked,

        /// <summary>SUBACK: see ReasonCode.</summary>
        Subscribed,

        /// <summary>A PUBLISH to this client: see MessageAt, MessageBytes. Must be answered with ConfirmMessage.</summary>
        Message,

        /// <summary>The connection broke, timed out, or the peer broke the protocol. It is closed.</summary>
        Lost,
    }

    /// <summary>A CONNECT without a CONNACK.</summary>
    internal enum Silence : byte
    {
        /// <summary>There was an answer, or nobody took it.</summary>
        None,

        /// <summary>The server said nothing for as long as anyone waits.</summary>
        Waited,

        /// <summary>The server closed the connection.</summary>
        Closed,
    }

    /// <summary>The uplink's view of its session with a broker: our own client over bytes, or a port to the client that a firmware has already.</summary>
    /// <remarks>Owned by the pump. No member waits for the network.</remarks>
    internal interface IMqttLink
    {
        /// <summary>CONNACK's, PUBACK's, SUBACK's or DISCONNECT's code.</summary>
        int ReasonCode { get; }

        /// <summary>The server kept the session of the last connection, and what was in flight is repeated under its old identifiers.</summary>
        bool IsSessionPresent { get; }

        /// <summary>QoS 1 messages the server takes before the first is acked.</summary>
        int ReceiveMaximum { get; }

        /// <summary>Longest batch that fits a packet the server takes; 0 or less = none does.</summary>
        int MaximumBatchBytes { get; }

        /// <summary>Identifier of the batch that was acked.</summary>
        int AckId { get; }

        /// <summary>Bytes sent since boot.</summary>
        long SentBytes { get; }

        /// <summary>Messages that were too long and skipped.</summary>
        int SkippedMessages { get; }

        /// <summary>Holds a Message from <see cref="MessageAt"/> until ConfirmMessage.</summary>
        byte[] Buffer { get; }

        /// <summary>Where the Message's payload begins.</summary>
        int MessageAt { get; }

        /// <summary>Bytes of the Message's payload.</summary>
        int MessageBytes { get; }

        /// <summary>The server accepted the session.</summary>
        bool IsOnline { get; }

        /// <summary>Neither open nor opening.</summary>
        bool IsClosed { get; }

        /// <summary>Whether the last connection took CONNECT and ended without a word on it.</summary>
        Silence Silence { get; }

        /// <summary>Online, and ready for the next packet.</summary>
        bool CanSend { get; }

        /// <summary>Begins a connection, whose last will names the epoch and the boot; the result comes from Poll.</summary>
        void Open(int version, bool cleanStart, uint epoch, uint boot, long nowMs);

        /// <summary>Sends, receives and keeps time until something is worth telling.</summary>
        MqttEvent Poll(long nowMs);

        /// <summary>Milliseconds until Poll has something to do without the network moving.</summary>
        int DueInMs(long nowMs);

        /// <summary>Sends one batch with QoS 1. CanSend must hold.</summary>
        /// <returns>False when it is longer than the server takes; nothing was sent.</returns>
        bool TryPublish(IPayloadSource source, int bytes, int packetId, bool isRepeated, long nowMs);

        /// <summary>Subscribes to the down topic with QoS 1. CanSend must hold.</summary>
        void Subscribe(int packetId, long nowMs);

        /// <summary>Publishes the birth message with QoS 0. CanSend must hold.</summary>
        void PublishBirth(uint epoch, uint boot);

        /// <summary>Lets the Message go.</summary>
        void ConfirmMessage();

        /// <summary>User property <c>slot-ms</c> of the last refusal, once: come back after exactly this long; 0 = none.</summary>
        int TakeSlotMs();

        /// <summary>User property <c>window-ms</c> of the last CONNACK or DISCONNECT, once, so that it does not outlive what a Command says: draw reconnects from this
        /// window; 0 = none.</summary>
        int TakeWindowMs();

        /// <summary>Says goodbye, which keeps the last will unsent, and closes.</summary>
        void Disconnect(long nowMs);
    }
}
