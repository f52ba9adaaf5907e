using System.Buffers;
using Telemetry.Log.Rewriting.Coding;

namespace Telemetry.Log.Tests.Rewriting;

/// <summary>Columns of a long run come back to the last bit, and take about what is in them.</summary>
public sealed class ColumnCodingTests
{
    private readonly ColumnReader _reader = new();

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
        AssertRealsComeBack([.. values.Select(BitConverter.DoubleToInt64Bits)]);
    }

    [Fact]
    public void Read_ColumnsAndNumbersInTurn_AreEqual()
    {
        ColumnWriter writer = new();
        writer.WriteNumber(-1, 64);
        writer.WriteIntegers([1, 2, 3]);
        writer.WriteNumber(4_095, 12);
        writer.WriteIntegers([3, 2, 1]);

        Assert.True(_reader.TryOpen(End(writer)));
        long[] first = new long[3], second = new long[3];
        Assert.Equal(-1, _reader.ReadNumber(64));
        Assert.True(_reader.TryReadIntegers(first));
        Assert.Equal(4_095, _reader.ReadNumber(12));
        Assert.True(_reader.TryReadIntegers(second));
        Assert.True(_reader.IsWhole);
        Assert.Equal([1, 2, 3, 3, 2, 1], first.Concat(second));
    }

    // The format: another writer of the same column need not write these bytes, but this one must go on reading them.
    [Fact]
    public void Read_KnownBytes_AreWhatTheyWere()
    {
        long[] values = [60, 61, 61, 61, 61, 60, 60, 59, 120, 60, 61, 0, 0, 0, 0, 0, 0, 80, 80, 83], read = new long[values.Length];
        byte[] stream = Convert.FromHexString("060000001DF0802F5E00E5624E6395430200070F6A0035F03F000CB213BF");

        Assert.Equal(Convert.ToHexString(stream), Convert.ToHexString(Written(values)));
        Assert.True(IsReadWhole(stream, read));
        Assert.Equal(values, read);
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
    public void Write_FewChanges_TakesLittleMoreThanTheirPlaces()
    {
        Random random = new(3);
        long[] values = new long[250_000];
        for (int row = 1; row < values.Length; row++) values[row] = values[row - 1] + (random.Next(500) == 0 ? 1 : 0);

        // Each of 500 changes at one of 500 places: log2 500 + log2 e = 10.4 bits.
        AssertComesBack(values);
        Assert.InRange(Written(values).Length * 8.0 / values[^1], 10.2, 11.5);
    }

    [Fact]
    public void Read_EveryLength_IsEqual()
    {
        Random random = new(4);
        for (int rows = 0; rows <= 80; rows++)
        {
            AssertComesBack([.. Enumerable.Range(0, rows).Select(_ => (long)random.Next(2))]);
            AssertComesBack([.. Enumerable.Range(0, rows).Select(_ => random.NextInt64())]);
            AssertComesBack([.. Enumerable.Range(0, rows).Select(row => row / 30L)]);
            AssertComesBack([.. Enumerable.Range(0, rows).Select(_ => 100L + random.Next(4) + random.Next(4))]);
            AssertRealsComeBack([.. Enumerable.Range(0, rows).Select(_ => BitConverter.DoubleToInt64Bits(random.Next(50) / 10.0))]);
        }
    }

    [Fact]
    public void Read_ManyContexts_IsEqual()
    {
        Random random = new(5);
        long level = 70;
        long[] values = new long[30_000];
        for (int row = 0; row < values.Length; row++)
        {
            int calm = row / 5_000; // livelier, then with jumps to 0 and back
            level += random.Next(10) < calm ? random.Next(-calm, calm + 1) : 0;
            values[row] = calm >= 4 && random.Next(6) == 0 ? 0 : level;
        }

        AssertComesBack(values);
    }

    [Fact]
    public void Read_EveryCut_IsNotWhole()
    {
        byte[] stream = Written(Lively());
        for (int length = 0; length < stream.Length; length++) Assert.False(IsReadWhole(stream[..length], new long[Rows]));
    }

    [Fact]
    public void Read_EveryFlippedBitOfItsSymbols_IsNotWhole()
    {
        byte[] stream = Written(Lively());
        int plain = BitConverter.ToInt32(stream);
        for (int bit = 8 * (sizeof(int) + plain); bit < 8 * stream.Length; bit++)
        {
            byte[] bad = [.. stream];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(IsReadWhole(bad, new long[Rows]));
        }
    }

    // Plain bits have no redundancy: of a run, its checksum tells.
    [Fact]
    public void Read_DamagedStreams_NeverThrow()
    {
        Random random = new(9);
        byte[] stream = Written(Lively());
        long[] read = new long[Rows];
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bad = [.. stream];
            for (int flips = random.Next(1, 8); flips > 0; flips--) bad[random.Next(i % 2 == 0 ? 60 : bad.Length)] ^= (byte)(1 << random.Next(8));
            if (i % 10 == 0) random.NextBytes(bad);
            if (i % 20 == 0) BitConverter.TryWriteBytes(bad, random.Next(bad.Length));
            IsReadWhole(bad, read);
            if (_reader.TryOpen(bad)) _reader.TryReadReals(read);
        }
    }

    private const int Rows = 700;

    private static long[] Lively()
    {
        Random random = new(6);
        return [.. Enumerable.Range(0, Rows).Select(row => (long)random.Next(row < 400 ? 4 : 4_000))];
    }

    private bool IsReadWhole(byte[] stream, long[] to) => _reader.TryOpen(stream) && _reader.TryReadIntegers(to) && _reader.IsWhole;

    private void AssertComesBack(long[] values)
    {
        long[] read = new long[values.Length];
        Assert.True(IsReadWhole(Written(values), read));
        Assert.Equal(values, read);
    }

    private void AssertRealsComeBack(long[] bits)
    {
        long[] read = new long[bits.Length];
        ColumnWriter writer = new();
        writer.WriteReals(bits);
        Assert.True(_reader.TryOpen(End(writer)) && _reader.TryReadReals(read) && _reader.IsWhole);
        Assert.Equal(bits, read);
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
