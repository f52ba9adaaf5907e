using System.Buffers.Text;
using System.Text;

namespace Telemetry.Grpc.Batches;

/// <summary>Reads <c>authorization: Basic base64(brand/device:secret)</c> (RFC 7617, UTF-8).</summary>
internal static class BasicCredentials
{
    /// <summary>Longest header taken: a 97 byte name and a 256 byte secret in base64 fit twice.</summary>
    public const int MaxHeaderLength = 1024;

    /// <summary>Splits the header at the first colon; a secret may hold colons.</summary>
    /// <returns>False for another scheme, broken base64, a missing colon or too long a header.</returns>
    public static bool TryParse(string? header, out string username, out byte[] secret)
    {
        username = "";
        secret = [];
        if (header is null || header.Length > MaxHeaderLength || !header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase)) return false;

        Span<byte> decoded = stackalloc byte[Base64.GetMaxDecodedFromUtf8Length(MaxHeaderLength)];
        if (!Convert.TryFromBase64Chars(header.AsSpan(6).Trim(), decoded, out int length)) return false;
        int colon = decoded[..length].IndexOf((byte)':');
        if (colon < 1) return false;

        username = Encoding.UTF8.GetString(decoded[..colon]);
        secret = decoded[(colon + 1)..length].ToArray();
        decoded.Clear();
        return true;
    }
}
