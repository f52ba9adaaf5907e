using System.Runtime.InteropServices;

namespace Telemetry.Log.Rewriting.Coding;

/// <summary>Reads the columns of one stream, in the order in which a <see cref="ColumnWriter"/> wrote them.</summary>
/// <remarks>One thread; reused. Never reads outside of the stream; what a damaged one yields is noise.</remarks>
internal sealed partial class ColumnReader
{
    private const int Slack = BitInput.Padding + EntropyReader.Padding; // either would do

    private readonly EntropyReader _entropy = new();
    private byte[] _stream = [];
    private byte[] _symbols = [];
    private long[] _changed = [];
    private int[] _gaps = [];
    private BitInput _bits;

    /// <summary>After the last column: the stream held just what was read.</summary>
    public bool IsWhole => _bits.IsAtEnd && _entropy.IsWhole;

    /// <summary>Begins a stream.</summary>
    /// <param name="stream">All of it; copied.</param>
    /// <returns>False when it is none.</returns>
    public bool TryOpen(ReadOnlySpan<byte> stream)
    {
        if (stream.Length < sizeof(uint)) return false;
        if (_stream.Length < stream.Length + Slack) _stream = new byte[Math.Max(stream.Length + Slack, 2 * _stream.Length)];
        stream.CopyTo(_stream);
        _stream.AsSpan(stream.Length, Slack).Clear();
        uint plain = MemoryMarshal.Read<uint>(stream);
        if (plain > (uint)(stream.Length - sizeof(uint))) return false;
        int entropy = sizeof(uint) + (int)plain;
        _bits = new BitInput(_stream, sizeof(uint), (int)plain);
        return _entropy.TryOpen(_stream, entropy, stream.Length - entropy);
    }

    /// <summary>Reads a number that stands outside of columns.</summary>
    public long ReadNumber(int bits) => (long)_bits.TakeLong(bits);

    /// <summary>Reads a column of integers.</summary>
    /// <param name="values">Gets one a row.</param>
    /// <returns>False when the stream does not follow the format.</returns>
    public bool TryReadIntegers(Span<long> values)
    {
        if (values.IsEmpty) return true;
        ColumnMode mode = (ColumnMode)_bits.Take(ColumnFormat.ModeBits);
        int length = (int)_bits.Take(ColumnFormat.LengthBits);
        if (length > 64) return false;
        values[0] = ColumnFormat.UnZigZag(_bits.TakeLong(length));
        return mode switch
        {
            ColumnMode.Constant => Filled(values),
            ColumnMode.Steps => TryReadSteps(values[0], values[1..]),
            ColumnMode.Changes => TryReadChanges(values),
            _ => TryReadAgainstLevel(values[0], values[1..]), // two bits
        };
    }

    private static bool Filled(Span<long> values)
    {
        values.Fill(values[0]);
        return true;
    }

    private bool TryReadSteps(long first, Span<long> values) =>
        TryTakeSymbols(values.Length, ContextWalk.OfChanges, out ReadOnlySpan<byte> symbols) && ChangeReader.TryFollow(first, symbols, values, ref _bits);

    private bool TryReadChanges(Span<long> values)
    {
        long first = values[0];
        int changes = (int)_bits.Take(ColumnFormat.CountBits);
        if (changes == 0 || changes >= values.Length) return false;
        if (_gaps.Length < changes) (_gaps, _changed) = (new int[changes], new long[changes]);
        if (!TryTakeSymbols(changes, ContextWalk.OfNeighbours, out ReadOnlySpan<byte> lengths)) return false;
        int left = values.Length - 1 - changes;
        for (int i = 0; i < changes; i++)
        {
            int below = Math.Max(0, lengths[i] - 1);
            int gap = lengths[i] == 0 ? 0 : (1 << below) | (int)_bits.Take(below);
            if (gap > left) return false;
            left -= _gaps[i] = gap;
        }

        if (!TryReadSteps(first, _changed.AsSpan(0, changes))) return false;
        (int row, long last) = (1, first);
        for (int i = 0; i < changes; i++)
        {
            values.Slice(row, _gaps[i]).Fill(last);
            row += _gaps[i];
            values[row++] = last = _changed[i];
        }

        values[row..].Fill(last);
        return true;
    }

    private bool TryReadAgainstLevel(long first, Span<long> values)
    {
        LevelCode code = new((int)_bits.Take(ColumnFormat.ShiftBits), (int)_bits.Take(ColumnFormat.LowBits));
        return TryTakeSymbols(values.Length, ContextWalk.OfChanges, out ReadOnlySpan<byte> symbols) && ChangeReader.TryFollowLevel(first, code, symbols, values, ref _bits);
    }

    private bool TryTakeSymbols(int count, ContextWalk walk, out ReadOnlySpan<byte> symbols)
    {
        if (_symbols.Length < count) _symbols = new byte[Math.Max(count, 2 * _symbols.Length)];
        Span<byte> taken = _symbols.AsSpan(0, count);
        symbols = taken;
        return count == 0 || _entropy.TryRead(taken, walk, ref _bits);
    }
}
