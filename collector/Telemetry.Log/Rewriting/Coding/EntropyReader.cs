using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Telemetry.Log.Rewriting.Coding;

/// <summary>Reads what an <see cref="EntropyWriter"/> wrote. Never reads past its input: behind the end come zeros, and <see cref="IsWhole"/> stays false.</summary>
/// <remarks>
/// The state is the caller's, who keeps it in a register: a number in memory would cost every symbol a store and a load. Contexts are the caller's too, since a
/// check of the reference to them costs as much.
/// </remarks>
internal ref struct EntropyReader(ReadOnlySpan<byte> stream)
{
    private const int ShareBits = SymbolModels.ShareBits;
    private const uint PlaceMask = (1u << ShareBits) - 1;

    private ReadOnlySpan<byte> _words = stream.Length >= sizeof(ulong) ? stream[sizeof(ulong)..] : default;

    /// <summary>The state before the first symbol.</summary>
    public readonly ulong FirstState { get; } = stream.Length >= sizeof(ulong) ? BinaryPrimitives.ReadUInt64LittleEndian(stream) : 0;

    /// <summary>Whether the stream held just what was read.</summary>
    /// <param name="state">After the last symbol.</param>
    public readonly bool IsWhole(ulong state) => _words.IsEmpty && state == EntropyWriter.LeastState;

    /// <summary>The next symbol.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Take(ref ulong state, ref ushort context)
    {
        uint place = (uint)state & PlaceMask;
        int symbol = SymbolModels.Find(ref context, place);
        uint start = SymbolModels.Start(ref context, symbol);
        uint share = SymbolModels.Start(ref context, symbol + 1) - start;
        SymbolModels.Learn(ref context, symbol);
        state = (share * (state >> ShareBits)) + (place - start);
        if (state < EntropyWriter.LeastState) state = Refilled(state);
        return symbol;
    }

    /// <summary>The next bits, 0 to <see cref="EntropyWriter.MostBits"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint TakeBits(ref ulong state, int count)
    {
        int below = ShareBits - count;
        uint place = (uint)state & PlaceMask;
        uint taken = place >> below;
        state = ((state >> ShareBits) << below) + (place - (taken << below));
        if (state < EntropyWriter.LeastState) state = Refilled(state);
        return taken;
    }

    /// <summary>The next bits, 0 to 64.</summary>
    public ulong TakeLong(ref ulong state, int count)
    {
        ulong value = 0;
        for (int at = 0; at < count; at += EntropyWriter.MostBits) value |= (ulong)TakeBits(ref state, Math.Min(count - at, EntropyWriter.MostBits)) << at;
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong Refilled(ulong state)
    {
        uint word = 0;
        if (_words.Length >= sizeof(uint))
        {
            word = BinaryPrimitives.ReadUInt32LittleEndian(_words);
            _words = _words[sizeof(uint)..];
        }

        return (state << 32) | word;
    }
}
