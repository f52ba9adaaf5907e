using static Telemetry.Log.Rewriting.Coding.ColumnContexts;

namespace Telemetry.Log.Rewriting.Coding;

/// <summary>Reads the columns of one stream, in the order in which a <see cref="ColumnWriter"/> wrote them.</summary>
/// <param name="stream">All of it.</param>
/// <param name="models">From <see cref="NewModels"/>; one thread's.</param>
internal ref struct ColumnReader(ReadOnlySpan<byte> stream, SymbolModels models)
{
    // Shorter runs are filled in sooner than a call takes.
    private const int MostFilledHere = 16;

    private EntropyReader _coder = new(stream);
    private ulong _state = new EntropyReader(stream).FirstState;

    /// <summary>After the last column: the stream held just what was read.</summary>
    public readonly bool IsWhole => _coder.IsWhole(_state);

    /// <summary>Models for a reader; each column begins them anew.</summary>
    public static SymbolModels NewModels() => new(ColumnContexts.Count);

    /// <summary>Reads a number that stands outside of columns.</summary>
    public long ReadNumber(int bits) => (long)_coder.TakeLong(ref _state, bits);

    /// <summary>Reads a column of integers.</summary>
    /// <param name="values">Gets one a row.</param>
    /// <returns>False when the stream does not follow the format.</returns>
    public bool TryReadIntegers(Span<long> values)
    {
        models.Reset();
        uint stored = _coder.TakeBits(ref _state, LevelCode.Bits);
        if (stored == 0) return TryReadSteps(values);
        return LevelCode.TryParse(stored, out LevelCode code) && TryReadAgainstLevel(values, code);
    }

    /// <summary>Reads a column of doubles, as their bits.</summary>
    /// <returns>False when the stream does not follow the format.</returns>
    public bool TryReadReals(Span<long> values)
    {
        models.Reset();
        ref ushort contexts = ref models.First;
        (long last, int leading) = (0, 0);
        for (int row = 0; row < values.Length; row++)
        {
            leading = _coder.Take(ref _state, ref SymbolModels.Context(ref contexts, LeadingBytes + leading));
            if (leading > sizeof(long)) return false;
            if (leading < sizeof(long))
            {
                int trailing = _coder.Take(ref _state, ref SymbolModels.Context(ref contexts, TrailingBytes + leading));
                for (int at = sizeof(long) - 1 - leading; at >= trailing; at--)
                {
                    int high = _coder.Take(ref _state, ref SymbolModels.Context(ref contexts, HalfByte + (2 * at)));
                    int low = _coder.Take(ref _state, ref SymbolModels.Context(ref contexts, HalfByte + (2 * at) + 1));
                    last ^= (long)((high << 4) | low) << (8 * at);
                }
            }

            values[row] = last;
        }

        return true;
    }

    private bool TryReadSteps(Span<long> values)
    {
        ref ushort contexts = ref models.First;
        ulong state = _state;
        (long last, long beforeJump, uint mean) = (0, 0, FirstMean);
        (int change, int rowsSame) = (0, 0);
        for (int row = 0; row < values.Length; row++)
        {
            int level = LevelOf(mean);
            int context = Next(change, rowsSame, level);
            if (rowsSame == RowsBeforeRun)
            {
                int run = _coder.Take(ref state, ref SymbolModels.Context(ref contexts, RunLength + level));
                if (run > 1 && !TryTakeRun(ref state, level, values.Length - row, ref run)) return false;
                context = BehindRun(change, run);
                mean >>= Math.Min(run, 31);
                if (run > MostFilledHere)
                {
                    values.Slice(row, run).Fill(last);
                    row += run;
                    run = 0;
                }

                for (; run > 0 && row < values.Length; run--) values[row++] = last;
                if (row == values.Length) break;
            }

            int symbol = _coder.Take(ref state, ref SymbolModels.Context(ref contexts, context));
            if (symbol <= LastSmall)
            {
                last += SmallOf(symbol);
                mean = AfterSmall(mean, (symbol + 1) >> 1);
            }
            else
            {
                long value = TakeOther(ref state, symbol, LevelOf(mean), last, beforeJump);
                ulong magnitude = Magnitude(value - last);
                if (magnitude >= JumpMagnitude) beforeJump = last;
                mean = AfterOther(mean, magnitude);
                last = value;
            }

            values[row] = last;
            rowsSame = symbol == 0 ? rowsSame + 1 : 0;
            change = symbol == 0 ? change : GroupOf[symbol];
        }

        _state = state;
        return true;
    }

    private bool TryReadAgainstLevel(Span<long> values, LevelCode code)
    {
        if (values.IsEmpty) return false;
        ref ushort contexts = ref models.First;
        ulong state = _state;
        values[0] = (long)_coder.TakeLong(ref state, 64);
        (RunningLevel level, uint mean) = (new RunningLevel(values[0]), FirstMean);
        for (int row = 1; row < values.Length; row++)
        {
            int symbol = _coder.Take(ref state, ref SymbolModels.Context(ref contexts, Residual + code.FractionOf(level)));
            long upper;
            if (symbol <= LastSmall)
            {
                upper = SmallOf(symbol);
                mean = AfterSmall(mean, (symbol + 1) >> 1);
            }
            else
            {
                upper = TakeOther(ref state, symbol, LevelOf(mean), 0, 0);
                mean = AfterOther(mean, Magnitude(upper));
            }

            long value = level.Guess + (upper << code.LowBits) + _coder.TakeBits(ref state, code.LowBits);
            values[row] = value;
            level.Follow(value, code.Shift);
        }

        _state = state;
        return true;
    }

    // The rest of a run, whose first symbol is in `run`.
    private bool TryTakeRun(ref ulong state, int level, int most, ref int run)
    {
        int rows = 0;
        for (; run == FullRunSymbol && rows <= most; rows += FullRun)
            run = _coder.Take(ref state, ref SymbolModels.Context(ref models.First, RunLength + level));
        if (run > 0) rows += (1 << (run - 1)) | (int)_coder.TakeBits(ref state, run - 1);
        run = rows;
        return rows <= most;
    }

    // The value of a symbol that is no small difference.
    private long TakeOther(ref ulong state, int symbol, int level, long last, long beforeJump)
    {
        if (symbol == Back) return beforeJump;
        if (symbol == NearlyBack)
        {
            bool isBelow = _coder.TakeBits(ref state, 1) != 0;
            long distance = (long)TakeLength(ref state, NearlyLength) + 1;
            return beforeJump + (isBelow ? -distance : distance);
        }

        bool isUp = symbol == FarUp;
        long magnitude = (long)TakeLength(ref state, FarLength + (isUp ? 0 : Levels) + level) + MostSmall + 1;
        return last + (isUp ? magnitude : -magnitude);
    }

    private ulong TakeLength(ref ulong state, int context)
    {
        int length = _coder.Take(ref state, ref SymbolModels.Context(ref models.First, context));
        if (length == LongLength) length += (int)_coder.TakeBits(ref state, 6);
        return length == 0 ? 0 : _coder.TakeLong(ref state, length - 1) | (1UL << (length - 1));
    }

    // 0, 1, -1, 2, -2 ...; no branch, for nobody can foretell it.
    private static long SmallOf(int symbol)
    {
        long sign = (symbol & 1) - 1L; // 0 or -1
        return (((symbol + 1) >> 1) ^ sign) - sign;
    }
}
