using Telemetry.Log.Rewriting;

namespace Telemetry.Log.Tests.Rewriting;

/// <summary>Columns coded against their running level come back to the last digit.</summary>
public sealed class SmoothColumnTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 3)]
    [InlineData(3, 1_000)]
    [InlineData(4, 1L << 20)]
    [InlineData(5, 1L << 49)]
    public void Read_WhatWasWritten_IsEqual(int seed, long spread)
    {
        Random random = new(seed);
        for (int i = 0; i < 200; i++)
        {
            long level = random.NextInt64(-spread - 1, spread + 1) / 2;
            long[] values = [.. Enumerable.Range(0, random.Next(1, 700)).Select(_ => level + random.NextInt64(-(spread / 2) - 1, (spread / 2) + 1) + (random.Next(300) == 0 ? spread / 3 : 0))];
            byte[] stream = new byte[SmoothColumn.MaxBytes(values.Length)];
            int bytes = SmoothColumn.Write(values, stream);
            long[] read = new long[values.Length];
            Assert.True(SmoothColumn.TryRead(stream.AsSpan(0, bytes), read));
            Assert.Equal(values, read);
        }
    }

    [Fact]
    public void Write_NoiseAroundALevel_TakesLittleMoreThanItsEntropy()
    {
        Random random = new(1);
        long[] values = [.. Enumerable.Range(0, 4096).Select(_ => 1_000 + (long)Enumerable.Range(0, 12).Sum(_ => random.Next(-20, 21)))];
        byte[] stream = new byte[SmoothColumn.MaxBytes(values.Length)];

        // Twelve uniform numbers of standard deviation 11.8 make a normal one of 41: entropy 2.05 + log2 41 = 7.4 bits.
        Assert.InRange(SmoothColumn.Write(values, stream) * 8.0 / values.Length, 7.3, 7.75);
    }

    [Fact]
    public void Write_ValueTooFar_SaysNo() => Assert.Equal(0, SmoothColumn.Write([1, 1L << 60], new byte[SmoothColumn.MaxBytes(2)]));

    [Fact]
    public void Read_RandomBytes_NeverThrows()
    {
        Random random = new(9);
        long[] rows = new long[300];
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = new byte[random.Next(60)];
            random.NextBytes(bytes);
            SmoothColumn.TryRead(bytes, rows);
        }
    }
}
