using System.Buffers;
using System.Buffers.Binary;

namespace Telemetry.Log.Rewriting.Coding;

// rANS (J. Duda, "Asymmetric numeral systems", arXiv:1311.2540): the state is one number; coding a symbol of share f / 2^15 multiplies it by about 2^15 / f. What
// was coded last is read first, so the writer keeps all shares and codes them from the last to the first.
//   u64  state
//   u32  words, each read when the state falls below 2^31

/// <summary>Codes symbols by the models' shares, and bits as they are, into one stream.</summary>
/// <remarks>One thread. Keeps 4 bytes for each symbol until <see cref="End"/>.</remarks>
internal sealed class EntropyWriter(SymbolModels models)
{
    /// <summary>The state before the first symbol, and its lower bound.</summary>
    public const ulong LeastState = 1UL << 31;

    /// <summary>Bits that one step carries as they are.</summary>
    public const int MostBits = ShareBits;

    private const int ShareBits = SymbolModels.ShareBits;

    private readonly List<(ushort Start, ushort Share)> _shares = [];
    private readonly Stack<uint> _words = [];

    /// <summary>Steps so far: a place for <see cref="BitsSince"/> and <see cref="TakeBack"/>.</summary>
    public int Count => _shares.Count;

    /// <summary>Codes a symbol by a context, which learns it.</summary>
    public void Put(int context, int symbol)
    {
        ref ushort by = ref SymbolModels.Context(ref models.First, context);
        uint start = SymbolModels.Start(ref by, symbol);
        _shares.Add(((ushort)start, (ushort)(SymbolModels.Start(ref by, symbol + 1) - start)));
        SymbolModels.Learn(ref by, symbol);
    }

    /// <summary>Writes the low bits of a number, 0 to 64.</summary>
    public void PutBits(ulong value, int count)
    {
        for (; count > 0; count -= MostBits, value >>= MostBits)
        {
            int bits = Math.Min(count, MostBits);
            uint share = 1u << (ShareBits - bits);
            _shares.Add(((ushort)(((uint)value & ((1u << bits) - 1)) * share), (ushort)share));
        }
    }

    /// <summary>About how many bits everything from <paramref name="from"/> on takes.</summary>
    public double BitsSince(int from)
    {
        double bits = 0;
        for (int i = from; i < _shares.Count; i++) bits += ShareBits - Math.Log2(_shares[i].Share);
        return bits;
    }

    /// <summary>Takes back the steps from <paramref name="from"/> to <paramref name="to"/>. What the models learned of them stays: reset them.</summary>
    public void TakeBack(int from, int to) => _shares.RemoveRange(from, to - from);

    /// <summary>Ends the stream; the writer is empty again.</summary>
    public void End(IBufferWriter<byte> output)
    {
        ulong state = LeastState;
        for (int i = _shares.Count - 1; i >= 0; i--)
        {
            (uint start, uint share) = _shares[i];
            if (state >= (ulong)share << (63 - ShareBits))
            {
                _words.Push((uint)state);
                state >>= 32;
            }

            (ulong whole, ulong rest) = Math.DivRem(state, share);
            state = (whole << ShareBits) + rest + start;
        }

        _shares.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(output.GetSpan(sizeof(ulong)), state);
        output.Advance(sizeof(ulong));
        while (_words.TryPop(out uint word))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(output.GetSpan(sizeof(uint)), word);
            output.Advance(sizeof(uint));
        }
    }
}
