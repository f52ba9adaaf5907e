using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Telemetry.Log.Rewriting.Coding;

/// <summary>Writes columns of numbers into one stream: plain bits, and symbols by shares that are counted first.</summary>
/// <remarks>One thread; reused.</remarks>
internal sealed partial class ColumnWriter
{
    // With fewer changes than one in so many rows it is shorter, and faster to read, to tell how far apart they are.
    private const int RowsToAChange = 24;

    private readonly BitOutput _bits = new();
    private readonly EntropyWriter _coder = new();
    private readonly SymbolColumn _steps = new();
    private readonly SymbolColumn _residuals = new();
    private readonly SymbolColumn _gaps = new();
    private readonly List<long> _changed = [];

    /// <summary>Ends the stream; the next column begins another.</summary>
    public void End(IBufferWriter<byte> output)
    {
        ReadOnlySpan<byte> plain = _bits.End();
        BinaryPrimitives.WriteUInt32LittleEndian(output.GetSpan(sizeof(uint)), (uint)plain.Length);
        output.Advance(sizeof(uint));
        output.Write(plain);
        _coder.End(output);
    }

    /// <summary>Writes a number that stands outside of columns.</summary>
    public void WriteNumber(long value, int bits) => _bits.Put((ulong)value, bits);

    /// <summary>Writes a column of integers in the mode that takes fewest bits.</summary>
    public void WriteIntegers(ReadOnlySpan<long> values)
    {
        if (values.IsEmpty) return;
        int changes = 0;
        for (int row = 1; row < values.Length; row++) changes += values[row] != values[row - 1] ? 1 : 0;
        if (changes == 0) Begin(ColumnMode.Constant, values[0]);
        else if (changes < values.Length / RowsToAChange) WriteChanges(values, changes);
        else WriteEachRow(values);
    }

    private void WriteEachRow(ReadOnlySpan<long> values)
    {
        double bits = FillSteps(values[0], values[1..]);
        if (LevelCode.TryChoose(values, out LevelCode code) && FillResiduals(values, code) < bits)
        {
            Begin(ColumnMode.Level, values[0]);
            _bits.Put((uint)code.Shift, ColumnFormat.ShiftBits);
            _bits.Put((uint)code.LowBits, ColumnFormat.LowBits);
            _residuals.Write(_bits, _coder);
        }
        else
        {
            Begin(ColumnMode.Steps, values[0]);
            _steps.Write(_bits, _coder);
        }
    }

    private void Begin(ColumnMode mode, long first)
    {
        ulong zigzag = ColumnFormat.ZigZag(first);
        int length = 64 - BitOperations.LeadingZeroCount(zigzag);
        _bits.Put((uint)mode, ColumnFormat.ModeBits);
        _bits.Put((uint)length, ColumnFormat.LengthBits);
        _bits.Put(zigzag, length);
    }

    private void WriteChanges(ReadOnlySpan<long> values, int changes)
    {
        Begin(ColumnMode.Changes, values[0]);
        _bits.Put((uint)changes, ColumnFormat.CountBits);
        _changed.Clear();
        _gaps.Clear(changes);
        int begun = 1;
        for (int row = 1; row < values.Length; row++)
        {
            if (values[row] == values[row - 1]) continue;
            _gaps.AddNumber((uint)(row - begun));
            _changed.Add(values[row]);
            begun = row + 1;
        }

        _gaps.Choose(ContextWalk.OfNeighbours);
        _gaps.Write(_bits, _coder);
        FillSteps(values[0], CollectionsMarshal.AsSpan(_changed));
        _steps.Write(_bits, _coder);
    }

    private double FillSteps(long last, ReadOnlySpan<long> values)
    {
        _steps.Clear(values.Length);
        long other = 0;
        foreach (long value in values)
        {
            long change = value - last;
            bool isBack = value == other && Symbols.Of(change) > Symbols.LastSmall;
            if (isBack) _steps.Add(Symbols.Back);
            else _steps.AddChange(change);
            if (Symbols.Magnitude(change) >= Symbols.JumpMagnitude) other = last;
            last = value;
        }

        return _steps.Choose(ContextWalk.OfChanges);
    }

    private double FillResiduals(ReadOnlySpan<long> values, LevelCode code)
    {
        _residuals.Clear(values.Length);
        RunningLevel level = new(values[0]);
        foreach (long value in values[1..])
        {
            long residual = value - level.Guess;
            _residuals.AddResidual(code.LowBits == 0 ? level.Turned(residual) : residual, code.LowBits);
            level.Follow(value, code.Shift);
        }

        return _residuals.Choose(ContextWalk.OfChanges);
    }
}
