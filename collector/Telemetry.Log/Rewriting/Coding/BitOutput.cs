using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Telemetry.Log.Rewriting.Coding;

/// <summary>Writes plain bits, least significant first.</summary>
/// <remarks>One thread; reused.</remarks>
internal sealed class BitOutput
{
    private const int MostAtOnce = 56;

    private byte[] _bytes = new byte[1024];
    private ulong _bits; // those that fill no byte yet
    private int _bitCount;
    private int _at;

    /// <summary>Bits written.</summary>
    public long Count => (8L * _at) + _bitCount;

    /// <summary>Appends the low bits of a number, 0 to 64.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put(ulong value, int count)
    {
        if (count > MostAtOnce)
        {
            Append((uint)value, 32);
            value >>= 32;
            count -= 32;
        }

        Append(value & ((1UL << count) - 1), count);
    }

    /// <summary>Appends all of another output.</summary>
    public void Put(BitOutput other)
    {
        int at = 0;
        for (; at + sizeof(uint) <= other._at; at += sizeof(uint)) Append(BinaryPrimitives.ReadUInt32LittleEndian(other._bytes.AsSpan(at)), 32);
        for (; at < other._at; at++) Append(other._bytes[at], 8);
        Append(other._bits, other._bitCount);
    }

    /// <summary>Empties it.</summary>
    public void Clear() => (_bits, _bitCount, _at) = (0, 0, 0);

    /// <summary>Ends the stream in its last byte; the next bit begins another.</summary>
    /// <returns>Its bytes. Valid until the next bit.</returns>
    public ReadOnlySpan<byte> End()
    {
        ReadOnlySpan<byte> written = _bytes.AsSpan(0, _at + (_bitCount > 0 ? 1 : 0));
        Clear();
        return written;
    }

    private void Append(ulong value, int count)
    {
        if (_at + sizeof(ulong) > _bytes.Length) Array.Resize(ref _bytes, 2 * _bytes.Length);
        _bits |= value << _bitCount;
        count += _bitCount;
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes.AsSpan(_at), _bits);
        _at += count >> 3;
        _bits >>= count & ~7;
        _bitCount = count & 7;
    }
}
