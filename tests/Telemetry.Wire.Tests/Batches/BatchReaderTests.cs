using Google.Protobuf;
using Telemetry.Device.Sampling;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Ingest;
using Telemetry.Wire.V1;

namespace Telemetry.Wire.Tests.Batches;

public sealed class BatchReaderTests
{
    [Fact]
    public void ReadHeader_BatchOfDeviceWriter_AgreesWithProtobuf()
    {
        byte[] batch = Sealed();
        Assert.Equal(DecodeStatus.Done, BatchReader.ReadHeader(batch, out BatchHeader header, out RefusalReason reason));
        Assert.Equal(RefusalReason.None, reason);
        Assert.Equal(new BatchHeader(0xE90C4001, 7, 3, 0xABCD, new ClockReading(1_700_000_000_000, 123_456, 20, 3), 2, 2), header);

        Batch message = Batch.Parser.ParseFrom(batch);
        Assert.Equal(header.Epoch, message.Epoch);
        Assert.Equal(header.Seq, message.Seq);
        Assert.Equal(2, message.Blocks.Count);
        Assert.Equal(LossReason.RingFull, message.Losses[0].Reason);
        Assert.Equal(batch, message.ToByteArray());

        List<LossEntry> losses = [];
        foreach (LossEntry loss in BatchReader.Losses(batch)) losses.Add(loss);
        Assert.Equal([new LossEntry(1, 1, 5), new LossEntry(0, 2, 1000)], losses);
    }

    [Fact]
    public void Blocks_PlainAndPacked_DecodeAlike()
    {
        byte[] packed = Sealed();
        Batch message = Batch.Parser.ParseFrom(packed);
        PlainBlock plain = new() { StartUptimeMs = 1000, PeriodMs = 1000, Rows = 3, Quality = ByteString.CopyFrom(1, 1, 0) };
        plain.Columns.Add(new PlainColumn { Signal = 2, Deltas = { 70, 1, -3 } });
        plain.Columns.Add(new PlainColumn { Signal = 4, Reals = { 1.5, double.NaN, -2 } });
        message.PlainBlocks.Add(plain);
        byte[] batch = Resealed(message);

        BatchDecoder decoder = new();
        Assert.Equal(RefusalReason.None, decoder.Check(batch, out BatchHeader header, out long samples));
        Assert.Equal(3, header.BlockCount);
        Assert.Equal(10 + 10 + 6, samples);
        int block = 0;
        foreach (var columns in decoder.Blocks(batch))
        {
            if (block++ < 2) continue;
            Assert.Equal([1000L, 2000, 3000], columns.TimesMs.ToArray());
            Assert.Equal([70L, 71, 68], columns.Integers(0).ToArray());
            Assert.Equal([1.5, double.NaN, -2], columns.Reals(1).ToArray());
            Assert.Equal([1, 1, 0], columns.Quality.ToArray());
            Assert.True(decoder.TryGetUnixMs(columns.TimesMs[0], out long unix));
            Assert.Equal(1_700_000_000_000 - 123_456 + 1000, unix);
        }

        Assert.Equal(3, block);
    }

    [Fact]
    public void ReadHeader_EveryCutAndEveryBitFlip_IsRefused()
    {
        byte[] batch = Sealed();
        for (int length = 0; length < batch.Length; length++)
            Assert.Equal(DecodeStatus.Malformed, BatchReader.ReadHeader(batch.AsSpan(0, length), out _, out _));
        for (int bit = 0; bit < batch.Length * 8; bit++)
        {
            batch[bit >> 3] ^= (byte)(1 << (bit & 7));
            Assert.Equal(DecodeStatus.Malformed, BatchReader.ReadHeader(batch, out _, out RefusalReason reason));
            Assert.NotEqual(RefusalReason.None, reason);
            batch[bit >> 3] ^= (byte)(1 << (bit & 7));
        }
    }

    [Fact]
    public void ReadHeader_UnknownFieldsBeforeChecksum_AgreesWithProtobuf()
    {
        byte[] batch = Vectors.VectorCatalog.All.Single(vector => vector.Name == "batch-unknown-fields").Bytes;
        Assert.Equal(DecodeStatus.Done, BatchReader.ReadHeader(batch, out BatchHeader header, out _));
        Batch message = Batch.Parser.ParseFrom(batch);
        Assert.Equal((message.Epoch, message.Seq, message.Boot, message.Profile), (header.Epoch, header.Seq, header.Boot, header.ProfileHash));
        Assert.Equal((long)message.Clock.UptimeMs, header.Clock.UptimeMs);
        Assert.Equal(message.Losses.Count, header.LossCount);
        Assert.Equal(message.Blocks.Count + message.PlainBlocks.Count, header.BlockCount);
        Assert.True(message.CalculateSize() == batch.Length, "Protobuf keeps the unknown fields.");
        int block = 0;
        foreach (BlockSlice slice in BatchReader.Blocks(batch))
        {
            if (slice.IsPlain) continue;
            Assert.True(message.Blocks[block++].Span.SequenceEqual(batch.AsSpan(slice.Offset, slice.Length)));
        }

        Assert.Equal(message.Blocks.Count, block);
    }

    [Fact]
    public void ReadHeader_OverMaxBatchBytes_IsTooLarge()
    {
        Assert.Equal(DecodeStatus.Malformed, BatchReader.ReadHeader(new byte[WireLimits.MaxBatchBytes + 1], out _, out RefusalReason reason));
        Assert.Equal(RefusalReason.TooLarge, reason);
    }

    private static byte[] Sealed()
    {
        byte[] buffer = new byte[4096];
        int end = BatchWriter.WriteHead(buffer, 0, 0xE90C4001, 7, 3, 0xABCD, 1_700_000_000_000, 123_456, 20, 3);
        end = BatchWriter.WriteLoss(buffer, end, 1, 1, 5);
        end = BatchWriter.WriteLoss(buffer, end, 0, 2, 1000);
        BlockEncoder encoder = new([2], [0], 60, 1000);
        for (int block = 0; block < 2; block++)
        {
            for (int row = 0; row < 10; row++)
            {
                encoder.Set(0, 70 + (row / 3));
                Assert.True(encoder.TryAddRow(1000 * row, 1));
            }

            end = BatchWriter.WriteBlock(buffer, end, encoder);
        }

        end = BatchWriter.WriteTrailer(buffer, end, Crc32c.Update(0, buffer, 0, end));
        return buffer.AsSpan(0, end).ToArray();
    }

    private static byte[] Resealed(Batch message)
    {
        message.Crc32C = 0;
        byte[] body = message.ToByteArray();
        message.Crc32C = Crc32C.Compute(body);
        return message.Crc32C == 0 ? [.. body, 0x7D, 0, 0, 0, 0] : message.ToByteArray();
    }
}
