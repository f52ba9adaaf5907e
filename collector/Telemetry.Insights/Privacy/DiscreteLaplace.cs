namespace Telemetry.Insights.Privacy;

/// <summary>
/// Two-sided geometric noise, P(x) proportional to exp(-|x| / scale), drawn exactly with integers (Canonne, Kamath, Steinke 2020, "The Discrete
/// Gaussian for Differential Privacy", algorithms 1 and 2). Floating-point Laplace noise has gaps that give values away; this has none.
/// </summary>
/// <param name="Numerator">Of the scale; 1..2^50.</param>
/// <param name="Denominator">Of the scale; from 1.</param>
internal readonly record struct DiscreteLaplace(ulong Numerator, ulong Denominator)
{
    /// <summary>The scale as a real, for intervals and texts.</summary>
    public double Scale => (double)Numerator / Denominator;

    /// <summary>Draws one value.</summary>
    public long Sample(NoiseStream random)
    {
        while (true)
        {
            // X is geometric with exp(-1 / numerator): its part below the numerator, and how often the numerator fits in.
            ulong low = random.Below(Numerator);
            if (!IsOneInExp(random, low, Numerator)) continue;
            ulong high = 0;
            while (IsOneInExp(random, 1, 1)) high++;

            long magnitude = (long)((low + Numerator * high) / Denominator);
            bool isNegative = random.Below(2) == 1;
            if (isNegative && magnitude == 0) continue; // zero would come twice
            return isNegative ? -magnitude : magnitude;
        }
    }

    /// <summary>The least h with P(|x| > h) at most 5 %: half the width of the 95 % interval.</summary>
    public long Error95 => Quantile(0.05);

    /// <summary>The least h with P(|x| > h) at most <paramref name="tail"/>.</summary>
    public long Quantile(double tail)
    {
        // P(|x| > h) = 2 q^(h + 1) / (1 + q) with q = exp(-1 / scale)
        double q = Math.Exp(-1 / Scale);
        return Math.Max(0, (long)Math.Ceiling(-Scale * Math.Log(tail * (1 + q) / 2) - 1));
    }

    // True with probability exp(-numerator / denominator), for a fraction in 0..1, by von Neumann's alternating series.
    private static bool IsOneInExp(NoiseStream random, ulong numerator, ulong denominator)
    {
        ulong turn = 1;
        while (random.Below(checked(denominator * turn)) < numerator) turn++;
        return turn % 2 == 1;
    }
}
