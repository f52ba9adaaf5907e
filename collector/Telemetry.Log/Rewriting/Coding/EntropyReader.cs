using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Telemetry.Log.Rewriting.Coding;

/// <summary>Reads what an <see cref="EntropyWriter"/> wrote. Never reads outside of its buffer: damage ends in false, or in states that are not those of an end.</summary>
/// <remarks>One thread; reused.</remarks>
internal sealed class EntropyReader
{
    /// <summary>Bytes that must stand behind the stream.</summary>
    public const int Padding = Lanes * sizeof(ushort);

    private const int Lanes = EntropyWriter.Lanes;
    private const int ShareBits = ShareTables.ShareBits;
    private const uint PlaceMask = ShareTables.Whole - 1;

    // An entry a place: 0-4 the symbol, 5-16 its share, from 17 the place less where the share starts.
    private const uint SymbolMask = 31;
    private const int ShareAt = 5;
    private const uint ShareMask = (ShareTables.Whole * 2) - 1;
    private const int RestAt = 17;

    private static readonly uint[] s_known = Known();

    private readonly ShareTables _tables = new();
    private readonly uint[] _places = new uint[(ShareTables.MaxTables * ShareTables.Whole) + Vector256<uint>.Count];
    private readonly int[] _placesOf = new int[ContextWalk.Contexts];
    private readonly uint[] _states = new uint[Lanes];
    private byte[] _buffer = [];
    private int _at;
    private int _end;

    /// <summary>After the last column: the stream held just what was read.</summary>
    public bool IsWhole => _at == _end && !_states.AsSpan().ContainsAnyExcept(EntropyWriter.LeastState);

    /// <summary>Begins a stream.</summary>
    /// <param name="buffer">The stream, and <see cref="Padding"/> bytes behind it.</param>
    /// <param name="from">Index of its first byte.</param>
    /// <param name="length">Bytes of it.</param>
    public bool TryOpen(byte[] buffer, int from, int length)
    {
        if (length < Lanes * sizeof(uint)) return false;
        (_buffer, _at, _end) = (buffer, from + (Lanes * sizeof(uint)), from + length);
        MemoryMarshal.Cast<byte, uint>(buffer.AsSpan(from, Lanes * sizeof(uint))).CopyTo(_states);
        return true;
    }

    /// <summary>Reads a column of symbols, and the tables in front of it.</summary>
    /// <returns>False when there are no such tables, or the stream is at its end.</returns>
    public bool TryRead(Span<byte> symbols, ContextWalk walk, ref BitInput bits)
    {
        if (!_tables.TryRead(ref bits)) return false;
        for (int context = 0; context < _placesOf.Length; context++) _placesOf[context] = _tables.TableOf[context] * ShareTables.Whole;
        if (!_tables.IsKnown) FillPlaces(_tables, _places);
        return TryRead(symbols, walk, ref MemoryMarshal.GetArrayDataReference(_tables.IsKnown ? s_known : _places));
    }

    private bool TryRead(Span<byte> symbols, ContextWalk walk, ref uint places)
    {
        int quarter = symbols.Length / Lanes;
        ref byte first = ref MemoryMarshal.GetReference(symbols);
        ref byte second = ref Unsafe.Add(ref first, quarter);
        ref byte third = ref Unsafe.Add(ref second, quarter);
        ref byte fourth = ref Unsafe.Add(ref third, quarter);
        ref byte next = ref MemoryMarshal.GetArrayDataReference(walk.Next);
        ref int placesOf = ref MemoryMarshal.GetArrayDataReference(_placesOf);
        ref byte words = ref MemoryMarshal.GetArrayDataReference(_buffer);
        (uint stateA, uint stateB, uint stateC, uint stateD) = (_states[0], _states[1], _states[2], _states[3]);
        (int contextA, int contextB, int contextC, int contextD) = (walk.First, walk.First, walk.First, walk.First);
        (nint at, nint end) = (_at, _end);
        for (nint row = 0; row < quarter && at <= end; row++)
        {
            Unsafe.Add(ref first, row) = Take(ref places, ref placesOf, ref next, ref words, ref stateA, ref contextA, ref at);
            Unsafe.Add(ref second, row) = Take(ref places, ref placesOf, ref next, ref words, ref stateB, ref contextB, ref at);
            Unsafe.Add(ref third, row) = Take(ref places, ref placesOf, ref next, ref words, ref stateC, ref contextC, ref at);
            Unsafe.Add(ref fourth, row) = Take(ref places, ref placesOf, ref next, ref words, ref stateD, ref contextD, ref at);
        }

        (_states[0], _states[1], _states[2], _states[3]) = (stateA, stateB, stateC, stateD);
        for (int i = Lanes * quarter; i < symbols.Length && at <= end; i++)
            symbols[i] = Take(ref places, ref placesOf, ref next, ref words, ref _states[i - (Lanes * quarter)], ref contextD, ref at);
        _at = (int)at;
        return at <= end;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte Take(ref uint places, ref int placesOf, ref byte next, ref byte words, ref uint state, ref int context, ref nint at)
    {
        uint entry = Unsafe.Add(ref places, (nint)(uint)Unsafe.Add(ref placesOf, (nint)(uint)context) + (nint)(state & PlaceMask));
        uint symbol = entry & SymbolMask;
        uint moved = (((entry >> ShareAt) & ShareMask) * (state >> ShareBits)) + (entry >> RestAt);

        // 16 below 2^16, else 0: no branch, for nobody can foretell it.
        int refill = BitOperations.LeadingZeroCount(moved) & EntropyWriter.WordBits;
        uint word = Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref words, at));
        state = (moved << refill) | (word & ((1u << refill) - 1));
        at += refill >> 3;
        context = Unsafe.Add(ref next, (nint)(((uint)context * ContextWalk.Contexts) + symbol));
        return (byte)symbol;
    }

    private static uint[] Known()
    {
        ShareTables known = new();
        known.SetKnown();
        uint[] places = new uint[ShareTables.Whole + Vector256<uint>.Count];
        FillPlaces(known, places);
        return places;
    }

    // Eight places at once; those too many are the next symbol's, or slack.
    private static void FillPlaces(ShareTables tables, uint[] places)
    {
        Vector256<uint> eight = Vector256<uint>.Indices << RestAt;
        for (int table = 0; table < tables.Count; table++)
        {
            for (int symbol = 0; symbol < Symbols.Count; symbol++)
            {
                int share = tables.Share(table, symbol);
                int from = (table * ShareTables.Whole) + tables.Start(table, symbol);
                Vector256<uint> entries = eight + Vector256.Create((uint)symbol | ((uint)share << ShareAt));
                for (int i = 0; i < share; i += Vector256<uint>.Count, entries += Vector256.Create((uint)Vector256<uint>.Count << RestAt)) entries.CopyTo(places, from + i);
            }
        }
    }
}
