namespace Telemetry.Device.Delivery
{
    /// <summary>Payload of the life topic, ASCII: <c>up</c> or <c>down</c>, the epoch in hex, the boot number: <c>up 1a2b3c4d 7</c>.</summary>
    internal static class LifeMessage
    {
        /// <summary>Makes the birth message, or the last will.</summary>
        public static byte[] Make(bool isUp, uint epoch, uint boot)
        {
            string word = isUp ? "up " : "down ";
            int digits = 1;
            for (uint rest = boot; rest >= 10; rest /= 10) digits++;
            byte[] message = new byte[word.Length + 9 + digits];
            int at = 0;
            for (; at < word.Length; at++) message[at] = (byte)word[at];
            for (int shift = 28; shift >= 0; shift -= 4)
            {
                uint nibble = (epoch >> shift) & 15;
                message[at++] = (byte)(nibble < 10 ? '0' + nibble : 'a' + nibble - 10);
            }

            message[at] = (byte)' ';
            for (int i = message.Length - 1; i > at; i--)
            {
                message[i] = (byte)('0' + (boot % 10));
                boot /= 10;
            }

            return message;
        }
    }
}
