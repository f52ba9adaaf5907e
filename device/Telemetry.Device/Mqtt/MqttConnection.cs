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

        private enum Phase : byte
        {
            Closed,
            Opening,
            Greeting,
            Online,
        }

        private readonly ITransport _transport;
        private readonly string _host;
        private readonly ushort _port;
        private readonly MqttIdentity _identity;
        private readonly ushort _keepAliveSeconds;
        private readonly byte[] _buffer; // of what comes in; what goes out passes through the rest of it
        private Phase _phase;
        private byte _version;
        private bool _cleanStart;
        private long _phaseSinceMs;
        private long _lastSentMs;
        private long _expectsSinceMs; // something of the server is due since then; -1 = nothing
        private int _effectiveKeepAliveMs;
        private int _maximumPacketBytes; // of the server
        private int _slotMs;
        private int _windowMs;

        /// <summary>A connection that is not open.</summary>
        /// <param name="options">Transport, broker, keep-alive and the longest Command.</param>
        /// <param name="identity">Names and secret.</param>
        public MqttConnection(TelemetryOptions options, MqttIdentity identity)
        {
            _transport = options.Transport!;
            _host = options.Host;
            _port = (ushort)options.Port;
            _identity = identity;
            _keepAliveSeconds = (ushort)options.KeepAliveSeconds;

            // The longest packets: CONNECT with 5 fixed, 10 variable header, 15 properties, 26 will payload; a Command with 2 identifier and 14 properties.
            int connect = 56 + identity.MostTopicBytes + (2 * identity.NameBytes) + identity.SecretBytes;
            int message = 16 + identity.MostTopicBytes + options.CommandBytes;
            _buffer = new byte[connect > message ? connect : message];
            _expectsSinceMs = -1;
        }

        /// <summary>CONNACK's, PUBACK's, SUBACK's or DISCONNECT's code.</summary>
        public int ReasonCode { get; private set; }

        /// <summary>The server kept the session of the last connection.</summary>
        public bool IsSessionPresent { get; private set; }

        /// <summary>QoS 1 messages the server takes before the first is acked.</summary>
        public int ReceiveMaximum { get; private set; }

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
        public int SkippedMessages { get; private set; }

        /// <summary>The buffer, which holds a Message from <see cref="MessageAt"/>.</summary>
        public byte[] Buffer
        {
            get { return _buffer; }
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

        /// <summary>Begins a connection; the result comes from Poll.</summary>
        /// <param name="version">4 = MQTT 3.1.1, 5 = MQTT 5.0.</param>
        /// <param name="cleanStart">Forget the session of before.</param>
        /// <param name="epoch">Epoch that the last will names.</param>
        /// <param name="boot">Its boot number.</param>
        /// <param name="nowMs">Link clock.</param>
        public void Open(int version, bool cleanStart, uint epoch, uint boot, long nowMs)
        {
            _version = (byte)version;
            _cleanStart = cleanStart;
            _epoch = epoch;
            _boot = boot;
            _phase = Phase.Opening;
            _phaseSinceMs = nowMs;
            EndSend();
            _isAliasKnown = false;
            _messageId = 0;
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
            EndSend();
            _expectsSinceMs = -1;
        }

        private MqttEvent PollOpening(long nowMs)
        {
            TransportStatus status = _transport.Connect(_host, _port);
            if (status == TransportStatus.Broken) return Lose();
            if (status == TransportStatus.Pending) return nowMs - _phaseSinceMs > ConnectTimeoutMs ? Lose() : MqttEvent.None;
            _phase = Phase.Greeting;
            Begin(Outgoing.Connect, 0);
            return SendPending(nowMs) ? MqttEvent.None : Lose();
        }

        private MqttEvent KeepTime(long nowMs)
        {
            if (_phase == Phase.Greeting)
            {
                if (nowMs - _phaseSinceMs <= ConnectTimeoutMs) return MqttEvent.None;
                if (_outgoing == Outgoing.Nothing) Silence = Silence.Waited;
                return Lose();
            }

            if (_expectsSinceMs >= 0 && nowMs - _expectsSinceMs > AnswerTimeoutMs) return Lose();

            // A length that is nonsense would take every later packet for its body, and each for a sign of life.
            if (_headerByte >= 0 && nowMs - _packetSinceMs > PacketTimeoutMs) return Lose();
            if (_effectiveKeepAliveMs > 0 && nowMs - _lastSentMs >= _effectiveKeepAliveMs && CanSend)
            {
                Begin(Outgoing.Pingreq, 0);
                if (!SendPending(nowMs)) return Lose();
                Expect(nowMs);
            }

            return MqttEvent.None;
        }

        private MqttEvent Lose()
        {
            if (_phase == Phase.Greeting && _outgoing == Outgoing.Nothing && Silence == Silence.None) Silence = Silence.Closed;
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
