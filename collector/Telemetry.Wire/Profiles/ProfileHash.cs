using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Telemetry.Wire.Profiles;

/// <summary>The 32-bit name of a profile that devices put into every batch (proto/WIRE.md, "Profile hash").</summary>
/// <remarks>It covers meaning, not layout: white space and the order of keys or signals in the JSON text do not change it.</remarks>
public static class ProfileHash
{
    // Canonical text, UTF-8, one line each, ended by \n:
    //   model|version
    //   id|key|unit|kind|resolution|min|max|privacy|periodMs      per signal, ascending id
    // Hash: first 4 bytes of its SHA-256, little endian; 0, which says "no profile", becomes 1.

    /// <summary>Computes the hash of a profile's content. Never 0.</summary>
    public static uint Compute(string model, int version, IEnumerable<SignalDefinition> signals)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{model}|{version}\n");
        foreach (SignalDefinition signal in signals.OrderBy(signal => signal.Id))
        {
            text.Append(CultureInfo.InvariantCulture, $"{signal.Id}|{signal.Key}|{signal.Unit}|{Name(signal.Kind)}|");
            text.Append(CultureInfo.InvariantCulture, $"{signal.Resolution:R}|{signal.Min:R}|{signal.Max:R}|{Name(signal.Privacy)}|{signal.PeriodMs}\n");
        }

        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()), digest);
        uint hash = BinaryPrimitives.ReadUInt32LittleEndian(digest);
        return hash == 0 ? 1 : hash;
    }

    /// <summary>The name of a kind in a profile's text.</summary>
    public static string Name(SignalKind kind) => kind.ToString().ToLowerInvariant();

    /// <summary>The name of a privacy class in a profile's text.</summary>
    public static string Name(PrivacyClass privacy) => privacy.ToString().ToLowerInvariant();
}
