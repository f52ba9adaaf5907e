using System.Security.Cryptography;

namespace Telemetry.Insights.Privacy;

/// <summary>The secret behind the noise and the partner pseudonyms: 32 random bytes in the data folder, readable by their owner only.</summary>
/// <remarks>Whoever has it can take the noise off every release. A backup of the data folder holds it too.</remarks>
public sealed class NoiseKey
{
    private const int KeyBytes = 32;
    private readonly byte[] _key;

    private NoiseKey(byte[] key) => _key = key;

    /// <summary>Reads the key, or draws it when the file is missing.</summary>
    /// <exception cref="InvalidDataException">The file is there and is not a key.</exception>
    public static NoiseKey Open(string path)
    {
        if (File.Exists(path))
        {
            byte[] kept = File.ReadAllBytes(path);
            return kept.Length == KeyBytes
                ? new NoiseKey(kept)
                : throw new InvalidDataException($"{path} has {kept.Length} bytes; a noise key has {KeyBytes}. Restore it from a backup: with another key, a repeated query would get other noise.");
        }

        byte[] drawn = RandomNumberGenerator.GetBytes(KeyBytes);
        FileStreamOptions ownerOnly = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.WriteThrough };
        if (!OperatingSystem.IsWindows()) ownerOnly.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using FileStream file = new(path, ownerOnly);
        file.Write(drawn);
        file.Flush(flushToDisk: true);
        return new NoiseKey(drawn);
    }

    /// <summary>A key of one's own, for tests.</summary>
    internal static NoiseKey FromBytes(byte[] key) => new(key);

    /// <summary>HMAC-SHA-256 of a message under the key: a keyed pseudo-random function.</summary>
    internal byte[] Derive(ReadOnlySpan<byte> message) => HMACSHA256.HashData(_key, message);
}
