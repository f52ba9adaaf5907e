using System.Text;

namespace Telemetry.Grpc.Protocol;

/// <summary>How <c>grpc-message</c> travels in a header (gRPC over HTTP/2, "Responses"): UTF-8, where every byte outside
/// 0x20-0x7E and '%' itself becomes %XX. This is not URI escaping: a space stays a space.</summary>
internal static class PercentEncoding
{
    /// <summary>Longest text that is sent, in UTF-16 units; the rest is cut so that trailers stay far below a peer's header limit.</summary>
    public const int MaxMessageLength = 1024;

    public static string Encode(string message)
    {
        if (message.Length > MaxMessageLength) message = Cut(message);
        if (!message.AsSpan().ContainsAnyExceptInRange(' ', '~') && !message.Contains('%', StringComparison.Ordinal)) return message;

        StringBuilder encoded = new(message.Length + 32);
        foreach (byte value in Encoding.UTF8.GetBytes(message))
        {
            if (value is >= 0x20 and <= 0x7E and not (byte)'%') encoded.Append((char)value);
            else encoded.Append('%').Append(value.ToString("X2", null));
        }

        return encoded.ToString();
    }

    private static string Cut(string message) =>
        char.IsHighSurrogate(message[MaxMessageLength - 1]) ? message[..(MaxMessageLength - 1)] : message[..MaxMessageLength];
}
