using System.Security.Cryptography;
using System.Text;

namespace Telemetry.Registry;

/// <summary>Device secrets: drawn once, shown once, kept as salt and hash, compared in fixed time.</summary>
/// <remarks>
/// A secret has 160 random bits, so nothing can be guessed from its hash and one SHA-256 is enough; a slow hash, made for people's
/// passwords, would only hand a reconnecting fleet a way to burn the collector's CPU.
/// </remarks>
internal static class DeviceSecret
{
    /// <summary>Salt and SHA-256 digest.</summary>
    public const int StoredBytes = SaltBytes + SHA256.HashSizeInBytes;

    /// <summary>Longer passwords are refused unread; drawn ones have 32 characters.</summary>
    public const int MaxSecretBytes = 128;

    private const int SaltBytes = 16;
    private const int SecretBytes = 20; // 160 bits

    // Compared with when the device is unknown, so that the answer takes as long as for a known one.
    private static readonly byte[] s_nobody = Hash(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>Draws a secret.</summary>
    public static string Draw() => Base32.Encode(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>What is kept of a secret.</summary>
    public static byte[] Hash(string secret) => Hash(Encoding.UTF8.GetBytes(secret));

    /// <summary>Whether a secret is the one that was kept; null means no device, and is always no.</summary>
    public static bool Matches(byte[]? stored, ReadOnlySpan<byte> secret)
    {
        if (secret.Length > MaxSecretBytes) return false;
        ReadOnlySpan<byte> kept = stored ?? s_nobody;
        Span<byte> salted = stackalloc byte[SaltBytes + MaxSecretBytes];
        kept[..SaltBytes].CopyTo(salted);
        secret.CopyTo(salted[SaltBytes..]);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(salted[..(SaltBytes + secret.Length)], digest);
        return CryptographicOperations.FixedTimeEquals(digest, kept[SaltBytes..]) & stored is not null;
    }

    private static byte[] Hash(byte[] secret)
    {
        byte[] stored = new byte[StoredBytes];
        RandomNumberGenerator.Fill(stored.AsSpan(0, SaltBytes));
        SHA256.HashData([.. stored.AsSpan(0, SaltBytes), .. secret], stored.AsSpan(SaltBytes));
        return stored;
    }
}
