namespace Telemetry.Device.Delivery
{
    /// <summary>Payload of the life topic, ASCII: <c>up</c> or <c>down</c>, the epoch in hex, the boot number: <c>up 1a2b3c4d 7</c>.</summary>
    internal static class LifeMessage
    {
        /// <summary>Bytes of one: 14 to 24.</summary>
        public static int Bytes(bool isUp, uint boot)
        {
            int digits = 1;
            for (; boot >= 10; boot /= 10) digits++;
            return (isUp ? 3 : 5) + 9 + digits;
        }

        /// <summary>Writes the birth message, or the last will.</summary>
        /// <returns>Index behind it.</returns>
        public static int Write(byte[] buffer, int offset, bool isUp, uint epoch, uint boot)
        {
            string word = isUp ? "up " : "down ";
            int at = offset;
            for (int i = 0; i < word.Length; i++) buffer[at++] = (byte)word[i];
            for (int shift = 28; shift >= 0; shift -= 4)
            {
                uint nibble = (epoch >> shift) & 15;
                buffer[at++] = (byte)(nibble < 10 ? '0' + nibble : 'a' + nibble - 10);
            }

            buffer[at++] = (byte)' ';
            int end = offset + Bytes(isUp, boot);
            for (int i = end - 1; i >= at; i--)
            {
                buffer[i] = (byte)('0' + (boot % 10));
                boot /= 10;
            }

            return end;
        }
    }
}
