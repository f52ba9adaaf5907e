namespace Telemetry.Device.Mqtt
{
    // Packets from the server: a byte-wise header, then the body into the buffer, or past it when it is too long.
    internal sealed partial class MqttConnection
    {
        private const int MaximumRemainingLength = 268435455;

        private short _headerByte; // -1 = between packets
        private sbyte _lengthShift; // -1 = the length is known
        private int _remaining;
        private int _got;
        private long _packetSinceMs;
        private bool _isSkipping;
        private bool _isMessageHeld;
        private ushort _messageId; // of the last PUBLISH until its PUBACK; 0 = nothing to confirm

        /// <summary>Where the Message's payload begins in the buffer.</summary>
        public int MessageAt { get; private set; }

        /// <summary>Bytes of the Message's payload.</summary>
        public int MessageBytes
        {
            get { return _remaining - MessageAt; }
        }

        /// <summary>Lets the Message go: its PUBACK is sent, the buffer is free.</summary>
        public void ConfirmMessage()
        {
            _isMessageHeld = false;
            ResetReceive();
        }

        private void ResetReceive()
        {
            _headerByte = -1;
            _lengthShift = 0;
            _remaining = 0;
            _got = 0;
            _isSkipping = false;
            _isMessageHeld = false;
        }

        private MqttEvent ReceivePackets(long nowMs)
        {
            // Until CONNECT is out it needs the buffer; until a message is confirmed, so does that.
            if (_outgoing == Outgoing.Connect) return MqttEvent.None;
            while (!_isMessageHeld && _messageId == 0)
            {
                if (_headerByte < 0) _packetSinceMs = nowMs;
                int read = _headerByte < 0 || _lengthShift >= 0 ? ReceiveHeader() : ReceiveBody();
                if (read < 0) return MqttEvent.Lost;
                if (read == 0) return MqttEvent.None;
                if (_expectsSinceMs >= 0) _expectsSinceMs = nowMs;
                if (_headerByte < 0 || _lengthShift >= 0 || _got < _remaining) continue;
                MqttEvent happened = TakePacket(nowMs);
                if (!_isMessageHeld) ResetReceive();
                if (happened != MqttEvent.None) return happened;
            }

            return MqttEvent.None;
        }

        // What the buffer keeps of the packet that is coming in: all, or the topic and the identifier of one that is skipped.
        private int ReceivedBytes
        {
            get { return _isSkipping && _got > SkippedBytes ? SkippedBytes : _got; }
        }

        private int SkippedBytes
        {
            get { return _identity.MostTopicBytes + 8; }
        }

        private int ReceiveHeader()
        {
            int read = _transport.Receive(_buffer, 0, 1); // which is free between packets
            if (read <= 0) return read;
            if (_headerByte < 0)
            {
                _headerByte = _buffer[0];
                return 1;
            }

            _remaining |= (_buffer[0] & 0x7F) << _lengthShift;
            _lengthShift += 7;
            if ((_buffer[0] & 0x80) == 0) _lengthShift = -1;
            else if (_lengthShift > 21) return -1; // a fifth length byte (MQTT 5.0 section 1.5.5)
            _isSkipping = _lengthShift < 0 && _remaining > _buffer.Length;
            return _remaining > MaximumRemainingLength ? -1 : 1;
        }

        private int ReceiveBody()
        {
            if (_got == _remaining) return 1;
            int at = ReceivedBytes;
            int room = _buffer.Length - at;
            int want = _remaining - _got < room ? _remaining - _got : room;
            int read = _transport.Receive(_buffer, at, want);
            if (read > 0) _got += read;
            return read;
        }

        private MqttEvent TakePacket(long nowMs)
        {
            int type = _headerByte & 0xF0;
            if (_phase == Phase.Greeting) return type == MqttPacket.Connack && !_isSkipping ? TakeConnack(nowMs) : MqttEvent.Lost;
            switch (type)
            {
                case MqttPacket.Publish:
                    return TakePublish();
                case MqttPacket.Puback:
                    if (_remaining < 2) return MqttEvent.Lost;
                    _expectsSinceMs = -1;
                    AckId = MqttPacket.ReadU16(_buffer, 0);
                    if (AckId == 0) return MqttEvent.Lost; // MQTT 5.0 [MQTT-2.2.1-3]: no PUBLISH of ours had it
                    ReasonCode = _remaining > 2 ? _buffer[2] : 0;
                    return MqttEvent.Acked;
                case MqttPacket.Suback:
                    if (_remaining < 3 || _isSkipping) return MqttEvent.Lost;
                    _expectsSinceMs = -1;
                    ReasonCode = _buffer[_remaining - 1];
                    return MqttEvent.Subscribed;
                case MqttPacket.Pingresp:
                    _expectsSinceMs = -1;
                    return MqttEvent.None;
                case MqttPacket.Disconnect:
                    ReasonCode = _remaining > 0 ? _buffer[0] : 0;
                    if (_remaining > 1 && !_isSkipping && !TakeProperties(1)) return MqttEvent.Lost;
                    Abort();
                    return MqttEvent.Refused;
                default:
                    return MqttEvent.Lost;
            }
        }

        private MqttEvent TakeConnack(long nowMs)
        {
            if (_remaining < 2) return MqttEvent.Lost;
            IsSessionPresent = (_buffer[0] & 1) != 0;
            ReasonCode = _buffer[1];
            ReceiveMaximum = 65535;
            _maximumPacketBytes = MaximumRemainingLength;
            _takesAlias = false;
            _effectiveKeepAliveMs = _keepAliveSeconds * 1000;
            _slotMs = 0;
            _windowMs = 0;
            if (_version == 5 && _remaining > 2 && !TakeProperties(2)) return MqttEvent.Lost;
            if (ReasonCode != 0)
            {
                Abort();
                return MqttEvent.Refused;
            }

            // A sign of life is sent a quarter early: the server allows half as much again, but radios sleep.
            _effectiveKeepAliveMs -= _effectiveKeepAliveMs / 4;
            _phase = Phase.Online;
            _phaseSinceMs = nowMs;
            _expectsSinceMs = -1;
            return MqttEvent.Accepted;
        }

        private MqttEvent TakePublish()
        {
            int qos = (_headerByte >> 1) & 3;
            if (qos > 1 || _remaining < 2) return MqttEvent.Lost;
            int at = 2 + MqttPacket.ReadU16(_buffer, 0);
            int kept = _isSkipping ? SkippedBytes : _remaining;
            if (at + 2 > kept && qos == 1) return MqttEvent.Lost;
            _messageId = 0;
            if (qos == 1)
            {
                _messageId = (ushort)MqttPacket.ReadU16(_buffer, at);
                if (_messageId == 0) return MqttEvent.Lost; // MQTT 5.0 [MQTT-2.2.1-3]
                at += 2;
            }

            if (_isSkipping)
            {
                SkippedMessages++;
                return MqttEvent.None;
            }

            if (_version == 5)
            {
                if (!TryReadLength(ref at, out int properties) || properties > _remaining - at) return MqttEvent.Lost;
                at += properties;
            }

            if (at > _remaining) return MqttEvent.Lost;
            MessageAt = at;
            _isMessageHeld = true;
            return MqttEvent.Message;
        }

        private bool TryReadLength(ref int at, out int value)
        {
            value = 0;
            for (int shift = 0; shift <= 21; shift += 7)
            {
                if (at >= _remaining) return false;
                byte b = _buffer[at++];
                value |= (b & 0x7F) << shift;
                if ((b & 0x80) == 0) return true;
            }

            return false;
        }

        // Walks CONNACK or DISCONNECT properties (MQTT 5.0 section 2.2.2.2); false when they are malformed.
        private bool TakeProperties(int at)
        {
            if (!TryReadLength(ref at, out int length) || length > _remaining - at) return false;
            int end = at + length;
            while (at < end)
            {
                int id = _buffer[at++];
                int bytes = PropertyBytes(id, at, end);
                if (bytes < 0 || bytes > end - at) return false;
                if (id == MqttPacket.ReceiveMaximum) ReceiveMaximum = MqttPacket.ReadU16(_buffer, at);
                else if (id == MqttPacket.TopicAliasMaximum) _takesAlias = MqttPacket.ReadU16(_buffer, at) >= UpAlias;
                else if (id == MqttPacket.ServerKeepAlive) _effectiveKeepAliveMs = MqttPacket.ReadU16(_buffer, at) * 1000;
                else if (id == MqttPacket.MaximumPacketSize) _maximumPacketBytes = ReadPositive(at);
                else if (id == MqttPacket.UserProperty) TakeUserProperty(at);
                at += bytes;
            }

            return ReceiveMaximum > 0 && _maximumPacketBytes > 0;
        }

        private int PropertyBytes(int id, int at, int end)
        {
            switch (id)
            {
                case 0x17:
                case 0x19:
                case 0x24:
                case 0x25:
                case 0x28:
                case 0x29:
                case 0x2A:
                    return 1;
                case MqttPacket.ServerKeepAlive:
                case MqttPacket.ReceiveMaximum:
                case MqttPacket.TopicAliasMaximum:
                    return 2;
                case MqttPacket.SessionExpiryInterval:
                case MqttPacket.MaximumPacketSize:
                    return 4;
                case 0x12:
                case 0x15:
                case 0x16:
                case 0x1A:
                case 0x1C:
                case 0x1F:
                    return StringBytes(at, end);
                case MqttPacket.UserProperty:
                    int name = StringBytes(at, end);
                    int value = name < 0 ? -1 : StringBytes(at + name, end);
                    return value < 0 ? -1 : name + value;
                default:
                    return -1;
            }
        }

        private int StringBytes(int at, int end)
        {
            return at + 2 > end ? -1 : 2 + MqttPacket.ReadU16(_buffer, at);
        }

        private int ReadPositive(int at)
        {
            return (_buffer[at] & 0x80) != 0 ? int.MaxValue : (MqttPacket.ReadU16(_buffer, at) << 16) | MqttPacket.ReadU16(_buffer, at + 2);
        }

        // "slot-ms" comes with a refusal for overload, "window-ms" with a welcome (WIRE.md, "Reconnect").
        private void TakeUserProperty(int at)
        {
            int name = MqttPacket.ReadU16(_buffer, at);
            int value = MqttPacket.ReadU16(_buffer, at + 2 + name);
            int number = 0;
            for (int i = 0; i < value; i++)
            {
                int digit = _buffer[at + 4 + name + i] - '0';
                if (digit < 0 || digit > 9 || number > 100000000) return;
                number = (number * 10) + digit;
            }

            if (IsName(at + 2, name, "slot-ms")) _slotMs = number;
            else if (IsName(at + 2, name, "window-ms")) _windowMs = number;
        }

        private bool IsName(int at, int bytes, string name)
        {
            if (bytes != name.Length) return false;
            for (int i = 0; i < bytes; i++)
            {
                if (_buffer[at + i] != name[i]) return false;
            }

            return true;
        }
    }
}
