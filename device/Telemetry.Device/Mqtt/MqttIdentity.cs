using System.Text;

namespace Telemetry.Device.Mqtt
{
    /// <summary>Names of a device on the broker, as bytes made once (proto/WIRE.md, "Topics").</summary>
    internal sealed class MqttIdentity
    {
        /// <summary>Topics without their last level: <c>t1/brand/device/</c>.</summary>
        public readonly byte[] TopicBase;

        /// <summary>User name <c>brand/device</c>.</summary>
        public readonly byte[] UserName;

        /// <summary>Client id <c>brand_device</c>: a slash is not welcome to every broker.</summary>
        public readonly byte[] ClientId;

        /// <summary>The secret.</summary>
        public readonly byte[] Password;

        /// <summary>Last topic levels.</summary>
        public readonly byte[] Up = { (byte)'u', (byte)'p' };
        public readonly byte[] Down = { (byte)'d', (byte)'o', (byte)'w', (byte)'n' };
        public readonly byte[] Life = { (byte)'l', (byte)'i', (byte)'f', (byte)'e' };

        public MqttIdentity(string brand, string device, string secret)
        {
            TopicBase = Encoding.UTF8.GetBytes("t1/" + brand + "/" + device + "/");
            UserName = Encoding.UTF8.GetBytes(brand + "/" + device);
            ClientId = Encoding.UTF8.GetBytes(brand + "_" + device);
            Password = Encoding.UTF8.GetBytes(secret);
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
