namespace Telemetry.Device.Mqtt
{
    /// <summary>Numbers of the standard: MQTT 3.1.1 and MQTT 5.0, section 2.1.2 (types), 2.2.2.2 (properties), 2.4 (reason codes).</summary>
    internal static class MqttPacket
    {
        public const byte Connect = 0x10;
        public const byte Connack = 0x20;
        public const byte Publish = 0x30;
        public const byte Puback = 0x40;
        public const byte Subscribe = 0x82;
        public const byte Suback = 0x90;
        public const byte Pingreq = 0xC0;
        public const byte Pingresp = 0xD0;
        public const byte Disconnect = 0xE0;

        public const byte DupFlag = 0x08;
        public const byte Qos1Flag = 0x02;
        public const byte RetainFlag = 0x01;

        public const int SessionExpiryInterval = 0x11;
        public const int ServerKeepAlive = 0x13;
        public const int ReceiveMaximum = 0x21;
        public const int TopicAliasMaximum = 0x22;
        public const int TopicAlias = 0x23;
        public const int UserProperty = 0x26;
        public const int MaximumPacketSize = 0x27;

        /// <summary>MQTT 3.1.1 CONNACK code 1 and MQTT 5.0 reason 0x84: the protocol version is not served.</summary>
        public const int Refused311Version = 0x01;
        public const int UnsupportedVersion = 0x84;

        /// <summary>Wrong name or secret: codes 4 and 5 of 3.1.1, 0x86, 0x87 and 0x8A of 5.0.</summary>
        public static bool IsBadCredentials(int reason)
        {
            return reason == 4 || reason == 5 || reason == 0x86 || reason == 0x87 || reason == 0x8A;
        }

        /// <summary>Bytes of a Variable Byte Integer (MQTT 5.0 section 1.5.5).</summary>
        public static int VariableByteIntegerBytes(int value)
        {
            return value < 128 ? 1 : value < 16384 ? 2 : value < 2097152 ? 3 : 4;
        }

        /// <summary>Writes a Variable Byte Integer of 0..268,435,455.</summary>
        /// <returns>Index behind it.</returns>
        public static int WriteVariableByteInteger(byte[] buffer, int at, int value)
        {
            for (; value >= 128; value >>= 7) buffer[at++] = (byte)(value | 0x80);
            buffer[at++] = (byte)value;
            return at;
        }

        public static int WriteU16(byte[] buffer, int at, int value)
        {
            buffer[at] = (byte)(value >> 8);
            buffer[at + 1] = (byte)value;
            return at + 2;
        }

        public static int ReadU16(byte[] buffer, int at)
        {
            return (buffer[at] << 8) | buffer[at + 1];
        }

        public static int WriteU32(byte[] buffer, int at, int value)
        {
            return WriteU16(buffer, WriteU16(buffer, at, (value >> 16) & 0xFFFF), value & 0xFFFF);
        }
    }
}
