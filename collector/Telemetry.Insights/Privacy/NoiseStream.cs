using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Telemetry.Insights.Privacy;

/// <summary>
/// Uniform random integers from a keyed pseudo-random function in counter mode: unpredictable without the key, and the same again for the
/// same release. So asking twice gives the same answer, and averaging over repetitions gains nothing.
/// </summary>
internal sealed class NoiseStream(byte[] seed)
{
    private readonly byte[] _block = new byte[HMACSHA256.HashSizeInBytes];
    private ulong _counter;
    private int _at = HMACSHA256.HashSizeInBytes;

    /// <summary>A uniform integer in [0, <paramref name="bound"/>), exactly: what would favour low values is drawn again.</summary>
    public ulong Below(ulong bound)
    {
        ulong unfair = ulong.MaxValue - (ulong.MaxValue % bound + 1) % bound; // the last value of the last whole cycle
        ulong value;
        do value = Next();
        while (value > unfair);
        return value % bound;
    }

    private ulong Next()
    {
        if (_at == _block.Length)
        {
            Span<byte> counter = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(counter, _counter++);
            HMACSHA256.HashData(seed, counter, _block);
            _at = 0;
        }

        ulong value = BinaryPrimitives.ReadUInt64LittleEndian(_block.AsSpan(_at));
        _at += sizeof(ulong);
        return value;
    }
}
