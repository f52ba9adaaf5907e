using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Telemetry.Log.Rewriting.Coding;

/// <summary>Reads plain bits, least significant first. Never reads outside of its buffer: behind the end come whatever bytes are there, and <see cref="IsPastEnd"/> tells.</summary>
/// <param name="buffer">The bits, and at least <see cref="Padding"/> bytes behind them.</param>
/// <param name="from">Index of their first byte.</param>
/// <param name="length">Bytes of them.</param>
internal struct BitInput(byte[] buffer, int from, int length)
{
    /// <summary>Bytes that must stand behind the last one.</summary>
    public const int Padding = sizeof(ulong);

    /// <summary>The most bits that <see cref="Peek"/> is sure to show.</summary>
    public const int MostPeeked = 57;

    private readonly byte[] _buffer = buffer;
    private readonly int _end = from + length;
    private int _position = from * 8;

    /// <summary>More bits were taken than there are.</summary>
    public readonly bool IsPastEnd => _position > _end * 8;

    /// <summary>All bytes are used, and the rest of the last one is zero.</summary>
    public readonly bool IsAtEnd => (_position + 7) / 8 == _end && ((_position & 7) == 0 || _buffer[_end - 1] >> (_position & 7) == 0);

    /// <summary>The next <see cref="MostPeeked"/> bits, without taking them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ulong Peek() =>
        Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_buffer), (nint)(uint)Math.Min(_position >> 3, _end))) >> (_position & 7);

    /// <summary>Passes bits that were peeked at.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Skip(int count) => _position += count;

    /// <summary>Takes 0 to <see cref="MostPeeked"/> bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Take(int count)
    {
        ulong value = Peek() & ((1UL << count) - 1);
        _position += count;
        return value;
    }

    /// <summary>Takes 0 to 64 bits.</summary>
    public ulong TakeLong(int count)
    {
        if (count <= 32) return Take(count);
        ulong low = Take(32);
        return low | (Take(count - 32) << 32);
    }
}
