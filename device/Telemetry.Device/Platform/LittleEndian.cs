namespace Telemetry.Device.Platform
{
    /// <summary>Fixed-width integers in byte arrays, least significant byte first.</summary>
    internal static class LittleEndian
    {
        public static void WriteU16(byte[] buffer, int at, int value)
        {
            buffer[at] = (byte)value;
            buffer[at + 1] = (byte)(value >> 8);
        }

        public static int ReadU16(byte[] buffer, int at)
        {
            return buffer[at] | (buffer[at + 1] << 8);
        }

        public static void WriteU32(byte[] buffer, int at, uint value)
        {
            buffer[at] = (byte)value;
            buffer[at + 1] = (byte)(value >> 8);
            buffer[at + 2] = (byte)(value >> 16);
            buffer[at + 3] = (byte)(value >> 24);
        }

        public static uint ReadU32(byte[] buffer, int at)
        {
            return (uint)(buffer[at] | (buffer[at + 1] << 8) | (buffer[at + 2] << 16) | (buffer[at + 3] << 24));
        }

        public static void WriteI64(byte[] buffer, int at, long value)
        {
            WriteU32(buffer, at, (uint)value);
            WriteU32(buffer, at + 4, (uint)(value >> 32));
        }

        public static long ReadI64(byte[] buffer, int at)
        {
            return ReadU32(buffer, at) | ((long)ReadU32(buffer, at + 4) << 32);
        }
    }
}
