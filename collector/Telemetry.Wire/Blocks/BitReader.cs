using System.Buffers.Binary;
using System.Numerics;

namespace Telemetry.Wire.Blocks;

/// <summary>Reads bits least significant first. Past the end it reads zeros and <see cref="IsPastEnd"/> says so.</summary>
internal ref struct BitReader(ReadOnlySpan<byte> input)
{
    private readonly ReadOnlySpan<byte> _input = input;
    private int _at;

    /// <summary>More bits were taken than there are.</summary>
    public readonly bool IsPastEnd => _at > _input.Length * 8;

    /// <summary>All bytes are used and the rest of the last one is zero.</summary>
    public readonly bool IsAtEnd => (_at + 7) / 8 == _input.Length && ((_at & 7) == 0 || _input[^1] >> (_at & 7) == 0);

    /// <summary>The next 57 or more bits, without taking them.</summary>
    public readonly ulong Peek()
    {
        int index = _at >> 3;
        if (index + 8 <= _input.Length) return BinaryPrimitives.ReadUInt64LittleEndian(_input[index..]) >> (_at & 7);
        ulong bits = 0;
        for (int i = _input.Length - 1; i >= index; i--) bits = (bits << 8) | _input[i];
        return bits >> (_at & 7);
    }

    /// <summary>Takes bits that were peeked.</summary>
    public void Skip(int count) => _at += count;

    /// <summary>Takes up to 32 bits.</summary>
    public uint Read(int count)
    {
        uint value = (uint)(Peek() & ((1UL << count) - 1));
        _at += count;
        return value;
    }

    /// <summary>Takes an Elias gamma number of at most 13 bits; 0 when the zeros are more.</summary>
    public int ReadGamma()
    {
        ulong bits = Peek();
        int extra = BitOperations.TrailingZeroCount(bits);
        if (extra > 12) return 0;
        _at += (2 * extra) + 1;
        return (1 << extra) | (int)((bits >> (extra + 1)) & ((1UL << extra) - 1));
    }
}
