using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Running;
using Telemetry.Device.Sampling;
using Telemetry.Wire.Blocks;

namespace Telemetry.Bench.Codec;

/// <summary>
/// <c>bench codec-micro</c>: BenchmarkDotNet over one block of three generated columns (a drifting heart rate, a cadence that stops and
/// resumes, a temperature), which needs no data sets. <see cref="CodecBench"/> has the figures on recorded data.
/// </summary>
[MemoryDiagnoser]
public class CodecMicro
{
    private const int Columns = 3;
    private readonly BlockDecoder _decoder = new();
    private readonly byte[] _output = new byte[16 * 1024];
    private BlockEncoder _encoder = null!;
    private int[] _values = [];
    private byte[] _block = [];

    /// <summary>Rows of the block.</summary>
    [Params(60, 600)]
    public int Rows { get; set; }

    internal static int Run(BenchOptions options)
    {
        BenchmarkRunner.Run<CodecMicro>(args: [.. options.Rest]);
        return 0;
    }

    /// <summary>Draws the rows, from a fixed seed.</summary>
    [GlobalSetup]
    public void Setup()
    {
        Random random = new(20261122);
        _values = new int[Rows * Columns];
        int heart = 140, cadence = 84;
        for (int row = 0; row < Rows; row++)
        {
            heart += random.Next(10) < 7 ? 0 : random.Next(-1, 2);
            cadence += random.Next(2) == 0 ? 0 : random.Next(-2, 3);
            _values[row * Columns] = heart;
            _values[(row * Columns) + 1] = row / 25 % 3 == 2 ? 0 : cadence;
            _values[(row * Columns) + 2] = 20 + (row / 200);
        }

        _encoder = new BlockEncoder([1, 2, 3], new byte[Columns], Rows, 16 * 1024);
        _block = _output.AsSpan(0, Encode()).ToArray();
    }

    /// <summary>Packs the rows one by one, as a device does.</summary>
    [Benchmark]
    public int Encode()
    {
        for (int row = 0; row < Rows; row++)
        {
            for (int column = 0; column < Columns; column++) _encoder.Set(column, _values[(row * Columns) + column]);
            _encoder.TryAddRow(row * 1000L, 1);
        }

        return _encoder.Finish(_output, 0, _output.Length);
    }

    /// <summary>Unpacks the block into its columns.</summary>
    [Benchmark]
    public int Decode() => _decoder.Decode(_block) == Wire.DecodeStatus.Done ? _decoder.RowCount : throw new InvalidOperationException("The block does not decode.");
}
