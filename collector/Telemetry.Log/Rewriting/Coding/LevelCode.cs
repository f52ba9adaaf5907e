namespace Telemetry.Log.Rewriting.Coding;

// For signals with noise in every reading, where the last value is a poor guess of the next: the guess is a running level, and of the residual only the
// upper bits are worth a model.

/// <summary>How a column is coded against its running level.</summary>
/// <param name="Shift">The level follows a value by 1 / 2^Shift of its distance, 0 to 6.</param>
/// <param name="LowBits">Bits of a residual that are written as they are, 0 to 15.</param>
internal readonly record struct LevelCode(int Shift, int LowBits)
{
    private const int MaxShift = 6;
    private const int MaxLowBits = 15;

    // Fewer are coded well enough by steps.
    private const int LeastRows = 64;
    private const double LeastMean = 0.75;

    // From the middle of the column; the two codes are then compared over all of it.
    private const int MostRowsTried = 4_096;

    // Of normal noise the deviation is 1.25 times the mean magnitude, and 2^LowBits is then a third to two thirds of it: eleven symbols reach two to four deviations.
    private const double StepOfMean = 13 / 16.0;

    // The level has 8 fraction bits.
    private const long MostMagnitude = 1L << 50;

    /// <summary>The best of these codes for a column, if it may be better than coding steps.</summary>
    public static bool TryChoose(ReadOnlySpan<long> values, out LevelCode code)
    {
        code = default;
        if (values.Length < LeastRows) return false;
        ReadOnlySpan<long> sample = values.Length <= MostRowsTried ? values : values.Slice((values.Length - MostRowsTried) / 2, MostRowsTried);
        (int best, double least) = (0, double.MaxValue);
        for (int shift = 0; shift <= MaxShift; shift++)
        {
            RunningLevel level = new(sample[0]);
            double sum = 0;
            foreach (long value in sample)
            {
                sum += Math.Abs((double)(value - level.Guess));
                level.Follow(value, shift);
            }

            if (sum < least) (best, least) = (shift, sum);
        }

        // Without a shift the level is the row before.
        double mean = least / sample.Length;
        if (best == 0 || mean < LeastMean || values.ContainsAnyExceptInRange(-MostMagnitude, MostMagnitude)) return false;
        code = new LevelCode(best, Math.Min(MaxLowBits, (int)Math.Log2(Math.Max(1, mean * StepOfMean))));
        return true;
    }
}

/// <summary>The running level of a column, with 8 fraction bits.</summary>
internal struct RunningLevel(long first)
{
    private const int FractionBits = 8;
    private const int Half = 1 << (FractionBits - 1);
    private long _level = first << FractionBits;

    /// <summary>The value it foretells.</summary>
    public readonly long Guess => (_level + Half) >> FractionBits;

    /// <summary>A residual, counted towards the side of the guess on which the level stands, so that the nearer neighbour is always 1 and the other -1; and back again.</summary>
    public readonly long Turned(long residual)
    {
        long isBelow = (_level - (Guess << FractionBits)) >> 63; // 0 or -1
        return (residual ^ isBelow) - isBelow;
    }

    /// <summary>The level after a value.</summary>
    public void Follow(long value, int shift) => _level += ((value << FractionBits) - _level) >> shift;
}
