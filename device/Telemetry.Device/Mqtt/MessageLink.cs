using Telemetry.Device.Delivery;
using Telemetry.Device.Platform;

namespace Telemetry.Device.Mqtt
{
    /// <summary>The session of a firmware's own MQTT client, seen through its <see cref="MessagePort"/>.</summary>
    /// <remarks>Owned by the pump. Allocates a payload for each batch, because the foreign client keeps it until the ack.</remarks>
    internal sealed class MessageLink : IMqttLink
    {
        private const int AnswerTimeoutMs = 60_000; // that client repeats by itself first
        private const int PollMs = 20;
        private const int IdleMs = 60_000;
        private const int LongestMessage = 4096; // a Command (proto/WIRE.md, "Limits"): that client holds it already, so a shorter limit would spare nothing
        private const int HeaderBytes = 16; // of a PUBLISH without its topic: 5 fixed, 2 topic length, 2 identifier, properties

        private static readonly byte[] NoMessage = new byte[0];

        private readonly MessagePort _port;
        private readonly string _upTopic;
        private readonly string _downTopic;
        private readonly string _lifeTopic;
        private Phase _phase;
        private byte[] _will = NoMessage;
        private bool _isRefusing; // the port would not take a message
        private int _unanswered;
        private long _expectsSinceMs;
        private int _slotMs;
        private int _windowMs;

        public MessageLink(MessagePort port, MqttIdentity identity)
        {
            _port = port;
            string topics = identity.TopicBase;
            _upTopic = topics + "up";
            _downTopic = topics + "down";
            _lifeTopic = topics + "life";
        }

        private enum Phase : byte
        {
            Closed,
            Opening,
            Online,
        }

        public int ReasonCode { get; private set; }

        /// <summary>What that client repeats, it repeats on its own: to the SDK every session is new.</summary>
        public bool IsSessionPresent
        {
            get { return false; }
        }

        public int ReceiveMaximum
        {
            get { return _port.ReceiveMaximum; }
        }

        public int MaximumBatchBytes
        {
            get { return _port.MaximumPacketBytes - _upTopic.Length - HeaderBytes; }
        }

        public int AckId { get; private set; }

        /// <summary>Payloads only: the rest is that client's.</summary>
        public long SentBytes { get; private set; }

        public int SkippedMessages { get; private set; }

        public byte[] Buffer { get; private set; } = NoMessage;

        public int MessageAt
        {
            get { return 0; }
        }

        public int MessageBytes
        {
            get { return Buffer.Length; }
        }

        public bool IsOnline
        {
            get { return _phase == Phase.Online; }
        }

        public bool IsClosed
        {
            get { return _phase == Phase.Closed; }
        }

        /// <summary>How that client greets its broker is its affair.</summary>
        public Silence Silence
        {
            get { return Silence.None; }
        }

        public bool CanSend
        {
            get { return _phase == Phase.Online && !_isRefusing; }
        }

        // Where, as whom and with which version is that client's affair.
        public void Open(int version, bool cleanStart, uint epoch, uint boot, long nowMs)
        {
            _port.Begin();
            _will = MakeLife(false, epoch, boot);
            _isRefusing = false;
            _unanswered = 0;
            _phase = Phase.Opening;
        }

        public MqttEvent Poll(long nowMs)
        {
            if (_phase == Phase.Closed) return MqttEvent.None;
            if (_phase == Phase.Opening) return PollOpening();
            PortAnswer answer = _port.Take(out int id, out int reason, out byte[]? message);
            switch (answer)
            {
                case PortAnswer.Acked:
                    NoteAnswer(nowMs);
                    AckId = id;
                    ReasonCode = reason;
                    return MqttEvent.Acked;
                case PortAnswer.Subscribed:
                    NoteAnswer(nowMs);
                    ReasonCode = reason;
                    return MqttEvent.Subscribed;
                case PortAnswer.Message:
                    if (message!.Length > LongestMessage)
                    {
                        SkippedMessages++;
                        return Poll(nowMs);
                    }

                    Buffer = message;
                    return MqttEvent.Message;
                default:
                    bool isLate = _unanswered > 0 && nowMs - _expectsSinceMs > AnswerTimeoutMs;
                    return _isRefusing || isLate || _port.IsLost || !_port.IsConnected ? Close(MqttEvent.Lost) : MqttEvent.None;
            }
        }

        public int DueInMs(long nowMs)
        {
            return _phase != Phase.Online || _unanswered > 0 || _isRefusing ? PollMs : IdleMs;
        }

        public bool TryPublish(IPayloadSource source, int bytes, int packetId, bool isRepeated, long nowMs)
        {
            if (bytes > MaximumBatchBytes) return false;
            byte[] payload = new byte[bytes];
            _isRefusing = !source.ReadPayload(0, payload, 0, bytes) || !_port.Publish(packetId, _upTopic, payload);
            if (!_isRefusing) SentBytes += bytes;
            Expect(nowMs);
            return true;
        }

        public void Subscribe(int packetId, long nowMs)
        {
            _isRefusing = !_port.Subscribe(_downTopic);
            Expect(nowMs);
        }

        public void PublishBirth(uint epoch, uint boot)
        {
            _isRefusing = !_port.Publish(0, _lifeTopic, MakeLife(true, epoch, boot));
        }

        public void ConfirmMessage()
        {
            Buffer = NoMessage;
        }

        public int TakeSlotMs()
        {
            int slot = _slotMs;
            _slotMs = 0;
            return slot;
        }

        public int TakeWindowMs()
        {
            int window = _windowMs;
            _windowMs = 0;
            return window;
        }

        public void Disconnect(long nowMs)
        {
            Close(MqttEvent.None);
        }

        private static byte[] MakeLife(bool isUp, uint epoch, uint boot)
        {
            byte[] message = new byte[LifeMessage.Bytes(isUp, boot)];
            LifeMessage.Write(message, 0, isUp, epoch, boot);
            return message;
        }

        private MqttEvent PollOpening()
        {
            TransportStatus status = _port.Connect(_lifeTopic, _will);
            if (status == TransportStatus.Pending) return MqttEvent.None;
            ReasonCode = _port.ReasonCode;
            _windowMs = _port.WindowMs;
            if (status == TransportStatus.Connected)
            {
                _phase = Phase.Online;
                return MqttEvent.Accepted;
            }

            _slotMs = _port.SlotMs;
            return Close(ReasonCode == 0 ? MqttEvent.Lost : MqttEvent.Refused);
        }

        private MqttEvent Close(MqttEvent why)
        {
            if (_phase != Phase.Closed) _port.Close();
            _phase = Phase.Closed;
            return why;
        }

        private void Expect(long nowMs)
        {
            if (_unanswered++ == 0) _expectsSinceMs = nowMs;
        }

        private void NoteAnswer(long nowMs)
        {
            if (_unanswered > 0) _unanswered--;
            _expectsSinceMs = nowMs;
        }
    }
}
