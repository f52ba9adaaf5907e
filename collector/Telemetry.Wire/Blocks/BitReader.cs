using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Telemetry.Wire.Blocks;

/// <summary>Reads a stream of bits, least significant first. Past the end it reads zeros or the bytes that follow; <see cref="IsAtEnd"/> tells.</summary>
/// <param name="window">From the stream's first byte to the end of the block: bytes after the stream may be looked at, never used.</param>
/// <param name="length">Bytes of the stream.</param>
internal ref struct BitReader(ReadOnlySpan<byte> window, int length)
{
    private readonly ReadOnlySpan<byte> _window = window;
    private readonly int _length = length;

    /// <summary>Bits taken.</summary>
    public int Position { get; set; }

    /// <summary>More bits were taken than there are.</summary>
    public readonly bool IsPastEnd => Position > _length * 8;

    /// <summary>All bytes of the stream are used, and the rest of the last one is zero.</summary>
    public readonly bool IsAtEnd =>
        (Position + 7) / 8 == _length && ((Position & 7) == 0 || _window[_length - 1] >> (Position & 7) == 0);

    /// <summary>The next 57 or more bits, without taking them.</summary>
    public readonly ulong Peek() => Load(ref MemoryMarshal.GetReference(_window), Position >> 3, _window.Length) >> (Position & 7);

    /// <summary>Takes up to 57 bits.</summary>
    public ulong Read(int count)
    {
        ulong value = Peek() & ((1UL << count) - 1);
        Position += count;
        return value;
    }

    /// <summary>Takes up to 64 bits.</summary>
    public ulong ReadLong(int count)
    {
        if (count <= 57) return Read(count);
        ulong low = Read(32);
        return low | (Read(count - 32) << 32);
    }

    /// <summary>Takes an exponential Golomb number of order <paramref name="k"/>.</summary>
    /// <returns>The number, or -1 when its prefix has more than 12 zeros.</returns>
    public int ReadExpGolomb(int k)
    {
        int zeros = BitOperations.TrailingZeroCount(Peek());
        if (zeros > 12) return -1;
        Position += zeros + 1;
        int quotient = (1 << zeros) | (int)Read(zeros);
        return ((quotient - 1) << k) | (int)Read(k);
    }

    /// <summary>Eight bytes from <paramref name="index"/>, little endian; zeros stand in for bytes at or after <paramref name="length"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Load(ref byte start, int index, int length) =>
        index <= length - 8 ? Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, index)) : LoadTail(ref start, index, length);

    private static ulong LoadTail(ref byte start, int index, int length)
    {
        if (index >= length) return 0;
        if (length >= 8) return Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, length - 8)) >> (8 * (index - length + 8));
        ulong bits = 0;
        for (int i = length - 1; i >= index; i--) bits = (bits << 8) | Unsafe.Add(ref start, i);
        return bits;
    }
}
