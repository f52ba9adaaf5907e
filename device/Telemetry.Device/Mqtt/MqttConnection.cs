using Telemetry.Device.Platform;

namespace Telemetry.Device.Mqtt
{
    /// <summary>
    /// One MQTT connection, 3.1.1 or 5.0, as a state machine over a transport that never waits: QoS 1 out, QoS 0 and 1 in, one topic each way.
    /// </summary>
    /// <remarks>Owned by the pump. Allocates in the constructor only.</remarks>
    internal sealed partial class MqttConnection : IMqttLink
    {
        private const int ConnectTimeoutMs = 30000;
        private const int AnswerTimeoutMs = 20000;
        private const int PacketTimeoutMs = 60000;
        private const int SessionExpirySeconds = 86400;
        private const int PollMs = 20;

        private enum Phase
        {
            Closed,
            Opening,
            Greeting,
            Online,
        }

        private readonly ITransport _transport;
        private readonly string _host;
        private readonly int _port;
        private readonly MqttIdentity _identity;
        private readonly int _keepAliveSeconds;
        private readonly byte[] _send;
        private readonly byte[] _receive;
        private Phase _phase;
        private int _version;
        private bool _cleanStart;
        private long _phaseSinceMs;
        private long _lastSentMs;
        private long _expectsSinceMs; // something of the server is due since then; -1 = nothing
        private int _effectiveKeepAliveMs;
        private int _maximumPacketBytes; // of the server
        private int _slotMs;
        private int _windowMs;

        // What is going out: bytes of _out, then the rest of a payload.
        private byte[] _out;
        private int _outAt;
        private int _outEnd;
        private IPayloadSource? _payload;
        private int _payloadAt;
        private int _payloadBytes;

        /// <summary>A connection that is not open.</summary>
        /// <param name="options">Transport, broker, keep-alive and the sizes of the buffers.</param>
        /// <param name="identity">Names and secret.</param>
        public MqttConnection(TelemetryOptions options, MqttIdentity identity)
        {
            _transport = options.Transport!;
            _host = options.Host;
            _port = options.Port;
            _identity = identity;
            _keepAliveSeconds = options.KeepAliveSeconds;
            int least = identity.TopicBytes + 48;
            _send = new byte[options.SendBytes < least ? least : options.SendBytes];

            // CONNECT is built in the receive buffer: nothing arrives before it is sent.
            // 10 variable header, 2 x 15 properties, lengths, will payload.
            int connect = 80 + (2 * identity.TopicBytes) + (2 * identity.NameBytes) + identity.Password.Length;
            int message = options.CommandBytes + identity.TopicBytes + 16;
            _receive = new byte[connect > message ? connect : message];
            _out = _send;
            _expectsSinceMs = -1;
        }

        /// <summary>CONNACK's, PUBACK's, SUBACK's or DISCONNECT's code.</summary>
        public int ReasonCode { get; private set; }

        /// <summary>The server kept the session of the last connection.</summary>
        public bool IsSessionPresent { get; private set; }

        /// <summary>QoS 1 messages the server takes before the first is acked.</summary>
        public int ReceiveMaximum { get; private set; }

        /// <summary>Longest batch that fits a packet the server takes; 0 or less = none does.</summary>
        public int MaximumBatchBytes
        {
            // 1 type, 4 length, 2 topic length, topic, 2 identifier, 4 properties with an alias
            get { return _maximumPacketBytes - 13 - _identity.TopicBase.Length - MqttIdentity.Up.Length; }
        }

        /// <summary>Packet identifier of the PUBACK.</summary>
        public int AckId { get; private set; }

        /// <summary>User property <c>slot-ms</c> of the last refusal, once: come back after exactly this long; 0 = none.</summary>
        public int TakeSlotMs()
        {
            int slot = _slotMs;
            _slotMs = 0;
            return slot;
        }

        /// <summary>User property <c>window-ms</c> of the last CONNACK or DISCONNECT, once; 0 = none.</summary>
        public int TakeWindowMs()
        {
            int window = _windowMs;
            _windowMs = 0;
            return window;
        }

        /// <summary>Bytes handed to the transport since boot.</summary>
        public long SentBytes { get; private set; }

        /// <summary>Messages that were longer than the buffer and skipped.</summary>
        public long SkippedMessages { get; private set; }

        /// <summary>The receive buffer, which holds a Message from <see cref="MessageAt"/>.</summary>
        public byte[] Buffer
        {
            get { return _receive; }
        }

        /// <summary>The server accepted the session.</summary>
        public bool IsOnline
        {
            get { return _phase == Phase.Online; }
        }

        /// <summary>Neither open nor opening.</summary>
        public bool IsClosed
        {
            get { return _phase == Phase.Closed; }
        }

        /// <summary>Whether the last connection took CONNECT and ended without a word on it.</summary>
        public Silence Silence { get; private set; }

        /// <summary>Online, and the last packet is out.</summary>
        public bool CanSend
        {
            get { return _phase == Phase.Online && _outAt == _outEnd && _payload == null; }
        }

        /// <summary>Begins a connection; the result comes from Poll.</summary>
        /// <param name="version">4 = MQTT 3.1.1, 5 = MQTT 5.0.</param>
        /// <param name="cleanStart">Forget the session of before.</param>
        /// <param name="epoch">Epoch that the last will names.</param>
        /// <param name="boot">Its boot number.</param>
        /// <param name="nowMs">Link clock.</param>
        public void Open(int version, bool cleanStart, uint epoch, uint boot, long nowMs)
        {
            _version = version;
            _cleanStart = cleanStart;
            _epoch = epoch;
            _boot = boot;
            _phase = Phase.Opening;
            _phaseSinceMs = nowMs;
            _outAt = 0;
            _outEnd = 0;
            _payload = null;
            _isAliasKnown = false;
            Silence = Silence.None;
            ResetReceive();
        }

        /// <summary>Sends, receives and keeps time until something is worth telling.</summary>
        public MqttEvent Poll(long nowMs)
        {
            switch (_phase)
            {
                case Phase.Closed:
                    return MqttEvent.None;
                case Phase.Opening:
                    return PollOpening(nowMs);
                default:
                    if (!SendPending(nowMs)) return Lose();
                    MqttEvent happened = ReceivePackets(nowMs);
                    if (happened == MqttEvent.Lost) return Lose();
                    if (happened != MqttEvent.None) return happened;
                    return KeepTime(nowMs);
            }
        }

        /// <summary>Milliseconds until Poll has something to do without the network moving.</summary>
        public int DueInMs(long nowMs)
        {
            long due = long.MaxValue;
            if (_phase == Phase.Opening || _phase == Phase.Greeting) due = _phaseSinceMs + ConnectTimeoutMs;
            if (_phase == Phase.Online && _effectiveKeepAliveMs > 0) due = _lastSentMs + _effectiveKeepAliveMs;
            if (_expectsSinceMs >= 0 && _expectsSinceMs + AnswerTimeoutMs < due) due = _expectsSinceMs + AnswerTimeoutMs;
            due -= nowMs;
            if (due > PollMs && (_phase != Phase.Online || _expectsSinceMs >= 0 || !CanSend)) due = PollMs; // an answer is on its way
            return due < 0 ? 0 : due > 60000 ? 60000 : (int)due;
        }

        /// <summary>Closes the transport without a word: the server will send the last will.</summary>
        public void Abort()
        {
            _transport.Close();
            _phase = Phase.Closed;
            _payload = null;
            _outAt = _outEnd;
            _expectsSinceMs = -1;
        }

        private MqttEvent PollOpening(long nowMs)
        {
            TransportStatus status = _transport.Connect(_host, _port);
            if (status == TransportStatus.Broken) return Lose();
            if (status == TransportStatus.Pending) return nowMs - _phaseSinceMs > ConnectTimeoutMs ? Lose() : MqttEvent.None;
            _phase = Phase.Greeting;
            _out = _receive;
            _outAt = 0;
            _outEnd = WriteConnect(_receive);
            return SendPending(nowMs) ? MqttEvent.None : Lose();
        }

        private MqttEvent KeepTime(long nowMs)
        {
            if (_phase == Phase.Greeting)
            {
                if (nowMs - _phaseSinceMs <= ConnectTimeoutMs) return MqttEvent.None;
                if (_outAt == _outEnd) Silence = Silence.Waited;
                return Lose();
            }

            if (_expectsSinceMs >= 0 && nowMs - _expectsSinceMs > AnswerTimeoutMs) return Lose();

            // A length that is nonsense would take every later packet for its body, and each for a sign of life.
            if (_headerByte >= 0 && nowMs - _packetSinceMs > PacketTimeoutMs) return Lose();
            if (_effectiveKeepAliveMs > 0 && nowMs - _lastSentMs >= _effectiveKeepAliveMs && CanSend)
            {
                _send[0] = MqttPacket.Pingreq;
                _send[1] = 0;
                Begin(2);
                if (!SendPending(nowMs)) return Lose();
                Expect(nowMs);
            }

            return MqttEvent.None;
        }

        private MqttEvent Lose()
        {
            if (_phase == Phase.Greeting && _outAt == _outEnd && Silence == Silence.None) Silence = Silence.Closed;
            Abort();
            return MqttEvent.Lost;
        }

        // An answer is due; the clock starts with the first unanswered packet and again with every sign of life.
        private void Expect(long nowMs)
        {
            if (_expectsSinceMs < 0) _expectsSinceMs = nowMs;
        }
    }
}
