using System.Security.Cryptography;
using System.Text;
using Telemetry.Wire.Ingest;

namespace Telemetry.Grpc.Batches;

/// <summary>
/// Remembers checked credentials for a short while, so that a slow password hash is not paid for every unary call.
/// Two generations: a full or old one becomes the previous, the one before it is forgotten. Wrong credentials are never remembered.
/// </summary>
/// <remarks>Keys are HMAC-SHA-256 of the header under a key of this process: no secret stays in memory. Safe for any number of threads.</remarks>
internal sealed class SessionCache(IIngest ingest, GrpcEndpointOptions options, TimeProvider time)
{
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly Lock _gate = new();
    private Dictionary<Digest, Entry> _young = [];
    private Dictionary<Digest, Entry> _old = [];

    /// <summary>The session of an <c>authorization</c> header, or null when the credentials are wrong or missing.</summary>
    public async ValueTask<IngestSession?> AuthenticateAsync(string? authorization, CancellationToken cancellation)
    {
        if (authorization is null || authorization.Length > BasicCredentials.MaxHeaderLength) return null;
        Digest digest = DigestOf(authorization);
        if (Find(digest) is { } known) return known;

        if (!BasicCredentials.TryParse(authorization, out string username, out byte[] secret)) return null;
        IngestSession? session = await ingest.AuthenticateAsync(username, secret, "grpc", cancellation);
        CryptographicOperations.ZeroMemory(secret);
        if (session is not null) Keep(digest, session);
        return session;
    }

    private IngestSession? Find(Digest digest)
    {
        lock (_gate)
        {
            if (!_young.TryGetValue(digest, out Entry entry) && !_old.TryGetValue(digest, out entry)) return null;
            return time.GetElapsedTime(entry.Checked) < options.SessionLifetime ? entry.Session : null;
        }
    }

    private void Keep(Digest digest, IngestSession session)
    {
        lock (_gate)
        {
            if (_young.Count >= Math.Max(1, options.MaxCachedSessions / 2))
            {
                (_old, _young) = (_young, _old);
                _young.Clear();
            }

            _young[digest] = new Entry(session, time.GetTimestamp());
        }
    }

    private Digest DigestOf(string authorization)
    {
        Span<byte> text = stackalloc byte[BasicCredentials.MaxHeaderLength * 3];
        int length = Encoding.UTF8.GetBytes(authorization, text);
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_key, text[..length], hash);
        return new Digest(BitConverter.ToUInt64(hash), BitConverter.ToUInt64(hash[8..]), BitConverter.ToUInt64(hash[16..]), BitConverter.ToUInt64(hash[24..]));
    }

    private readonly record struct Digest(ulong A, ulong B, ulong C, ulong D);

    private readonly record struct Entry(IngestSession Session, long Checked);
}
