using System.Text;

namespace Telemetry.Device.Mqtt
{
    /// <summary>Names of a device on the broker and its secret, as bytes made once (proto/WIRE.md, "Topics").</summary>
    internal readonly struct MqttIdentity
    {
        /// <summary>Last topic levels.</summary>
        public static readonly byte[] Up = { (byte)'u', (byte)'p' };
        public static readonly byte[] Down = { (byte)'d', (byte)'o', (byte)'w', (byte)'n' };
        public static readonly byte[] Life = { (byte)'l', (byte)'i', (byte)'f', (byte)'e' };

        private const int NameAt = 3; // behind "t1/"

        private readonly byte[] _bytes; // topics without their last level, t1/brand/device/, then the secret
        private readonly int _topicBase; // bytes before the secret

        public MqttIdentity(string brand, string device, string secret)
        {
            byte[] password = Encoding.UTF8.GetBytes(secret);
            _topicBase = NameAt + brand.Length + 1 + device.Length + 1;
            _bytes = new byte[_topicBase + password.Length];
            _bytes[0] = (byte)'t';
            _bytes[1] = (byte)'1';
            _bytes[2] = (byte)'/';
            WriteLevel(_bytes, NameAt, brand);
            WriteLevel(_bytes, NameAt + brand.Length + 1, device);
            System.Array.Copy(password, 0, _bytes, _topicBase, password.Length);
        }

        /// <summary>Topics without their last level.</summary>
        public string TopicBase
        {
            get { return Encoding.UTF8.GetString(_bytes, 0, _topicBase); }
        }

        /// <summary>Bytes of the longest topic with its length.</summary>
        public int MostTopicBytes
        {
            get { return TopicBytes(Down); }
        }

        /// <summary>Bytes of <c>brand/device</c> with their length.</summary>
        public int NameBytes
        {
            get { return 2 + _topicBase - NameAt - 1; }
        }

        /// <summary>Bytes of the secret with their length.</summary>
        public int SecretBytes
        {
            get { return 2 + _bytes.Length - _topicBase; }
        }

        /// <summary>Bytes of a topic with its length.</summary>
        public int TopicBytes(byte[] level)
        {
            return 2 + _topicBase + level.Length;
        }

        /// <summary>Writes <c>brand</c>, a separator and <c>device</c>, which stand in the topics, as a UTF-8 string: the user name with a slash, the
        /// client id with an underscore, because a slash there is not welcome to every broker.</summary>
        public int WriteName(byte[] buffer, int at, byte separator)
        {
            int letters = NameBytes - 2;
            at = MqttPacket.WriteU16(buffer, at, letters);
            for (int i = 0; i < letters; i++)
            {
                byte letter = _bytes[NameAt + i];
                buffer[at++] = letter == (byte)'/' ? separator : letter;
            }

            return at;
        }

        /// <summary>Writes the secret as binary data.</summary>
        public int WriteSecret(byte[] buffer, int at)
        {
            int secret = _bytes.Length - _topicBase;
            at = MqttPacket.WriteU16(buffer, at, secret);
            System.Array.Copy(_bytes, _topicBase, buffer, at, secret);
            return at + secret;
        }

        /// <summary>Writes a topic as a UTF-8 string.</summary>
        public int WriteTopic(byte[] buffer, int at, byte[] level)
        {
            at = MqttPacket.WriteU16(buffer, at, _topicBase + level.Length);
            System.Array.Copy(_bytes, 0, buffer, at, _topicBase);
            System.Array.Copy(level, 0, buffer, at + _topicBase, level.Length);
            return at + _topicBase + level.Length;
        }

        // Ids are ASCII.
        private static void WriteLevel(byte[] bytes, int at, string id)
        {
            for (int i = 0; i < id.Length; i++) bytes[at + i] = (byte)id[i];
            bytes[at + id.Length] = (byte)'/';
        }
    }
}
