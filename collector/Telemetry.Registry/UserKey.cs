using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Telemetry.Registry;

/// <summary>The collector's name for a person: random, meaningless elsewhere, never in a log.</summary>
/// <remarks><see cref="ToString"/> hides it, so that a text put together without thought gives nobody away; take <see cref="Text"/> where it belongs.</remarks>
public readonly struct UserKey : IEquatable<UserKey>
{
    /// <summary>Longest key, in characters.</summary>
    public const int MaxCharacters = 64;

    private const int DrawnBits = 80; // 16 base-32 characters; a collision among 10 M users has odds below 1 in 10^10
    private readonly string? _text;

    private UserKey(string text) => _text = text;

    /// <summary>The key as it stands in the API: 1-64 of A-Z, a-z, 0-9, '_' and '-'.</summary>
    public string Text => _text ?? "";

    /// <summary>True for the value nobody made.</summary>
    public bool IsEmpty => _text is null;

    /// <summary>Draws a new random key.</summary>
    public static UserKey Draw()
    {
        Span<byte> random = stackalloc byte[DrawnBits / 8];
        RandomNumberGenerator.Fill(random);
        return new UserKey("u" + Base32.Encode(random));
    }

    /// <summary>Takes a key from the API.</summary>
    /// <exception cref="RegistryException">Invalid: the text is no user key.</exception>
    public static UserKey Parse(string text) => TryParse(text, out UserKey key)
        ? key
        : throw new RegistryException(RegistryError.Invalid, $"A user key of {text.Length} characters was given; 1-{MaxCharacters} of A-Z, a-z, 0-9, '_' and '-' are expected.");

    /// <summary>Takes a key from the API, or says no.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out UserKey key)
    {
        bool isKey = Telemetry.Wire.Topics.IsDeviceId(text); // the same alphabet and length
        key = isKey ? new UserKey(text!) : default;
        return isKey;
    }

    /// <summary>Hides the key.</summary>
    public override string ToString() => IsEmpty ? "(no user)" : "(user)";

    /// <inheritdoc/>
    public bool Equals(UserKey other) => string.Equals(_text, other._text, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is UserKey other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _text is null ? 0 : _text.GetHashCode(StringComparison.Ordinal);

    public static bool operator ==(UserKey left, UserKey right) => left.Equals(right);

    public static bool operator !=(UserKey left, UserKey right) => !left.Equals(right);
}
