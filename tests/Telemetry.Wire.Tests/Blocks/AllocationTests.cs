using Telemetry.Device.Sampling;
using Telemetry.Testing;
using Telemetry.Wire.Blocks;

namespace Telemetry.Wire.Tests.Blocks;

public sealed class AllocationTests
{
    private const int Rows = 600;
    private const int Passes = 20;

    [Fact]
    public void PackAndUnpack_OnceWarm_AllocateNothing()
    {
        BlockEncoder encoder = new([1, 2, 3], [BlockEncoder.KindInteger, BlockEncoder.KindWide, BlockEncoder.KindReal], Rows, 32 * 1024);
        BlockDecoder decoder = new();
        byte[] output = new byte[32 * 1024];
        Assert.Equal(Rows, RoundTrip(encoder, decoder, output));
        bool isWhole = true;
        Assert.Equal(0, Allocation.LeastBytes(() =>
        {
            for (int pass = 0; pass < Passes; pass++) isWhole &= RoundTrip(encoder, decoder, output) == Rows;
        }));
        Assert.True(isWhole);
    }

    // An irregular timeline with steady stretches, a changing mask and a column of each kind.
    private static int RoundTrip(BlockEncoder encoder, BlockDecoder decoder, byte[] output)
    {
        for (int row = 0; row < Rows; row++)
        {
            encoder.Set(0, row * row % 37);
            encoder.SetWide(1, (long)(row / 10) << 40);
            encoder.SetReal(2, row / 5 * 0.1);
            if (!encoder.TryAddRow((row + (row / 100 * 7)) * 1000L, row / 50 & BlockEncoder.MaxQuality)) return -1;
        }

        int bytes = encoder.Finish(output, 0, output.Length);
        return decoder.Decode(output.AsSpan(0, bytes)) == DecodeStatus.Done && decoder.TimesMs[^1] == (Rows - 1 + 35) * 1000L ? decoder.RowCount : -1;
    }
}
