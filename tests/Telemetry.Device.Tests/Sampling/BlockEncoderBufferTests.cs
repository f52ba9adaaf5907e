using Telemetry.Device.Sampling;

namespace Telemetry.Device.Tests.Sampling;

public sealed class BlockEncoderBufferTests
{
    private const int Rows = 20_000;

    // Whether a row fits is decided before it is packed, by the most that one can cost: were that too little, packing would leave the buffer.
    [Theory]
    [InlineData(BlockEncoder.KindInteger)]
    [InlineData(BlockEncoder.KindWide)]
    [InlineData(BlockEncoder.KindReal)]
    public void TryAddRow_CostliestRowsInTheLeastBuffer_StayInsideIt(byte kind)
    {
        for (int columns = 1; columns <= 8; columns++)
        {
            byte[] kinds = new byte[columns];
            Array.Fill(kinds, kind);
            BlockEncoder encoder = new([.. Enumerable.Range(1, columns)], kinds, BlockEncoder.MaxRows, BlockEncoder.LeastBufferBytes(columns));
            Assert.Equal(Rows, PackCostly(encoder, new Random(columns)));
        }
    }

    private static int PackCostly(BlockEncoder encoder, Random random)
    {
        byte[] output = new byte[64 * 1024];
        long time = 0;
        int packed = 0;
        for (int row = 0; row < Rows; row++)
        {
            // Far jumps of all columns and the timeline at once, at every fill of the words, between stretches that bring the means down.
            bool isCalm = row / 40 % 2 == 0 && random.Next(8) != 0;
            for (int column = 0; column < encoder.ColumnCount; column++)
            {
                encoder.SetWide(column, isCalm ? random.Next(2) : random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64));
            }

            time += isCalm ? 1000 : random.Next(1, int.MaxValue);
            if (time > 1L << 47) time = 0;
            if (!encoder.TryAddRow(time, random.Next(8)))
            {
                int rows = encoder.RowCount;
                Assert.InRange(encoder.Finish(output, 0, output.Length), 1, output.Length);
                packed += rows;
                Assert.True(encoder.TryAddRow(time, 0));
            }
        }

        packed += encoder.RowCount;
        encoder.Finish(output, 0, output.Length);
        return packed;
    }
}
