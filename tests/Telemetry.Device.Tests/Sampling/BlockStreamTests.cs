using Telemetry.Device.Sampling;

namespace Telemetry.Device.Tests.Sampling;

public sealed class BlockStreamTests
{
    private const int LeastWindow = 25;

    [Theory]
    [InlineData(BlockEncoder.KindInteger, 1)]
    [InlineData(BlockEncoder.KindInteger, 8)]
    [InlineData(BlockEncoder.KindWide, 3)]
    [InlineData(BlockEncoder.KindReal, 2)]
    public void Read_ThroughAnyWindow_GivesTheBytesOfFinish(byte kind, int columns)
    {
        byte[] kinds = new byte[columns];
        Array.Fill(kinds, kind);
        BlockEncoder encoder = new([.. Enumerable.Range(1, columns)], kinds, BlockEncoder.MaxRows, 4096);
        Random random = new(columns);
        long time = 1_000;
        for (bool isOpen = true; isOpen; time += random.Next(4) == 0 ? random.Next(5_000) : 1_000)
        {
            for (int column = 0; column < columns; column++) encoder.SetWide(column, random.NextInt64() >> random.Next(20, 64));
            isOpen = encoder.TryAddRow(time, random.Next(20) == 0 ? 1 : 0);
        }

        int bytes = encoder.Complete();
        byte[][] streamed = [.. Enumerable.Range(LeastWindow, 60).Select(window => ReadAll(encoder, window))];
        byte[] whole = new byte[bytes];
        Assert.Equal(bytes, encoder.Finish(whole, 0, bytes));
        Assert.All(streamed, block => Assert.Equal(whole, block));
    }

    [Fact]
    public void TryAddRow_PoolSharedByTwo_NeitherTakesWhatTheOtherNeedsToClose()
    {
        BlockPool pool = new(BlockEncoder.LeastBufferBytes(2));
        BlockEncoder[] encoders =
        [
            new(1, hasWide: false, BlockEncoder.MaxRows, pool),
            new(1, hasWide: true, BlockEncoder.MaxRows, pool),
        ];
        encoders[0].AddColumn(0, 1, BlockEncoder.KindInteger, 0);
        encoders[1].AddColumn(0, 2, BlockEncoder.KindReal, 0);
        Random random = new(1);
        int added = 0;
        for (int round = 0; round < 500; round++)
        {
            for (bool fits = true; fits;)
            {
                int turn = random.Next(2);
                encoders[turn].SetWide(0, random.NextInt64() >> random.Next(64));
                fits = encoders[turn].TryAddRow(1_000 * added, random.Next(8));
                if (fits) added++;
            }

            int rows = encoders.Sum(encoder => encoder.RowCount);
            Assert.True(rows > 1);
            foreach (BlockEncoder encoder in encoders) Assert.Equal(encoder.Complete(), ReadAll(encoder, 64).Length);
            foreach (BlockEncoder encoder in encoders) encoder.Reset();
            Assert.Equal(pool.Capacity, pool.FreeChunks);
        }
    }

    private static byte[] ReadAll(BlockEncoder encoder, int window)
    {
        byte[] buffer = new byte[window];
        List<byte> read = [];
        encoder.Rewind();
        for (int count = encoder.Read(buffer, 0, window); count > 0; count = encoder.Read(buffer, 0, window)) read.AddRange(buffer.AsSpan(0, count));
        return [.. read];
    }
}
