using Telemetry.Insights.Privacy;

namespace Telemetry.Insights.Tests.Privacy;

public sealed class NoiseTests
{
    // Fixed seeds: the figures are the same in every run; the bounds are 4 standard errors or wider.
    [Theory]
    [InlineData(1, 2)]
    [InlineData(3, 1)]
    [InlineData(7, 2)]
    public void Sample_ManyDraws_FollowTheTwoSidedGeometricLaw(ulong numerator, ulong denominator)
    {
        const int Draws = 40_000;
        DiscreteLaplace noise = new(numerator, denominator);
        NoiseStream random = new([1, 2, 3, (byte)numerator]);
        long[] drawn = [.. Enumerable.Range(0, Draws).Select(_ => noise.Sample(random))];

        double q = Math.Exp(-1 / noise.Scale);
        for (int value = -3; value <= 3; value++)
        {
            double expected = (1 - q) / (1 + q) * Math.Pow(q, Math.Abs(value));
            double found = drawn.Count(one => one == value) / (double)Draws;
            Assert.InRange(found, expected - 4 * Math.Sqrt(expected / Draws), expected + 4 * Math.Sqrt(expected / Draws));
        }

        double variance = 2 * q / ((1 - q) * (1 - q));
        Assert.InRange(drawn.Average(), -4 * Math.Sqrt(variance / Draws), 4 * Math.Sqrt(variance / Draws));
        Assert.InRange(drawn.Average(one => (double)one * one), variance * 0.93, variance * 1.07);
    }

    [Theory]
    [InlineData(50)]
    [InlineData(5000)]
    public void Error95_HoldsNineteenOfTwenty(ulong scale)
    {
        DiscreteLaplace noise = new(scale, 1);
        NoiseStream random = new([9]);
        int inside = Enumerable.Range(0, 20_000).Count(_ => Math.Abs(noise.Sample(random)) <= noise.Error95);
        Assert.InRange(inside / 20_000.0, 0.944, 0.956);
        Assert.InRange(noise.Error95, scale * 2.9, scale * 3.1); // ln 20 = 2.996
    }

    [Fact]
    public void Quantile_IsTheLeastThatHolds()
    {
        DiscreteLaplace noise = new(9, 2);
        double q = Math.Exp(-1 / noise.Scale);
        double Tail(long h) => 2 * Math.Pow(q, h + 1) / (1 + q);
        foreach (double tail in new[] { 0.5, 0.05, 0.002 })
        {
            long least = noise.Quantile(tail);
            Assert.True(Tail(least) <= tail && (least == 0 || Tail(least - 1) > tail), $"tail {tail}: {least}");
        }
    }

    [Fact]
    public void Below_IsUniform_AndTheSameForTheSameSeed()
    {
        NoiseStream random = new([4]);
        int[] counts = new int[7];
        for (int i = 0; i < 70_000; i++) counts[random.Below(7)]++;
        Assert.All(counts, count => Assert.InRange(count, 9600, 10_400));

        NoiseStream one = new([5]), same = new([5]), other = new([6]);
        ulong[] first = [.. Enumerable.Range(0, 20).Select(_ => one.Below(1UL << 60))];
        Assert.Equal(first, Enumerable.Range(0, 20).Select(_ => same.Below(1UL << 60)));
        Assert.NotEqual(first, Enumerable.Range(0, 20).Select(_ => other.Below(1UL << 60)));
    }
}
