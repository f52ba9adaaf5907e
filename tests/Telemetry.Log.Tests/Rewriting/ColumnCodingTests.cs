using System.Buffers;
using Telemetry.Log.Rewriting.Coding;

namespace Telemetry.Log.Tests.Rewriting;

/// <summary>Columns of a long run come back to the last bit, and take about what is in them.</summary>
public sealed class ColumnCodingTests
{
    private readonly SymbolModels _models = ColumnReader.NewModels();

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 3)]
    [InlineData(3, 1_000)]
    [InlineData(4, 1L << 20)]
    [InlineData(5, 1L << 49)]
    [InlineData(6, long.MaxValue - 1)]
    public void Read_NoiseLevelsAndRuns_IsEqual(int seed, long spread)
    {
        Random random = new(seed);
        for (int i = 0; i < 100; i++)
        {
            long level = random.NextInt64(-spread - 1, spread + 1) / 2;
            long[] values = new long[random.Next(700)];
            for (int row = 0; row < values.Length; row++)
            {
                bool isRun = random.Next(30) == 0;
                long value = random.Next(40) == 0 ? level : level + random.NextInt64(-(spread / 2) - 1, (spread / 2) + 1);
                for (int end = isRun ? Math.Min(values.Length, row + random.Next(1, 60)) : row + 1; row < end; row++) values[row] = value;
                row--;
            }

            AssertComesBack(values);
        }
    }

    [Fact]
    public void Read_EverySymbolAndLimit_IsEqual()
    {
        AssertComesBack([]);
        AssertComesBack([long.MinValue]);
        AssertComesBack([long.MinValue, long.MaxValue, 0, -1, 1, long.MinValue, 5, 5, 5, 5, 5, long.MaxValue, long.MaxValue]);
        AssertComesBack([80, 0, 80, 0, 82, 0, 79, 0, 142, 0, 143, 0, 74, 80, 86, 80, 75]); // back, nearly back, and just not
        AssertComesBack([.. Enumerable.Repeat(7L, 16_384 + 2), 8, .. Enumerable.Repeat(8L, (2 * 16_384) + 1), 9, .. Enumerable.Repeat(9L, 16_383 + 2)]);
        foreach (int bits in Enumerable.Range(0, 63)) AssertComesBack([0, 1L << bits, 0, -(1L << bits), (1L << bits) - 1, 1]);
    }

    [Fact]
    public void Read_Reals_AreEqual()
    {
        Random random = new(8);
        double[] values = [double.NaN, -0.0, 0.0, double.Epsilon, double.MaxValue, double.NegativeInfinity, 1, 1, 1, .. Enumerable.Range(0, 500).Select(_ => Math.Round(20 + random.NextDouble(), 1))];
        long[] bits = [.. values.Select(BitConverter.DoubleToInt64Bits)], read = new long[bits.Length];
        ColumnWriter writer = new();
        writer.WriteReals(bits);

        ColumnReader reader = new(End(writer), _models);
        Assert.True(reader.TryReadReals(read) && reader.IsWhole);
        Assert.Equal(bits, read);
    }

    [Fact]
    public void Read_ColumnsAndNumbersInTurn_AreEqual()
    {
        ColumnWriter writer = new();
        writer.WriteNumber(-1, 64);
        writer.WriteIntegers([1, 2, 3]);
        writer.WriteNumber(4_095, 12);
        writer.WriteIntegers([3, 2, 1]);

        ColumnReader reader = new(End(writer), _models);
        long[] first = new long[3], second = new long[3];
        Assert.Equal(-1, reader.ReadNumber(64));
        Assert.True(reader.TryReadIntegers(first));
        Assert.Equal(4_095, reader.ReadNumber(12));
        Assert.True(reader.TryReadIntegers(second));
        Assert.True(reader.IsWhole);
        Assert.Equal([1, 2, 3, 3, 2, 1], first.Concat(second));
    }

    // The format: another writer of the same column need not write these bytes, but this one must go on reading them.
    [Fact]
    public void Read_BytesOfTheFirstVersion_AreWhatTheyWere()
    {
        long[] values = [60, 61, 61, 61, 61, 60, 60, 59, 120, 60, 61, 0, 0, 0, 0, 0, 0, 80, 80, 83], read = new long[values.Length];
        byte[] stream = Convert.FromHexString("2700B5ED8053C203A28610107A7220BE0B04E1F2");

        ColumnReader reader = new(stream, _models);
        Assert.True(reader.TryReadIntegers(read) && reader.IsWhole);
        Assert.Equal(values, read);
        Assert.Equal(stream, Written(values));
    }

    [Fact]
    public void Write_NoiseAroundALevel_TakesLittleMoreThanItsEntropy()
    {
        Random random = new(1);
        long[] values = [.. Enumerable.Range(0, 20_000).Select(_ => 1_000 + (long)Enumerable.Range(0, 12).Sum(_ => random.Next(-20, 21)))];

        // Twelve uniform numbers of standard deviation 11.8 make a normal one of 41: entropy 2.05 + log2 41 = 7.4 bits.
        Assert.InRange(Written(values).Length * 8.0 / values.Length, 7.39, 7.5);
    }

    [Fact]
    public void Write_Coins_TakesLittleMoreThanABitEach()
    {
        Random random = new(2);
        Assert.InRange(Written([.. Enumerable.Range(0, 20_000).Select(_ => (long)random.Next(2))]).Length * 8.0 / 20_000, 0.99, 1.15);
    }

    [Fact]
    public void Write_TheSameValue_TakesNextToNothing() => Assert.InRange(Written([.. Enumerable.Repeat(1_000_000L, 100_000)]).Length, 1, 24);

    [Fact]
    public void Read_DamagedStreams_NeverThrowAndAreNotWholeAndRight()
    {
        Random random = new(9);
        long[] values = [.. Enumerable.Range(0, 300).Select(row => (long)random.Next(row < 200 ? 4 : 4_000))], read = new long[values.Length];
        byte[] stream = Written(values);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bad = i % 2 == 0 ? stream[..random.Next(stream.Length)] : [.. stream];
            if (i % 2 != 0) bad[random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
            if (i % 10 == 0) random.NextBytes(bad);
            ColumnReader reader = new(bad, _models);
            Assert.False(reader.TryReadIntegers(read) && reader.IsWhole && read.AsSpan().SequenceEqual(values));
            reader = new ColumnReader(bad, _models);
            reader.TryReadReals(read);
        }
    }

    private void AssertComesBack(long[] values)
    {
        long[] read = new long[values.Length];
        ColumnReader reader = new(Written(values), _models);
        Assert.True(reader.TryReadIntegers(read));
        Assert.True(reader.IsWhole);
        Assert.Equal(values, read);
    }

    private static byte[] Written(long[] values)
    {
        ColumnWriter writer = new();
        writer.WriteIntegers(values);
        return End(writer);
    }

    private static byte[] End(ColumnWriter writer)
    {
        ArrayBufferWriter<byte> output = new();
        writer.End(output);
        return output.WrittenSpan.ToArray();
    }
}
