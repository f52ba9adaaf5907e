namespace Telemetry.Wire;

/// <summary>Protobuf's base-128 varint: 7 bits a byte, least significant first, at most 10 bytes.</summary>
internal static class VarintReader
{
    /// <summary>Reads one varint from the front of <paramref name="input"/>.</summary>
    /// <returns>Bytes it took; 0 when the input ends inside it or it exceeds 64 bits.</returns>
    public static int Read(ReadOnlySpan<byte> input, out ulong value)
    {
        value = 0;
        for (int i = 0; i < 10 && i < input.Length; i++)
        {
            byte b = input[i];
            if (i == 9 && b > 1) return 0;
            value |= (ulong)(b & 0x7F) << (7 * i);
            if (b < 0x80) return i + 1;
        }

        return 0;
    }

    /// <summary>The signed number a zigzag code stands for: 0, -1, 1, -2, ...</summary>
    public static long UnZigZag(ulong code) => (long)(code >> 1) ^ -(long)(code & 1);
}
