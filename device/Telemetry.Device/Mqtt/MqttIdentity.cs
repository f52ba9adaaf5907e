using System.Text;

namespace Telemetry.Device.Mqtt
{
    /// <summary>Names of a device on the broker, as bytes made once (proto/WIRE.md, "Topics").</summary>
    internal sealed class MqttIdentity
    {
        /// <summary>Topics without their last level: <c>t1/brand/device/</c>.</summary>
        public readonly byte[] TopicBase;

        /// <summary>The secret.</summary>
        public readonly byte[] Password;

        /// <summary>Last topic levels.</summary>
        public static readonly byte[] Up = { (byte)'u', (byte)'p' };
        public static readonly byte[] Down = { (byte)'d', (byte)'o', (byte)'w', (byte)'n' };
        public static readonly byte[] Life = { (byte)'l', (byte)'i', (byte)'f', (byte)'e' };

        private const int NameAt = 3; // behind "t1/"

        public MqttIdentity(string brand, string device, string secret)
        {
            TopicBase = new byte[NameAt + brand.Length + 1 + device.Length + 1];
            TopicBase[0] = (byte)'t';
            TopicBase[1] = (byte)'1';
            TopicBase[2] = (byte)'/';
            WriteLevel(NameAt, brand);
            WriteLevel(NameAt + brand.Length + 1, device);
            Password = Encoding.UTF8.GetBytes(secret);
        }

        // Ids are ASCII.
        private void WriteLevel(int at, string id)
        {
            for (int i = 0; i < id.Length; i++) TopicBase[at + i] = (byte)id[i];
            TopicBase[at + id.Length] = (byte)'/';
        }

        /// <summary>Bytes of <c>brand/device</c>.</summary>
        public int NameBytes
        {
            get { return TopicBase.Length - NameAt - 1; }
        }

        /// <summary>Writes <c>brand</c>, a separator and <c>device</c>, which stand in the topics, as a UTF-8 string: the user name with a slash, the
        /// client id with an underscore, because a slash there is not welcome to every broker.</summary>
        public int WriteName(byte[] buffer, int at, byte separator)
        {
            at = MqttPacket.WriteU16(buffer, at, NameBytes);
            for (int i = 0; i < NameBytes; i++)
            {
                byte letter = TopicBase[NameAt + i];
                buffer[at++] = letter == (byte)'/' ? separator : letter;
            }

            return at;
        }

        /// <summary>Bytes of the longest topic with its length.</summary>
        public int TopicBytes
        {
            get { return 2 + TopicBase.Length + 4; }
        }

        /// <summary>Writes a topic as a UTF-8 string.</summary>
        public int WriteTopic(byte[] buffer, int at, byte[] level)
        {
            at = MqttPacket.WriteU16(buffer, at, TopicBase.Length + level.Length);
            System.Array.Copy(TopicBase, 0, buffer, at, TopicBase.Length);
            System.Array.Copy(level, 0, buffer, at + TopicBase.Length, level.Length);
            return at + TopicBase.Length + level.Length;
        }
    }
}
