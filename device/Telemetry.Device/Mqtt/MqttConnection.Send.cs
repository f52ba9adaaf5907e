using Telemetry.Device.Delivery;

namespace Telemetry.Device.Mqtt
{
    // Packets to the server, one at a time. A packet is not kept: whatever of it the transport has not taken is made again, head and payload, in the part of
    // the buffer that holds nothing received. So what comes in is read whatever waits to go out, and what goes out waits at most for one packet to come in.
    internal sealed partial class MqttConnection
    {
        private const int UpAlias = 1;
        private const int ConnectPropertyBytes = 13; // session expiry 5, receive maximum 3, maximum packet size 5
        private const int MostHeadBytes = 30; // of any packet but CONNECT beside its topic: 5 fixed, 1 properties, 24 birth message

        private enum Outgoing : byte
        {
            Nothing,
            Connect,
            Publish,
            Birth,
            Subscribe,
            Pingreq,
            Puback,
            Disconnect,
        }

        private Outgoing _outgoing;
        private bool _isRepeated;
        private bool _namesTopic;
        private bool _isAliasKnown;
        private bool _takesAlias;
        private ushort _outId; // packet identifier
        private int _outAt; // bytes that are out
        private IPayloadSource? _payload;
        private int _payloadBytes;
        private uint _epoch;
        private uint _boot;

        /// <summary>Online, and the last packet is out.</summary>
        public bool CanSend
        {
            get { return _phase == Phase.Online && _outgoing == Outgoing.Nothing; }
        }

        /// <summary>Longest batch that fits a packet the server takes; 0 or less = none does.</summary>
        public int MaximumBatchBytes
        {
            // 1 type, 4 length, topic, 2 identifier, 4 properties with an alias
            get { return _maximumPacketBytes - 11 - _identity.TopicBytes(MqttIdentity.Up); }
        }

        /// <summary>Sends one batch with QoS 1. CanSend must hold.</summary>
        /// <param name="source">Of the payload; read until the next CanSend, and again where the transport did not take all.</param>
        /// <param name="bytes">Of the payload.</param>
        /// <param name="packetId">1..65535, not in flight.</param>
        /// <param name="isRepeated">Sets DUP (MQTT 5.0 [MQTT-3.3.1-1]).</param>
        /// <param name="nowMs">Link clock.</param>
        /// <returns>False when the packet is longer than the server takes; nothing was sent.</returns>
        public bool TryPublish(IPayloadSource source, int bytes, int packetId, bool isRepeated, long nowMs)
        {
            _namesTopic = !_takesAlias || !_isAliasKnown;
            _payloadBytes = bytes;
            int remaining = PublishBytes();
            if (1 + MqttPacket.VariableByteIntegerBytes(remaining) + remaining > _maximumPacketBytes) return false;
            Begin(Outgoing.Publish, packetId);
            _payload = source;
            _isRepeated = isRepeated;
            _isAliasKnown = _takesAlias;
            Expect(nowMs);
            return true;
        }

        /// <summary>Subscribes to the down topic with QoS 1. CanSend must hold.</summary>
        public void Subscribe(int packetId, long nowMs)
        {
            Begin(Outgoing.Subscribe, packetId);
            Expect(nowMs);
        }

        /// <summary>Publishes the birth message with QoS 0. CanSend must hold.</summary>
        public void PublishBirth(uint epoch, uint boot)
        {
            _epoch = epoch;
            _boot = boot;
            Begin(Outgoing.Birth, 0);
        }

        /// <summary>Says goodbye, which keeps the last will unsent, and closes. What is going out is cut off if the transport takes no more.</summary>
        public void Disconnect(long nowMs)
        {
            if (CanSend)
            {
                Begin(Outgoing.Disconnect, 0);
                SendPending(nowMs);
            }

            Abort();
        }

        private void Begin(Outgoing packet, int packetId)
        {
            _outgoing = packet;
            _outId = (ushort)packetId;
            _outAt = 0;
        }

        private void EndSend()
        {
            _outgoing = Outgoing.Nothing;
            _payload = null;
        }

        // False when the connection is gone or the payload is.
        private bool SendPending(long nowMs)
        {
            while (true)
            {
                if (_outgoing == Outgoing.Nothing)
                {
                    if (_messageId == 0 || _isMessageHeld) return true;
                    Begin(Outgoing.Puback, _messageId);
                    _messageId = 0;
                }

                int at = ReceivedBytes;
                if (_buffer.Length - at < MostHeadBytes + _identity.MostTopicBytes) return true; // a packet that is nearly here comes first
                int end = WriteHead(at);
                int total = end - at + (_payload == null ? 0 : _payloadBytes);
                int from = at + _outAt;
                if (_payload != null && !TryReadPiece(at, ref from, ref end)) return false;
                int sent = _transport.Send(_buffer, from, end - from);
                if (sent < 0) return false;
                if (sent == 0) return true;
                SentBytes += sent;
                _lastSentMs = nowMs;
                _outAt += sent;
                if (_outAt == total) EndSend();
            }
        }

        // Puts as much of the payload as there is room for behind the head, or in its place once that is out.
        private bool TryReadPiece(int at, ref int from, ref int end)
        {
            int payloadAt = from - end;
            if (payloadAt < 0) payloadAt = 0;
            else from = end = at;
            int left = _payloadBytes - payloadAt;
            int room = _buffer.Length - end;
            int piece = left < room ? left : room;
            if (!_payload!.ReadPayload(payloadAt, _buffer, end, piece)) return false;
            end += piece;
            return true;
        }

        // Writes the packet that is going out, without its payload. Returns the index behind it.
        private int WriteHead(int at)
        {
            switch (_outgoing)
            {
                case Outgoing.Connect:
                    return WriteConnect(at);
                case Outgoing.Publish:
                    return WritePublish(at);
                case Outgoing.Birth:
                    return WriteBirth(at);
                case Outgoing.Subscribe:
                    return WriteSubscribe(at);
                case Outgoing.Puback:
                    at = WriteFixed(at, MqttPacket.Puback, 2);
                    return MqttPacket.WriteU16(_buffer, at, _outId);
                default:
                    return WriteFixed(at, _outgoing == Outgoing.Pingreq ? MqttPacket.Pingreq : MqttPacket.Disconnect, 0);
            }
        }

        private int WriteFixed(int at, int type, int remaining)
        {
            _buffer[at++] = (byte)type;
            return MqttPacket.WriteVariableByteInteger(_buffer, at, remaining);
        }

        // The empty properties of a packet, which 3.1.1 does not have.
        private int WriteNoProperties(int at)
        {
            if (_version == 5) _buffer[at++] = 0;
            return at;
        }

        private int PublishBytes()
        {
            int properties = _version == 5 ? (_takesAlias ? 4 : 1) : 0;
            return (_namesTopic ? _identity.TopicBytes(MqttIdentity.Up) : 2) + 2 + properties + _payloadBytes;
        }

        private int WritePublish(int at)
        {
            at = WriteFixed(at, MqttPacket.Publish | MqttPacket.Qos1Flag | (_isRepeated ? MqttPacket.DupFlag : 0), PublishBytes());
            at = _namesTopic ? _identity.WriteTopic(_buffer, at, MqttIdentity.Up) : MqttPacket.WriteU16(_buffer, at, 0);
            at = MqttPacket.WriteU16(_buffer, at, _outId);
            if (!_takesAlias) return WriteNoProperties(at);
            _buffer[at++] = 3;
            _buffer[at++] = MqttPacket.TopicAlias;
            return MqttPacket.WriteU16(_buffer, at, UpAlias);
        }

        private int WriteBirth(int at)
        {
            at = WriteFixed(at, MqttPacket.Publish, _identity.TopicBytes(MqttIdentity.Life) + (_version == 5 ? 1 : 0) + LifeMessage.Bytes(true, _boot));
            at = _identity.WriteTopic(_buffer, at, MqttIdentity.Life);
            return LifeMessage.Write(_buffer, WriteNoProperties(at), true, _epoch, _boot);
        }

        private int WriteSubscribe(int at)
        {
            at = WriteFixed(at, MqttPacket.Subscribe, 2 + (_version == 5 ? 1 : 0) + _identity.TopicBytes(MqttIdentity.Down) + 1);
            at = MqttPacket.WriteU16(_buffer, at, _outId);
            at = _identity.WriteTopic(_buffer, WriteNoProperties(at), MqttIdentity.Down);
            _buffer[at++] = 1; // QoS
            return at;
        }

        private int WriteConnect(int at)
        {
            bool is5 = _version == 5;
            byte[] b = _buffer;
            int will = LifeMessage.Bytes(false, _boot);
            int body = 10 + (is5 ? 1 + ConnectPropertyBytes : 0) + _identity.NameBytes + (is5 ? 1 : 0)
                + _identity.TopicBytes(MqttIdentity.Life) + 2 + will + _identity.NameBytes + _identity.SecretBytes;
            at = WriteFixed(at, MqttPacket.Connect, body);
            at = MqttPacket.WriteU16(b, at, 4);
            b[at++] = (byte)'M';
            b[at++] = (byte)'Q';
            b[at++] = (byte)'T';
            b[at++] = (byte)'T';
            b[at++] = (byte)_version;

            // user name, password, will QoS 1, will, clean start (MQTT 5.0 section 3.1.2.3)
            b[at++] = (byte)(0x80 | 0x40 | 0x08 | 0x04 | (_cleanStart ? 0x02 : 0));
            at = MqttPacket.WriteU16(b, at, _keepAliveSeconds);
            if (is5)
            {
                b[at++] = ConnectPropertyBytes;
                b[at++] = MqttPacket.SessionExpiryInterval;
                at = MqttPacket.WriteU32(b, at, SessionExpirySeconds);
                b[at++] = MqttPacket.ReceiveMaximum;
                at = MqttPacket.WriteU16(b, at, 1);
                b[at++] = MqttPacket.MaximumPacketSize;
                at = MqttPacket.WriteU32(b, at, b.Length);
            }

            at = _identity.WriteName(b, at, (byte)'_');
            at = WriteNoProperties(at); // of the will
            at = _identity.WriteTopic(b, at, MqttIdentity.Life);
            at = MqttPacket.WriteU16(b, at, will);
            at = LifeMessage.Write(b, at, false, _epoch, _boot);
            at = _identity.WriteName(b, at, (byte)'/');
            return _identity.WriteSecret(b, at);
        }
    }
}
