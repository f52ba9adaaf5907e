using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Telemetry.Wire.Blocks;

/// <summary>Writes a stream of bits, least significant first, into a buffer that the caller knows to be large enough.</summary>
/// <param name="buffer">Eight bytes longer than the stream can get.</param>
internal ref struct BitWriter(Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;
    private ulong _bits;
    private int _count;
    private int _at;

    /// <summary>Appends up to 56 bits; those of <paramref name="value"/> above <paramref name="count"/> must be 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put(ulong value, int count)
    {
        _bits |= value << _count;
        count += _count;
        BinaryPrimitives.WriteUInt64LittleEndian(_buffer[_at..], _bits);
        _at += count >> 3;
        _bits >>= count & ~7;
        _count = count & 7;
    }

    /// <summary>Appends up to 64 bits.</summary>
    public void PutLong(ulong value, int count)
    {
        if (count > 32)
        {
            Put((uint)value, 32);
            value >>= 32;
            count -= 32;
        }

        Put(value, count);
    }

    /// <summary>Appends an exponential Golomb number of order <paramref name="k"/>.</summary>
    public void PutExpGolomb(ulong value, int k)
    {
        ulong quotient = (value >> k) + 1;
        int length = BitOperations.Log2(quotient);
        PutLong(0, length);
        Put(1, 1);
        PutLong(quotient ^ (1UL << length), length);
        PutLong(value & ((1UL << k) - 1), k);
    }

    /// <summary>Ends the stream in its last byte.</summary>
    /// <returns>Its bytes.</returns>
    public readonly int End() => _at + (_count > 0 ? 1 : 0);
}
