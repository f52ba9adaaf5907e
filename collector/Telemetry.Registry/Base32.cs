namespace Telemetry.Registry;

/// <summary>RFC 4648 base 32 in lower case without padding: survives shells, URLs, topics and being read aloud.</summary>
internal static class Base32
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";

    public static string Encode(ReadOnlySpan<byte> bytes)
    {
        char[] text = new char[(bytes.Length * 8 + 4) / 5];
        int bits = 0, held = 0, length = 0;
        foreach (byte value in bytes)
        {
            held = held << 8 | value;
            for (bits += 8; bits >= 5; bits -= 5) text[length++] = Alphabet[held >> (bits - 5) & 31];
            held &= (1 << bits) - 1;
        }

        if (bits > 0) text[length] = Alphabet[held << (5 - bits) & 31];
        return new string(text);
    }
}
