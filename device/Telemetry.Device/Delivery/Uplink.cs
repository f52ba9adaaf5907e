using Telemetry.Device.Mqtt;
using Telemetry.Device.Platform;
using Telemetry.Device.Sampling;
using Telemetry.Device.Spool;

namespace Telemetry.Device.Delivery
{
    /// <summary>
    /// Brings spooled batches to the collector: connects when there is a reason, keeps a window in flight, frees what is acked, sends again
    /// what is not. Events go before bulk data.
    /// </summary>
    /// <remarks>Owned by the pump; takes the store lock around each use of the spool.</remarks>
    internal sealed partial class Uplink : IPayloadSource
    {
        private const int SubscribeId = 65535;
        private const int LargestPacketId = 65534;
        private const int OutOfReachFailures = 3;
        private const int UnansweredForNewSession = 2;
        private const int UnansweredFor311 = 3;
        private const int AckTimeoutMs = 60_000; // since the last batch that was sent or acked

        private readonly ICommandHandler? _handler;
        private readonly bool _disconnectsWhenIdle;
        private readonly int _defaultUploadIntervalMs;
        private readonly BatchSpool _spool;
        private readonly Sampler _sampler;
        private readonly IClock _linkClock;
        private readonly Chance _chance;
        private readonly IMqttLink _link;
        private SendWindow _window;
        private byte _version;
        private bool _isFirstSession = true;
        private bool _wasGreeted;
        private bool _mustSubscribe;
        private bool _mustBirth;
        private bool _isStopping;
        private int _failures;
        private byte _unanswered; // CONNECTs without a word since the last answer to one
        private long _nextAttemptMs;
        private long _pausedUntilMs;
        private long _ackDueMs;
        private int _windowMs;
        private ushort _nextPacketId = 1;
        private long _bulkNext;
        private long _eventNext;
        private SpoolRing _sendingRing;
        private long _sendingPosition;
        private int _sendingEntries;

        public Uplink(
            TelemetryOptions options, BatchSpool spool, Sampler sampler, WallClock wall, Chance chance, Profile profile)
        {
            _handler = options.CommandHandler;
            _disconnectsWhenIdle = options.DisconnectWhenIdle;
            _defaultUploadIntervalMs = options.UploadIntervalMs;
            _spool = spool;
            _sampler = sampler;
            _wall = wall;
            _chance = chance;
            _profile = profile;
            _linkClock = options.LinkClock ?? options.Clock!;
            _version = (byte)options.ProtocolVersion;
            _sendingRing = spool.Ring(false);
            _window = new SendWindow(options.Window);
            if (_handler != null)
            {
                _toldPeriodsMs = new int[profile.Count];
                for (int i = 0; i < _toldPeriodsMs.Length; i++) _toldPeriodsMs[i] = CapturePolicy.NoPeriod;
            }

            MqttIdentity identity = new MqttIdentity(options.Brand, options.Device, options.Secret);
            if (options.MessagePort != null) _link = new MessageLink(options.MessagePort, identity);
            else _link = new MqttConnection(options, identity);
        }

        public bool IsConnected
        {
            get { return _link.IsOnline; }
        }

        /// <summary>Several attempts in a row have failed.</summary>
        public bool IsOutOfReach
        {
            get { return _failures >= OutOfReachFailures; }
        }

        /// <summary>Nothing can arrive or leave: the pump may sleep as long as Step said.</summary>
        public bool IsQuiet
        {
            get { return _link.IsClosed; }
        }

        public long AckedSamples { get; private set; }

        public int AckedBatches { get; private set; }

        public int SentBatches { get; private set; }

        public long SentBytes
        {
            get { return _link.SentBytes; }
        }

        public int Connects { get; private set; }

        public int FailedConnects { get; private set; }

        public int Commands { get; private set; }

        public long SkippedCommands
        {
            get { return _link.SkippedMessages + _badCommands; }
        }

        /// <summary>One turn.</summary>
        /// <returns>Milliseconds until the next one is wanted.</returns>
        public int Step()
        {
            long now = _linkClock.UptimeMs;
            if (_link.IsClosed) return StepClosed(now);
            while (true)
            {
                MqttEvent happened = _link.Poll(now);
                if (happened == MqttEvent.None)
                {
                    if (!_link.CanSend || !SendNext(now)) break;
                    continue;
                }

                Handle(happened, now);
                if (_link.IsClosed) return StepClosed(now);
            }

            if (_link.IsClosed) return StepClosed(now);
            if (_link.IsOnline && now > _ackDueMs && _window.FindState(SendWindow.Sent) >= 0)
            {
                // The link lives and an ack is missing all the same: MQTT repeats a PUBLISH on a new connection only [MQTT-4.4.0-1].
                _link.Disconnect(now);
                OnClosed(now, 0);
                return StepClosed(now);
            }

            if (_link.IsOnline && DisconnectsWhenIdle && IsIdle) _link.Disconnect(now);
            return _link.DueInMs(now);
        }

        /// <summary>Allows the next attempt and the next upload at once.</summary>
        public void Hurry()
        {
            _nextAttemptMs = 0;
            _pausedUntilMs = 0;
            _nextUploadMs = 0;
        }

        /// <summary>Allows the next upload at once; an attempt to connect still waits its time, so that a fleet's events are no stampede.</summary>
        public void HurryUpload()
        {
            _nextUploadMs = 0;
        }

        /// <summary>Spares the radio: an upload an hour, no connection between.</summary>
        public bool IsSaving { get; set; }

        /// <summary>Says goodbye.</summary>
        public void Close()
        {
            _isStopping = true;
            _link.Disconnect(_linkClock.UptimeMs);
        }

        bool IPayloadSource.ReadPayload(int at, byte[] buffer, int offset, int count)
        {
            lock (_sampler)
            {
                return _sendingPosition >= _sendingRing.Tail && _sendingRing.ReadPayload(_sendingPosition, _sendingEntries, at, buffer, offset, count);
            }
        }

        private bool DisconnectsWhenIdle
        {
            get { return _disconnectsWhenIdle || IsSaving; }
        }

        // Nothing to send, nothing in flight, and the server's Command is here.
        private bool IsIdle
        {
            get
            {
                if (_window.Count > 0 || _mustSubscribe || _mustBirth || !_link.CanSend || !_hasCommand) return false;
                lock (_sampler) return _spool.HeldBatches == 0;
            }
        }

        private int StepClosed(long now)
        {
            if (_isStopping) return 60000;
            if (DisconnectsWhenIdle)
            {
                int held;
                lock (_sampler) held = _spool.HeldBatches;
                if (held == 0) return 60000;
            }

            long wait = _nextAttemptMs - now;
            long upload = UploadDueInMs(now);
            if (DisconnectsWhenIdle && upload > wait) wait = upload;
            if (wait > 0) return wait > 60000 ? 60000 : (int)wait;
            Open(now);
            return 0;
        }

        private void Open(long now)
        {
            // After a boot the packet identifiers are forgotten, so a 5.0 session must start clean (MQTT 5.0 [MQTT-3.2.2-4]).
            // 3.1.1 keeps no session that began clean: there it is resumed, and batches sent before the boot arrive twice at worst.
            bool cleanStart = _version == 5 && _isFirstSession;

            // A broker may hold a session that it never gets going again, and then every CONNECT that would resume it is lost (RabbitMQ 3.10, killed a
            // second after making it). Nothing of ours is only there: batches are in the spool, the Command is retained.
            if (_unanswered >= UnansweredForNewSession) cleanStart = true;
            _wasGreeted = false;
            _link.Open(_version, cleanStart, _spool.Epoch, _spool.Boot, now);
        }

        private void Handle(MqttEvent happened, long now)
        {
            switch (happened)
            {
                case MqttEvent.Accepted:
                    OnAccepted(now);
                    break;
                case MqttEvent.Refused:
                    OnClosed(now, _link.ReasonCode);
                    break;
                case MqttEvent.Lost:
                    OnClosed(now, 0);
                    break;
                case MqttEvent.Acked:
                    OnAcked(now);
                    break;
                case MqttEvent.Message:
                    OnCommand(now);
                    _link.ConfirmMessage();
                    break;
                case MqttEvent.Subscribed:
                    if (_link.ReasonCode >= 0x80) _hasCommand = true; // no Commands here: batches go all the same
                    break;
                default:
                    break;
            }
        }

        private void OnAccepted(long now)
        {
            _wasGreeted = true;
            _isFirstSession = false;
            _unanswered = 0;
            _failures = 0;
            Connects++;
            _mustSubscribe = true;
            _mustBirth = true;
            _hasCommand = false;
            _subscribedAtMs = 0;

            // What the server did not ack goes first, with the same identifier and DUP when it kept the session (MQTT 5.0 [MQTT-4.4.0-1]).
            for (int slot = _window.Count - 1; slot >= 0; slot--)
            {
                if (_window.State(slot) != SendWindow.Sent) continue;
                _window.Mark(slot, SendWindow.Resend);
            }

            _resumesSession = _link.IsSessionPresent;
            lock (_sampler) LimitBatches();
            NoteWindow();
        }

        private void NoteWindow()
        {
            int windowMs = _link.TakeWindowMs();
            if (windowMs > 0) _windowMs = windowMs;
        }

        private void OnClosed(long now, int reason)
        {
            NoteWindow();
            if (reason == MqttPacket.UnsupportedVersion || (_version == 5 && reason == MqttPacket.Refused311Version && !_wasGreeted)) _version = 4;

            if (reason != 0) _unanswered = 0;
            else if (_link.Silence != Silence.None && _unanswered < UnansweredFor311) _unanswered++;

            // Old brokers close a 5.0 connection without a word. One that only hangs may be overloaded, and 5.0 has the words for that.
            if (_unanswered == UnansweredFor311 && _link.Silence == Silence.Closed) _version = 4;
            if (!_wasGreeted) FailedConnects++;
            int delay = ReconnectPolicy.NextDelayMs(_failures, _windowMs, _link.TakeSlotMs(), MqttPacket.IsBadCredentials(reason) && !_wasGreeted, _chance);
            _nextAttemptMs = now + delay;
            if (_failures < 1000) _failures++;
        }
    }
}
