namespace Telemetry.Device.Sampling
{
    /// <summary>CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), four bits a step: a table of 64 bytes instead of 1 KB.</summary>
    /// <remarks>Start from 0, pass the result on to continue: <c>Update(Update(0, a), b)</c> equals <c>Update(0, ab)</c>.</remarks>
    public static class Crc32c
    {
        // Entry n = CRC of the nibble n: four shifts of n through the polynomial.
        private static readonly uint[] NibbleTable =
        {
            0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1, 0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
            0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9, 0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75,
        };

        /// <summary>CRC-32C of <paramref name="count"/> bytes, continuing <paramref name="crc"/> (0 to begin).</summary>
        public static uint Update(uint crc, byte[] buffer, int offset, int count)
        {
            uint[] table = NibbleTable;
            uint c = ~crc;
            for (int end = offset + count; offset < end; offset++)
            {
                c ^= buffer[offset];
                c = (c >> 4) ^ table[(int)(c & 15)];
                c = (c >> 4) ^ table[(int)(c & 15)];
            }

            return ~c;
        }
    }
}
