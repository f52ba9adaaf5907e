using Telemetry.Device.Sampling;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Wire.Tests.Blocks;

public sealed class BlockRoundTripTests
{
    public static TheoryData<string, long[]> Shapes => new()
    {
        { "one row", [72] },
        { "constant", Enumerable.Repeat(72L, 600).ToArray() },
        { "ramp", Enumerable.Range(0, 600).Select(i => (long)i).ToArray() },
        { "alternating", Enumerable.Range(0, 600).Select(i => (long)(i & 1)).ToArray() },
        { "spikes", Enumerable.Range(0, 600).Select(i => i % 50 == 0 ? 100_000L : 3).ToArray() },
        { "extremes", Enumerable.Range(0, 100).Select(i => i % 3 == 0 ? int.MinValue : (long)int.MaxValue).ToArray() },
        { "full block", Enumerable.Range(0, 4096).Select(i => (long)(i * i % 37)).ToArray() },
        { "two blocks", Enumerable.Range(0, 4097).Select(i => (long)(i * i % 1001)).ToArray() },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Pack_IntegerShape_ComesBackEqual(string shape, long[] values)
    {
        Assert.NotEmpty(shape);
        Series series = Series.OfIntegers(values);
        series.AssertEqualTo(series.Pack());
    }

    [Fact]
    public void Pack_WideExtremes_ComeBackEqual()
    {
        Series series = Series.OfIntegers(long.MinValue, long.MaxValue, 0, 0, 1, -1, long.MinValue, 5, 5) with { Kinds = [BlockEncoder.KindWide] };
        series.AssertEqualTo(series.Pack());
    }

    [Fact]
    public void Pack_RealSpecials_KeepEveryBit()
    {
        double[] reals = [0, -0.0, 1, 1.5, double.NaN, double.NegativeInfinity, double.PositiveInfinity, double.Epsilon, double.MaxValue, 36.6, 36.6, 36.7];
        Series series = Series.OfIntegers(reals.Select(BitConverter.DoubleToInt64Bits).ToArray()) with { Kinds = [BlockEncoder.KindReal] };
        series.AssertEqualTo(series.Pack());
    }

    [Fact]
    public void Pack_IrregularTimesAndQuality_ComeBackEqual()
    {
        Random random = new(7);
        long time = 1_000_000_000;
        long[] times = Enumerable.Range(0, 500).Select(_ => time += random.Next(3) * 5000).ToArray();
        times[499] = times[498] + int.MaxValue;
        byte[] quality = Enumerable.Range(0, 500).Select(i => (byte)(i / 100)).ToArray();
        long[][] columns = [Enumerable.Range(0, 500).Select(_ => (long)random.Next(60, 90)).ToArray(), new long[500]];
        Series series = new(times, quality, [3, 900], [0, 0], columns);
        series.AssertEqualTo(series.Pack());
    }

    [Fact]
    public void TryAddRow_BufferSmall_ClosesBlocksEarlyAndLosesNothing()
    {
        Random random = new(11);
        Series series = Series.OfIntegers(Enumerable.Range(0, 2000).Select(_ => (long)random.Next()).ToArray());
        List<byte[]> blocks = series.Pack(bufferBytes: BlockEncoder.LeastBufferBytes(1));
        Assert.True(blocks.Count > 10);
        series.AssertEqualTo(blocks);
    }

    [Fact]
    public void TryAddRow_StepBackOrTooFar_SaysNoAndKeepsBlock()
    {
        BlockEncoder encoder = new([1], [0], 10, 1000);
        Assert.True(encoder.TryAddRow(5000, 0));
        Assert.False(encoder.TryAddRow(4999, 0));
        Assert.False(encoder.TryAddRow(5000L + int.MaxValue + 1, 0));
        Assert.True(encoder.TryAddRow(5000, 0));
        Assert.Equal(2, encoder.RowCount);
    }

    [Fact]
    public void Finish_CapacityTooSmall_WritesNothingAndKeepsBlock()
    {
        BlockEncoder encoder = new([1], [0], 10, 1000);
        encoder.TryAddRow(0, 0);
        int bytes = encoder.Complete();
        byte[] output = new byte[bytes];
        Assert.Equal(0, encoder.Finish(output, 0, bytes - 1));
        Assert.All(output, b => Assert.Equal(0, b));
        Assert.Equal(bytes, encoder.Finish(output, 0, bytes));
    }

    [Fact]
    public void Decode_RandomBytes_NeverThrows()
    {
        BlockDecoder decoder = new();
        Random random = new(3);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = new byte[random.Next(0, 40)];
            random.NextBytes(bytes);
            if (bytes.Length > 0) bytes[0] &= 0x19;
            DecodeStatus status = decoder.Decode(bytes);
            Assert.True(status is DecodeStatus.Done or DecodeStatus.Malformed);
            Assert.InRange(decoder.RowCount, 0, WireLimits.MaxBlockRows);
            int rows = decoder.RowCount;
            bool hasTimes = decoder.DecodeTimes(bytes, isPlain: false, out int columns) == RefusalReason.None;
            Assert.True(status == DecodeStatus.Done ? hasTimes && decoder.RowCount == rows : hasTimes == columns > 0, "a block that can be decoded has times");
        }
    }
}
