using Telemetry.Device.Delivery;

namespace Telemetry.Device.Mqtt
{
    // Packets to the server. One packet at a time stands in the send buffer; a payload follows it from its source.
    internal sealed partial class MqttConnection
    {
        private const int UpAlias = 1;
        private uint _epoch;
        private uint _boot;
        private int _topicAliasMaximum;
        private bool _isAliasKnown;

        /// <summary>Sends one batch with QoS 1. CanSend must hold.</summary>
        /// <param name="source">Of the payload; read until the next CanSend.</param>
        /// <param name="bytes">Of the payload.</param>
        /// <param name="packetId">1..65535, not in flight.</param>
        /// <param name="isRepeated">Sets DUP (MQTT 5.0 [MQTT-3.3.1-1]).</param>
        /// <param name="nowMs">Link clock.</param>
        /// <returns>False when the packet is longer than the server takes; nothing was sent.</returns>
        public bool TryPublish(IPayloadSource source, int bytes, int packetId, bool isRepeated, long nowMs)
        {
            bool usesAlias = _version == 5 && _topicAliasMaximum >= UpAlias;
            bool namesTopic = !usesAlias || !_isAliasKnown;
            int topicBytes = namesTopic ? 2 + _identity.TopicBase.Length + MqttIdentity.Up.Length : 2;
            int propertyBytes = _version == 5 ? (usesAlias ? 4 : 1) : 0;
            int remaining = topicBytes + 2 + propertyBytes + bytes;
            if (1 + MqttPacket.VariableByteIntegerBytes(remaining) + remaining > _maximumPacketBytes) return false;

            _send[0] = (byte)(MqttPacket.Publish | MqttPacket.Qos1Flag | (isRepeated ? MqttPacket.DupFlag : 0));
            int at = MqttPacket.WriteVariableByteInteger(_send, 1, remaining);
            at = namesTopic ? _identity.WriteTopic(_send, at, MqttIdentity.Up) : MqttPacket.WriteU16(_send, at, 0);
            at = MqttPacket.WriteU16(_send, at, packetId);
            if (_version == 5)
            {
                _send[at++] = (byte)(usesAlias ? 3 : 0);
                if (usesAlias)
                {
                    _send[at++] = MqttPacket.TopicAlias;
                    at = MqttPacket.WriteU16(_send, at, UpAlias);
                    _isAliasKnown = true;
                }
            }

            Begin(at);
            _payload = source;
            _payloadAt = 0;
            _payloadBytes = bytes;
            Expect(nowMs);
            return true;
        }

        /// <summary>Subscribes to the down topic with QoS 1. CanSend must hold.</summary>
        public void Subscribe(int packetId, long nowMs)
        {
            int topic = 2 + _identity.TopicBase.Length + MqttIdentity.Down.Length;
            _send[0] = MqttPacket.Subscribe;
            int at = MqttPacket.WriteVariableByteInteger(_send, 1, 2 + (_version == 5 ? 1 : 0) + topic + 1);
            at = MqttPacket.WriteU16(_send, at, packetId);
            if (_version == 5) _send[at++] = 0;
            at = _identity.WriteTopic(_send, at, MqttIdentity.Down);
            _send[at++] = 1;
            Begin(at);
            Expect(nowMs);
        }

        /// <summary>Publishes the birth message with QoS 0. CanSend must hold.</summary>
        public void PublishBirth(uint epoch, uint boot)
        {
            int topic = 2 + _identity.TopicBase.Length + MqttIdentity.Life.Length;
            _send[0] = MqttPacket.Publish;
            int at = MqttPacket.WriteVariableByteInteger(_send, 1, topic + (_version == 5 ? 1 : 0) + LifeMessage.Bytes(true, boot));
            at = _identity.WriteTopic(_send, at, MqttIdentity.Life);
            if (_version == 5) _send[at++] = 0;
            Begin(LifeMessage.Write(_send, at, true, epoch, boot));
        }

        /// <summary>Says goodbye, which keeps the last will unsent, and closes. What is going out is cut off if the transport takes no more.</summary>
        public void Disconnect(long nowMs)
        {
            if (CanSend)
            {
                _send[0] = MqttPacket.Disconnect;
                _send[1] = 0;
                Begin(2);
                SendPending(nowMs);
            }

            Abort();
        }

        private void Begin(int bytes)
        {
            _out = _send;
            _outAt = 0;
            _outEnd = bytes;
        }

        // False when the connection is gone or the payload is.
        private bool SendPending(long nowMs)
        {
            while (true)
            {
                while (_outAt < _outEnd)
                {
                    int sent = _transport.Send(_out, _outAt, _outEnd - _outAt);
                    if (sent < 0) return false;
                    if (sent == 0) return true;
                    _outAt += sent;
                    SentBytes += sent;
                    _lastSentMs = nowMs;
                }

                if (_payload == null)
                {
                    if (_confirmId == 0) return true;
                    _send[0] = MqttPacket.Puback;
                    _send[1] = 2;
                    MqttPacket.WriteU16(_send, 2, _confirmId);
                    _confirmId = 0;
                    Begin(4);
                    continue;
                }

                int part = _payloadBytes - _payloadAt < _send.Length ? _payloadBytes - _payloadAt : _send.Length;
                if (!_payload.ReadPayload(_payloadAt, _send, 0, part)) return false;
                Begin(part);
                _payloadAt += part;
                if (_payloadAt == _payloadBytes) _payload = null;
            }
        }

        private int WriteConnect(byte[] b)
        {
            bool is5 = _version == 5;
            int will = LifeMessage.Bytes(false, _boot);
            int body = 10 + (is5 ? 1 + ConnectPropertyBytes : 0) + 2 + _identity.NameBytes + (is5 ? 1 : 0)
                + 2 + _identity.TopicBase.Length + MqttIdentity.Life.Length + 2 + will + 2 + _identity.NameBytes + 2 + _identity.Password.Length;
            b[0] = MqttPacket.Connect;
            int at = MqttPacket.WriteVariableByteInteger(b, 1, body);
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
                at = MqttPacket.WriteU32(b, at, _receive.Length);
            }

            at = _identity.WriteName(b, at, (byte)'_');
            if (is5) b[at++] = 0; // will properties
            at = _identity.WriteTopic(b, at, MqttIdentity.Life);
            at = MqttPacket.WriteU16(b, at, will);
            at = LifeMessage.Write(b, at, false, _epoch, _boot);
            at = _identity.WriteName(b, at, (byte)'/');
            return MqttPacket.WriteBytes(b, at, _identity.Password);
        }

        // session expiry 5, receive maximum 3, maximum packet size 5
        private const int ConnectPropertyBytes = 13;
    }
}
