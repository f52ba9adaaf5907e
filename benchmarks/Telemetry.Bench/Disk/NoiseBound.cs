namespace Telemetry.Bench.Disk;

/// <summary>
/// What the noise of the synthetic set holds. Its sensors are a level that walks at random and a reading error, both normal; for these the best forecast of a
/// reading from all before it is known (Kalman), and so is how surprising each reading was. No lossless code takes fewer bits on average than that sum (Shannon 1948),
/// whatever it knows of the sensor.
/// </summary>
internal static class NoiseBound
{
    // A reading is rounded to a whole number: an error of variance 1/12.
    private const double RoundingVariance = 1 / 12.0;

    /// <summary>Bits that a column's readings hold.</summary>
    /// <param name="readings">Whole numbers.</param>
    /// <param name="level">Where the level stands before the first row.</param>
    /// <param name="walk">Standard deviation of the level's step from row to row; 0 = it stands.</param>
    /// <param name="noise">Standard deviation of a reading's error.</param>
    public static double Bits(ReadOnlySpan<int> readings, double level, double walk, double noise)
    {
        double bits = 0, uncertainty = 0;
        foreach (int reading in readings)
        {
            uncertainty += walk * walk;
            double variance = uncertainty + (noise * noise) + RoundingVariance;
            double surprise = reading - level;
            bits += (0.5 * Math.Log2(2 * Math.PI * variance)) + (surprise * surprise / (2 * variance) * Math.Log2(Math.E));
            double gain = uncertainty / variance;
            level += gain * surprise;
            uncertainty *= 1 - gain;
        }

        return bits;
    }
}
