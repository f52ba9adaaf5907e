using Telemetry.Device.Sampling;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Wire.Tests.Blocks;

/// <summary>When the device's encoder writes a column about its level, and what that is worth.</summary>
public sealed class LevelColumnTests
{
    /// <summary>Rows of <see cref="Noise"/> after which the next block is written about the level.</summary>
    internal const int Lesson = 200;

    private const int LevelKind = 3;
    private const int BlockRows = 200;

    /// <summary>Readings of a sensor that stands: a level of 1,000, an error of +-60, from a fixed seed.</summary>
    internal static long[] Noise(int rows)
    {
        Random random = new(20261123);
        return [.. Enumerable.Range(0, rows).Select(_ => 1000L + random.Next(-20, 21) + random.Next(-20, 21) + random.Next(-20, 21))];
    }

    [Fact]
    public void Pack_NoiseAboutALevel_IsWrittenSoFromTheSecondBlockOnAndTakesLess()
    {
        Series series = Series.OfIntegers(Noise(5 * BlockRows));
        List<byte[]> blocks = series.Pack(BlockRows);
        series.AssertEqualTo(blocks);
        Assert.Equal([0, LevelKind, LevelKind, LevelKind, LevelKind], blocks.Select(KindOf));
        Assert.All(blocks[1..], block => Assert.InRange(block.Length, 1, 0.9 * blocks[0].Length));
    }

    public static TheoryData<string> AfterNoise => ["stands", "ramp", "jumps there and back", "heart rate"];

    [Theory]
    [MemberData(nameof(AfterNoise))]
    public void Pack_NoiseThatEnds_IsWrittenAsDifferencesAgain(string what)
    {
        Series series = Series.OfIntegers([.. Noise(BlockRows), .. Quiet(what, 3 * BlockRows)]);
        List<byte[]> blocks = series.Pack(BlockRows);
        series.AssertEqualTo(blocks);
        Assert.Equal([0, LevelKind, 0, 0], blocks.Select(KindOf));
    }

    [Theory]
    [MemberData(nameof(AfterNoise))]
    public void Pack_WhatDifferencesTellBetter_IsNeverWrittenAboutALevel(string what) =>
        Assert.All(Series.OfIntegers(Quiet(what, 10 * BlockRows)).Pack(BlockRows), block => Assert.Equal(0, KindOf(block)));

    [Fact]
    public void Pack_LevelThatDoesNotFit32BitsEightfold_StaysWithDifferences()
    {
        Series series = Series.OfIntegers([.. Noise(3 * BlockRows).Select(value => value + (1 << 28))]);
        List<byte[]> blocks = series.Pack(BlockRows);
        series.AssertEqualTo(blocks);
        Assert.All(blocks, block => Assert.Equal(0, KindOf(block)));
    }

    [Fact]
    public void Reset_NoisyBlock_StillTeachesTheNext()
    {
        BlockEncoder encoder = new([1], [0], BlockRows, 10_000);
        long[] noise = Noise(BlockRows);
        for (int row = 0; row < BlockRows; row++)
        {
            encoder.Set(0, (int)noise[row]);
            encoder.TryAddRow(row * 1000L, 0);
        }

        encoder.Reset();
        encoder.TryAddRow(BlockRows * 1000L, 0);
        byte[] block = new byte[encoder.Complete()];
        encoder.Finish(block, 0, block.Length);
        Assert.Equal(LevelKind, KindOf(block));
    }

    // What makes up the recorded sets: long rests, slow drift, a cadence that stops and goes on, small steps up and down.
    private static long[] Quiet(string what, int rows)
    {
        Random random = new(7);
        long walk = 70;
        return [.. Enumerable.Range(0, rows).Select(row => what switch
        {
            "stands" => 1000L,
            "ramp" => 1000 + (2L * row),
            "jumps there and back" => (row / 9 % 2 * 84) + (row / 40 % 2),
            _ => walk += random.Next(-1, 2) * random.Next(2),
        })];
    }

    private static int KindOf(byte[] block)
    {
        Assert.Equal(RefusalReason.None, BlockLayout.Read(block, out BlockLayout? layout));
        return layout!.Columns[0].Kind;
    }
}
