namespace Telemetry.Log.Rewriting.Coding;

// For signals with noise in every reading, where the last value is a poor guess of the next: the guess is a running level, and of the residual only the
// upper bits are worth a model.

/// <summary>How a column is coded against its running level.</summary>
/// <param name="Shift">The level follows a value by 1 / 2^Shift of its distance, 0 to 6.</param>
/// <param name="LowBits">Bits of a residual that are written as they are, 0 to 15.</param>
internal readonly record struct LevelCode(int Shift, int LowBits)
{
    /// <summary>Bits that hold <see cref="Stored"/>, or 0 for a column that is coded by steps.</summary>
    public const int Bits = 7;

    /// <summary>Parts of the way from one guess to the next that are told apart.</summary>
    public const int Fractions = 4;

    private const int MaxShift = 6;
    private const int MaxLowBits = EntropyWriter.MostBits;

    // Fewer are coded well enough by steps.
    private const int LeastRows = 64;
    private const double LeastMean = 0.75;

    // Of normal noise the deviation is 1.25 times the mean magnitude, and 2^LowBits is then a third to two thirds of it: eleven symbols reach two to four deviations.
    private const double StepOfMean = 13 / 16.0;

    // The level has 8 fraction bits.
    private const long MostMagnitude = 1L << 50;

    /// <summary>The code as a number above 0.</summary>
    public uint Stored => 1u + (uint)Shift + (uint)((MaxShift + 1) * LowBits);

    /// <summary>The code of a stored number.</summary>
    /// <returns>False when no code has it.</returns>
    public static bool TryParse(uint stored, out LevelCode code)
    {
        (int lowBits, int shift) = Math.DivRem((int)stored - 1, MaxShift + 1);
        code = new LevelCode(shift, lowBits);
        return stored > 0 && lowBits <= MaxLowBits;
    }

    /// <summary>The best of these codes for a column, if it may be better than coding steps.</summary>
    public static bool TryChoose(ReadOnlySpan<long> values, out LevelCode code)
    {
        code = default;
        if (values.Length < LeastRows) return false;
        foreach (long value in values)
        {
            if (value is >= MostMagnitude or <= -MostMagnitude) return false;
        }

        (int best, double least) = (0, double.MaxValue);
        for (int shift = 0; shift <= MaxShift; shift++)
        {
            RunningLevel level = new(values[0]);
            double sum = 0;
            foreach (long value in values)
            {
                sum += Math.Abs(value - level.Guess);
                level.Follow(value, shift);
            }

            if (sum < least) (best, least) = (shift, sum);
        }

        double mean = least / values.Length;
        if (mean < LeastMean) return false;
        code = new LevelCode(best, Math.Min(MaxLowBits, (int)Math.Log2(Math.Max(1, mean * StepOfMean))));
        return true;
    }

    /// <summary>Where between two guesses the level stands; it matters only to residuals that are modelled to the last bit.</summary>
    public int FractionOf(in RunningLevel level) => LowBits == 0 ? level.Fraction : 0;
}

/// <summary>The running level of a column, with 8 fraction bits.</summary>
internal struct RunningLevel(long first)
{
    private const int FractionBits = 8;
    private const int Half = 1 << (FractionBits - 1);
    private long _level = first << FractionBits;

    /// <summary>The value it foretells.</summary>
    public readonly long Guess => (_level + Half) >> FractionBits;

    /// <summary>In which quarter between half a value below <see cref="Guess"/> and half a value above it stands.</summary>
    public readonly int Fraction => (int)((_level + Half) >> (FractionBits - 2)) & (LevelCode.Fractions - 1);

    /// <summary>The level after a value.</summary>
    public void Follow(long value, int shift) => _level += ((value << FractionBits) - _level) >> shift;
}
