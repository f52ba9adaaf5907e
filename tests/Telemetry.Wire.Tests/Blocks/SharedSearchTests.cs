using Telemetry.Bench.Codec;

namespace Telemetry.Wire.Tests.Blocks;

/// <summary>The bounded turns of <c>tools/bench codec-roundtrip</c> and <c>tools/bench fuzz-wire</c>; their generators are the same files.</summary>
public sealed class SharedSearchTests
{
    private const int Series = 60_000;
    private const int Inputs = 40_000;

    [Fact]
    public void Pack_GeneratedSeriesOfEveryShapeAndKind_ComeBackEqual()
    {
        GeneratedSeries series = new();
        SeriesRoundTrip trip = new();
        HashSet<(byte Kind, int Shape)> seen = [];
        for (int seed = 0; seed < Series; seed++)
        {
            series.Fill(seed);
            seen.Add((series.Kind, series.Shape));
            Assert.True(trip.ComesBack(series), $"tools/bench codec-roundtrip --series 1 --seed {seed}");
        }

        Assert.Equal(3 * GeneratedSeries.Shapes.Length, seen.Count);
        Assert.True(trip.LevelBlocks > 100, "Columns about a level are among them.");
        Assert.True(trip.Blocks > Series, "Series of several blocks are among them.");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Decode_DamagedInputs_EndInAnAnswer(int seed)
    {
        DamagedInputs inputs = new(seed);
        int good = 0;
        for (int i = 0; i < Inputs; i++)
        {
            if (inputs.TryNext()) good++;
        }

        Assert.InRange(good, 1, Inputs - 1);
    }
}
