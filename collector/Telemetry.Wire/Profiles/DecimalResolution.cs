namespace Telemetry.Wire.Profiles;

/// <summary>A resolution as the decimal number its author wrote: 0.1 has no exact double, 1 and 10 have. So 72 steps of 0.1 are 72 * 1 / 10, rounded once: 7.2, not 7.200000000000001.</summary>
/// <param name="Mantissa">1 to 2^31 - 1.</param>
/// <param name="Decimals">0 to <see cref="MostDecimals"/>; resolution = mantissa / 10^decimals.</param>
public readonly record struct DecimalResolution(long Mantissa, int Decimals)
{
    /// <summary>A resolution with more decimals has none of these, and multiplies as a double.</summary>
    public const int MostDecimals = 15;

    /// <summary>The fewest decimals that read back as this very double.</summary>
    /// <returns>Null where there is no such short number, e.g. for a third.</returns>
    public static DecimalResolution? Of(double resolution)
    {
        double power = 1;
        for (int decimals = 0; decimals <= MostDecimals; decimals++, power *= 10) // 10^15 is an exact double
        {
            double mantissa = Math.Round(resolution * power);
            if (mantissa > int.MaxValue) return null;
            if (mantissa >= 1 && mantissa / power == resolution) return new DecimalResolution((long)mantissa, decimals);
        }

        return null;
    }
}
