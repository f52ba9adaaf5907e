namespace Telemetry.Device.Platform
{
    /// <summary>
    /// A way to the broker for firmware that has an MQTT client already, one level above <see cref="ITransport"/>: whole messages instead of bytes. An
    /// adapter derives from it (device/adapters). Spool, window, resends and reconnect times stay the SDK's.
    /// </summary>
    /// <remarks>Connect, Publish, Subscribe and Close are called from the pump alone and do not throw. The On... members may be called from any thread,
    /// also from within Publish. An answer that belongs to a connection of before does no harm: a batch that was acked is acked.</remarks>
    public abstract class MessagePort
    {
        // 16 batches in flight, their answers of a connection before, SUBACK and a few Commands.
        private const int MostAnswers = 40;

        private readonly object _gate = new object();
        private readonly PortAnswer[] _answers = new PortAnswer[MostAnswers];
        private readonly int[] _ids = new int[MostAnswers];
        private readonly int[] _reasons = new int[MostAnswers];
        private readonly byte[]?[] _messages = new byte[]?[MostAnswers];
        private int _first;
        private int _count;
        private bool _isLost;

        /// <summary>Why the last attempt to connect was refused: the CONNACK code; 0 = not known. Set before Connect answers Broken.</summary>
        public int ReasonCode { get; protected set; }

        /// <summary>User property <c>slot-ms</c> of the refusal (proto/WIRE.md, "Reconnect"); 0 = none.</summary>
        public int SlotMs { get; protected set; }

        /// <summary>User property <c>window-ms</c> of CONNACK, be it a welcome or a refusal; 0 = none.</summary>
        public int WindowMs { get; protected set; }

        /// <summary>QoS 1 messages the server takes before the first is acked, 1..65535.</summary>
        public int ReceiveMaximum { get; protected set; } = 65535;

        /// <summary>Longest packet the server takes, in bytes.</summary>
        public int MaximumPacketBytes { get; protected set; } = 268435455;

        /// <summary>The client holds a session now. Asked on every turn between Connected and Close.</summary>
        public abstract bool IsConnected { get; }

        /// <summary>Begins a connection, or asks how the one under way is doing: called again while it answers Pending, which an adapter bounds in time.</summary>
        /// <param name="lifeTopic">Where the last will belongs.</param>
        /// <param name="will">The last will, QoS 1, not retained. A client that cannot carry bytes there leaves it out: the collector then learns of a
        /// loss from silence.</param>
        public abstract TransportStatus Connect(string lifeTopic, byte[] will);

        /// <summary>Hands a message over.</summary>
        /// <param name="id">1..65534: QoS 1, to be answered with <see cref="OnAcked"/>. 0: QoS 0, no answer.</param>
        /// <param name="topic">Its topic.</param>
        /// <param name="payload">The port's own from now on.</param>
        /// <returns>False when the client cannot take it: the connection is given up, and the message comes again on the next.</returns>
        public abstract bool Publish(int id, string topic, byte[] payload);

        /// <summary>Subscribes with QoS 1; answered with <see cref="OnSubscribed"/>, then with <see cref="OnMessage"/> for each message.</summary>
        /// <returns>False when the client cannot take it.</returns>
        public abstract bool Subscribe(string topic);

        /// <summary>Gives the connection up. May be followed by another Connect.</summary>
        public abstract void Close();

        /// <summary>The server answered a message.</summary>
        /// <param name="id">Of Publish.</param>
        /// <param name="reasonCode">PUBACK's; 0 with MQTT 3.1.1. A client that hides it must not speak 5.0: a refused batch would count as delivered.</param>
        protected void OnAcked(int id, int reasonCode)
        {
            if (!TryAdd(PortAnswer.Acked, id, reasonCode, null)) OnLost();
        }

        /// <summary>The server answered the subscription.</summary>
        /// <param name="reasonCode">SUBACK's; 0x80 or more = refused.</param>
        protected void OnSubscribed(int reasonCode)
        {
            if (!TryAdd(PortAnswer.Subscribed, 0, reasonCode, null)) OnLost();
        }

        /// <summary>A message arrived.</summary>
        /// <param name="payload">The SDK's own from now on.</param>
        /// <returns>False when too many wait: it should not be acked.</returns>
        protected bool OnMessage(byte[] payload)
        {
            return TryAdd(PortAnswer.Message, 0, 0, payload);
        }

        /// <summary>A message failed, or the connection was gone for a moment: whatever <see cref="IsConnected"/> says, begin anew.</summary>
        protected void OnLost()
        {
            lock (_gate) _isLost = true;
        }

        internal bool IsLost
        {
            get
            {
                lock (_gate) return _isLost;
            }
        }

        // What a connection of before left behind is forgotten.
        internal void Begin()
        {
            lock (_gate)
            {
                for (int i = 0; i < MostAnswers; i++) _messages[i] = null;
                _count = 0;
                _isLost = false;
            }

            ReasonCode = 0;
            SlotMs = 0;
            WindowMs = 0;
        }

        internal PortAnswer Take(out int id, out int reasonCode, out byte[]? message)
        {
            lock (_gate)
            {
                id = _ids[_first];
                reasonCode = _reasons[_first];
                message = _messages[_first];
                if (_count == 0) return PortAnswer.None;
                PortAnswer answer = _answers[_first];
                _messages[_first] = null;
                _first = (_first + 1) % MostAnswers;
                _count--;
                return answer;
            }
        }

        private bool TryAdd(PortAnswer answer, int id, int reasonCode, byte[]? message)
        {
            lock (_gate)
            {
                if (_count == MostAnswers) return false;
                int at = (_first + _count) % MostAnswers;
                _answers[at] = answer;
                _ids[at] = id;
                _reasons[at] = reasonCode;
                _messages[at] = message;
                _count++;
                return true;
            }
        }
    }

    /// <summary>What waits in a <see cref="MessagePort"/> for the pump.</summary>
    internal enum PortAnswer
    {
        None,
        Acked,
        Subscribed,
        Message,
    }
}
