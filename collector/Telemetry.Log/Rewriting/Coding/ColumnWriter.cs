using System.Buffers;
using System.Numerics;
using static Telemetry.Log.Rewriting.Coding.ColumnContexts;

namespace Telemetry.Log.Rewriting.Coding;

/// <summary>Writes columns of numbers into one stream, each by what its own rows so far foretell.</summary>
/// <remarks>One thread; reused.</remarks>
internal sealed class ColumnWriter
{
    private readonly SymbolModels _models = new(ColumnContexts.Count);
    private readonly EntropyWriter _coder;

    public ColumnWriter() => _coder = new EntropyWriter(_models);

    /// <summary>Ends the stream; the next column begins another.</summary>
    public void End(IBufferWriter<byte> output) => _coder.End(output);

    /// <summary>Writes a number that stands outside of columns.</summary>
    public void WriteNumber(long value, int bits) => _coder.PutBits((ulong)value, bits);

    /// <summary>Writes a column of integers: each against the one before, or, where that takes fewer bits, against the running level.</summary>
    public void WriteIntegers(ReadOnlySpan<long> values)
    {
        int start = _coder.Count;
        WriteSteps(values);
        if (!LevelCode.TryChoose(values, out LevelCode code)) return;
        double bits = _coder.BitsSince(start);
        int middle = _coder.Count;
        WriteAgainstLevel(values, code);
        if (_coder.BitsSince(middle) < bits) _coder.TakeBack(start, middle);
        else _coder.TakeBack(middle, _coder.Count);
    }

    /// <summary>Writes a column of doubles, given as their bits: what changed against the row before, byte by byte.</summary>
    public void WriteReals(ReadOnlySpan<long> values)
    {
        _models.Reset();
        (long last, int leading) = (0, 0);
        foreach (long value in values)
        {
            ulong change = (ulong)(value ^ last);
            int before = leading;
            leading = BitOperations.LeadingZeroCount(change) / 8;
            _coder.Put(LeadingBytes + before, leading);
            last = value;
            if (change == 0) continue;
            int trailing = BitOperations.TrailingZeroCount(change) / 8;
            _coder.Put(TrailingBytes + leading, trailing);
            for (int at = 7 - leading; at >= trailing; at--)
            {
                int octet = (byte)(change >> (8 * at));
                _coder.Put(HalfByte + (2 * at), octet >> 4);
                _coder.Put(HalfByte + (2 * at) + 1, octet & 15);
            }
        }
    }

    private void WriteSteps(ReadOnlySpan<long> values)
    {
        _models.Reset();
        _coder.PutBits(0, LevelCode.Bits);
        (long last, long beforeJump, uint mean) = (0, 0, FirstMean);
        (int change, int rowsSame) = (0, 0);
        for (int row = 0; row < values.Length; row++)
        {
            int context = Next(change, rowsSame, LevelOf(mean));
            if (rowsSame == RowsBeforeRun)
            {
                int end = values[row..].IndexOfAnyExcept(last);
                int run = end < 0 ? values.Length - row : end;
                PutRun(run, LevelOf(mean));
                row += run;
                if (row == values.Length) return;
                context = BehindRun(change, run);
                mean >>= Math.Min(run, 31);
            }

            long value = values[row];
            int symbol = PutDifference(context, LevelOf(mean), value, last, beforeJump, canGoBack: true);
            ulong magnitude = Magnitude(value - last);
            if (magnitude >= JumpMagnitude) beforeJump = last;
            mean = After(mean, magnitude);
            (change, rowsSame, last) = symbol == 0 ? (change, rowsSame + 1, value) : (GroupOf[symbol], 0, value);
        }
    }

    private void WriteAgainstLevel(ReadOnlySpan<long> values, LevelCode code)
    {
        _models.Reset();
        _coder.PutBits(code.Stored, LevelCode.Bits);
        _coder.PutBits((ulong)values[0], 64);
        (RunningLevel level, uint mean) = (new RunningLevel(values[0]), FirstMean);
        foreach (long value in values[1..])
        {
            long residual = value - level.Guess;
            long upper = residual >> code.LowBits;
            PutDifference(Residual + code.FractionOf(level), LevelOf(mean), upper, 0, 0, canGoBack: false);
            _coder.PutBits((ulong)residual, code.LowBits);
            mean = After(mean, Magnitude(upper));
            level.Follow(value, code.Shift);
        }
    }

    private void PutRun(int run, int level)
    {
        for (; run >= FullRun; run -= FullRun) _coder.Put(RunLength + level, FullRunSymbol);
        int length = 32 - BitOperations.LeadingZeroCount((uint)run);
        _coder.Put(RunLength + level, length);
        _coder.PutBits((uint)run, Math.Max(0, length - 1));
    }

    private int PutDifference(int context, int level, long value, long last, long beforeJump, bool canGoBack)
    {
        long difference = value - last;
        ulong magnitude = Magnitude(difference);
        if (magnitude <= MostSmall)
        {
            int small = (int)(2 * magnitude) - (difference > 0 ? 1 : 0);
            _coder.Put(context, small);
            return small;
        }

        long fromThere = value - beforeJump;
        ulong distance = Magnitude(fromThere);
        if (canGoBack && distance == 0)
        {
            _coder.Put(context, Back);
            return Back;
        }

        if (canGoBack && magnitude >= JumpMagnitude && distance <= MostNearly && distance * 4 < magnitude)
        {
            _coder.Put(context, NearlyBack);
            _coder.PutBits(fromThere < 0 ? 1u : 0, 1);
            PutLength(NearlyLength, distance - 1);
            return NearlyBack;
        }

        int far = difference > 0 ? FarUp : FarDown;
        _coder.Put(context, far);
        PutLength(FarLength + ((far - FarUp) * Levels) + level, magnitude - MostSmall - 1);
        return far;
    }

    private void PutLength(int context, ulong number)
    {
        int length = 64 - BitOperations.LeadingZeroCount(number);
        _coder.Put(context, Math.Min(length, LongLength));
        if (length >= LongLength) _coder.PutBits((uint)(length - LongLength), 6);
        _coder.PutBits(number, Math.Max(0, length - 1));
    }

    private static uint After(uint mean, ulong magnitude) => magnitude <= MostSmall ? AfterSmall(mean, (int)magnitude) : AfterOther(mean, magnitude);
}
