using Telemetry.Wire;

namespace Telemetry.Mqtt.Packets;

// Variable Byte Integer, MQTT 5.0 section 1.5.5: seven bits a byte, lowest first, bit 7 = another byte follows.
//   1 byte 0..127, 2 bytes ..16,383, 3 bytes ..2,097,151, 4 bytes ..268,435,455

/// <summary>The standard's only variable length number.</summary>
internal static class VariableByteInteger
{
    /// <summary>The largest value, 2^28 - 1.</summary>
    public const int MaxValue = 268_435_455;

    /// <summary>Reads one at the start of <paramref name="input"/>.</summary>
    /// <param name="input">Bytes from the integer on.</param>
    /// <param name="value">0-268,435,455, when Done.</param>
    /// <param name="bytes">1-4, when Done.</param>
    /// <returns>Done; NeedMoreData if the input ends inside it; Malformed if it asks for a fifth byte or is longer than needed (MQTT 5.0 [MQTT-1.5.5-1]).</returns>
    public static DecodeStatus TryRead(ReadOnlySpan<byte> input, out int value, out int bytes)
    {
        value = 0;
        for (bytes = 0; bytes < 4; bytes++)
        {
            if (bytes == input.Length) return DecodeStatus.NeedMoreData;

            byte next = input[bytes];
            value |= (next & 0x7F) << (7 * bytes);
            if (next < 0x80)
            {
                bool isLongerThanNeeded = next == 0 && bytes > 0;
                bytes++;
                return isLongerThanNeeded ? DecodeStatus.Malformed : DecodeStatus.Done;
            }
        }

        return DecodeStatus.Malformed;
    }

    /// <summary>Bytes that <paramref name="value"/> takes, 1-4.</summary>
    public static int SizeOf(int value) => value switch { < 128 => 1, < 16_384 => 2, < 2_097_152 => 3, _ => 4 };

    /// <summary>Writes <paramref name="value"/>.</summary>
    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> output, int value)
    {
        int at = 0;
        for (uint rest = (uint)value; ; rest >>= 7)
        {
            if (rest < 128)
            {
                output[at++] = (byte)rest;
                return at;
            }

            output[at++] = (byte)(rest | 0x80);
        }
    }
}
