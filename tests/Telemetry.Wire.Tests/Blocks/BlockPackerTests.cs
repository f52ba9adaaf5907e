using System.Buffers;
using Telemetry.Device.Sampling;
using Telemetry.Testing;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.Tests.Vectors;

namespace Telemetry.Wire.Tests.Blocks;

/// <summary>The collector's packer against the device's encoder: two programs from one page, the same bytes.</summary>
public sealed class BlockPackerTests
{
    private const int StepsInSecondsFlag = 0x20;
    private const int VersionMask = 7;
    private const int LevelVersion = 3;

    private readonly BlockPacker _packer = new();
    private readonly BlockDecoder _decoder = new();

    public static TheoryData<string> GoodBlocks =>
    [
        .. VectorCatalog.All
            .Where(vector => vector.Type == "block" && !vector.Name.StartsWith("bad-", StringComparison.Ordinal) && !vector.Name.StartsWith(VectorCatalog.ForeignPrefix, StringComparison.Ordinal))
            .Select(vector => vector.Name),
    ];

    [Theory]
    [MemberData(nameof(GoodBlocks))]
    public void Pack_RowsOfAVector_GivesItsBytes(string name)
    {
        byte[] block = VectorCatalog.All.Single(vector => vector.Name == name).Bytes;
        Assert.Equal(block, Repacked(block));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 5)]
    [InlineData(3, 300)]
    [InlineData(4, 70_000)]
    [InlineData(5, int.MaxValue)]
    public void Pack_RandomSeries_GivesTheDevicesBytes(int seed, int spread)
    {
        Random random = new(seed);
        int levels = 0;
        for (int i = 0; i < 200; i++)
        {
            foreach (byte[] block in RandomSeries(random, spread).Pack(maxRows: random.Next(1, 700)))
            {
                if ((block[0] & VersionMask) == LevelVersion) levels++;
                Assert.Equal(block, Repacked(block));
            }
        }

        Assert.True(levels > 0, "Columns about a level are among them.");
    }

    [Fact]
    public void Pack_Again_AllocatesNothingOfItsOwn()
    {
        RowBuffer rows = new([1, 2], [BlockPacker.NarrowKind, BlockPacker.RealKind]);
        for (int i = 0; i < 4096; i++) rows.Add(i * 1000L, 1, i % 7, BitConverter.DoubleToInt64Bits(i * 0.1));
        ArrayBufferWriter<byte> output = new(200_000);
        _packer.Pack(output, rows, 0, 4096, stepsInSeconds: true);
        Assert.Equal(0, Allocation.LeastBytes(() =>
        {
            output.ResetWrittenCount();
            _packer.Pack(output, rows, 0, 4096, stepsInSeconds: true);
        }));
    }

    private byte[] Repacked(byte[] block)
    {
        Assert.Equal(RefusalReason.None, _decoder.Decode(block, isPlain: false));
        Assert.Equal(RefusalReason.None, BlockLayout.Read(block, out BlockLayout? layout));
        RowBuffer rows = new([.. layout!.Columns.Select(column => column.SignalId)], [.. layout.Columns.Select(column => (byte)column.Kind)]);
        rows.Add(_decoder);
        ArrayBufferWriter<byte> output = new();
        int bytes = _packer.Pack(output, rows, 0, rows.RowCount, (block[0] & StepsInSecondsFlag) != 0);
        Assert.Equal(bytes, output.WrittenCount);
        return output.WrittenSpan.ToArray();
    }

    // Walks, plateaus, jumps there and back, noise, and noise about a level; steps in s or ms, now and then irregular; all three kinds.
    private static Series RandomSeries(Random random, int spread)
    {
        int rows = random.Next(1, 1200);
        byte[] kinds = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => (byte)random.Next(3))];
        int[] signals = [.. kinds.Select((_, i) => 1 + i + (random.Next(2) * i * 10)).Order()];
        for (int i = 1; i < signals.Length; i++) signals[i] = Math.Max(signals[i], signals[i - 1] + 1);
        long time = random.Next(2) == 0 ? random.Next(100_000) * 1000L : random.NextInt64(1L << 40);
        int unit = random.Next(2) == 0 ? 1000 : 1;
        int usual = random.Next(1, 100) * unit;
        long[] times = new long[rows];
        byte[] quality = new byte[rows];
        for (int row = 0; row < rows; row++)
        {
            times[row] = time;
            time += random.Next(15) == 0 ? random.Next(200) * unit : usual;
            quality[row] = row == 0 || random.Next(40) == 0 ? (byte)random.Next(8) : quality[row - 1];
        }

        return new Series(times, quality, signals, kinds, [.. kinds.Select(kind => RandomColumn(random, rows, spread, kind))]);
    }

    private static long[] RandomColumn(Random random, int rows, int spread, byte kind)
    {
        long[] values = new long[rows];
        long value = random.Next(-1000, 1000), other = random.Next(spread);
        int style = random.Next(5);
        for (int row = 0; row < rows; row++)
        {
            if (style == 4) value = other + random.NextInt64(spread + 20L);
            else if (style == 3 || random.Next(style == 0 ? 30 : 3) == 0) value = random.Next(6) == 0 ? other + random.Next(3) : value + random.NextInt64(-spread, spread + 1L);
            if (style != 4 && random.Next(25) == 0) (value, other) = (other, value);
            values[row] = kind switch { BlockEncoder.KindInteger => (int)value, BlockEncoder.KindWide => value * (random.Next(50) == 0 ? 1L << 33 : 1), _ => BitConverter.DoubleToInt64Bits(value * 0.25) };
        }

        return values;
    }
}
