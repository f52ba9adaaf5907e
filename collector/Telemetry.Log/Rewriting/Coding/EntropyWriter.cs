using System.Buffers;
using System.Buffers.Binary;

namespace Telemetry.Log.Rewriting.Coding;

// rANS (J. Duda, "Asymmetric numeral systems", arXiv:1311.2540) with four states, so that a processor works on four symbols at once: a column is four lanes, which
// stand behind one another and are read side by side. The state of a lane is one number; coding a symbol of share f / 2^11 multiplies it by about 2^11 / f. What
// was coded last is read first, so the writer keeps all steps and codes them from the last to the first.

/// <summary>Codes symbols by shares.</summary>
/// <remarks>One thread. Keeps 4 bytes for each symbol until <see cref="End"/>.</remarks>
internal sealed class EntropyWriter
{
    /// <summary>States, and parts of a column.</summary>
    public const int Lanes = 4;

    /// <summary>A state before its first symbol, and its lower bound.</summary>
    public const uint LeastState = 1u << WordBits;

    /// <summary>A state that falls below its bound takes a word of 16 bits.</summary>
    public const int WordBits = 16;

    private const int ShareBits = ShareTables.ShareBits;

    // 0-10 start, 11-22 share, from 23 the lane
    private const int ShareAt = ShareBits;
    private const int LaneAt = (2 * ShareBits) + 1;

    private uint[] _steps = new uint[1 << 12];
    private byte[] _words = [];
    private int _count;

    /// <summary>Codes a column of symbols by the tables chosen for it.</summary>
    public void Put(ReadOnlySpan<byte> symbols, TableChoice choice)
    {
        if (_count + symbols.Length > _steps.Length) Array.Resize(ref _steps, Math.Max(_count + symbols.Length, 2 * _steps.Length));
        ReadOnlySpan<byte> contexts = choice.ContextOf;
        int quarter = symbols.Length / Lanes;
        for (int row = 0; row < quarter; row++)
        {
            for (int lane = 0; lane < Lanes; lane++) Add(contexts[(lane * quarter) + row], symbols[(lane * quarter) + row], lane);
        }

        for (int i = Lanes * quarter; i < symbols.Length; i++) Add(contexts[i], symbols[i], i - (Lanes * quarter));

        void Add(int context, int symbol, int lane)
        {
            int table = choice.Tables.TableOf[context];
            _steps[_count++] = (uint)choice.Tables.Start(table, symbol) | ((uint)choice.Tables.Share(table, symbol) << ShareAt) | ((uint)lane << LaneAt);
        }
    }

    /// <summary>Ends the stream: the states, then their words. The writer is empty again.</summary>
    public void End(IBufferWriter<byte> output)
    {
        int most = (Lanes * sizeof(uint)) + (_count * sizeof(ushort));
        if (_words.Length < most) _words = new byte[2 * most];
        Span<uint> states = stackalloc uint[Lanes];
        states.Fill(LeastState);
        int at = _words.Length; // from the end on down
        for (int i = _count - 1; i >= 0; i--)
        {
            uint step = _steps[i];
            (uint start, uint share, int lane) = (step & (ShareTables.Whole - 1), (step >> ShareAt) & ((ShareTables.Whole * 2) - 1), (int)(step >> LaneAt));
            uint state = states[lane];
            if (state >= (ulong)share << (32 - ShareBits))
            {
                at -= sizeof(ushort);
                BinaryPrimitives.WriteUInt16LittleEndian(_words.AsSpan(at), (ushort)state);
                state >>= WordBits;
            }

            (uint whole, uint rest) = Math.DivRem(state, share);
            states[lane] = (whole << ShareBits) + rest + start;
        }

        for (int lane = Lanes - 1; lane >= 0; lane--)
        {
            at -= sizeof(uint);
            BinaryPrimitives.WriteUInt32LittleEndian(_words.AsSpan(at), states[lane]);
        }

        _count = 0;
        output.Write(_words.AsSpan(at));
    }
}
