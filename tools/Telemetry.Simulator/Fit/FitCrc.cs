namespace Telemetry.Simulator.Fit;

/// <summary>The 16-bit checksum of FIT headers and files: polynomial 0x8005 reflected, start 0 (FIT protocol, "CRC").</summary>
internal static class FitCrc
{
    // 0x8005 with its bits reversed.
    private const int ReflectedPolynomial = 0xA001;

    private static readonly ushort[] Table = BuildTable();

    public static ushort Compute(ReadOnlySpan<byte> bytes)
    {
        int crc = 0;
        foreach (byte value in bytes) crc = (crc >> 8) ^ Table[(crc ^ value) & 0xFF];
        return (ushort)crc;
    }

    private static ushort[] BuildTable()
    {
        ushort[] table = new ushort[256];
        for (int value = 0; value < table.Length; value++)
        {
            int crc = value;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ ReflectedPolynomial : crc >> 1;
            table[value] = (ushort)crc;
        }

        return table;
    }
}
