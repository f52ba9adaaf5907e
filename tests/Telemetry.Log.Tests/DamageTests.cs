namespace Telemetry.Log.Tests;

/// <summary>
/// Promise 10: one rotted byte costs at most the record it is in, and a start always succeeds. 10,000 flips and more by
/// <c>TELEMETRY_BYTE_FLIPS=10000 dotnet test tests/Telemetry.Log.Tests --filter DamageTests</c>.
/// </summary>
public sealed class DamageTests : LogTestBase
{
    private const int Records = 60;

    private static int Flips => int.TryParse(Environment.GetEnvironmentVariable("TELEMETRY_BYTE_FLIPS"), out int flips) ? flips : 400;

    [Theory]
    [InlineData(11, true)]
    [InlineData(12, false)]
    public void Flip_AnyByteOfASegment_CostsAtMostThatRecordAndIsReported(int seed, bool isClosed)
    {
        Random random = new(seed);
        SimulatedDisk disk = new(random);
        List<(long Start, long End)> records = WriteRecords(disk, random, isClosed);
        const string Segment = "0000000000000000.seg";
        for (int flip = 0; flip < Flips / 2; flip++)
        {
            int at = random.Next((int)records[^1].End);
            byte bit = (byte)(1 << random.Next(8));
            disk.Contents(Segment)[at] ^= bit;

            using (BlockLog log = Open(disk))
            {
                List<int> read = ReadAll(log);
                int hit = records.FindIndex(record => record.Start <= at && at < record.End);
                List<int> intact = [.. Enumerable.Range(0, Records).Where(number => number != hit)];
                Assert.True(read.SequenceEqual(intact) || (hit >= 0 && read.SequenceEqual(Enumerable.Range(0, Records))), $"seed {seed} flip {flip} at {at}: {read.Count} read");
                bool isLost = read.Count < Records;
                Assert.Equal(isLost, log.Recovery.DamagedBytes > 0);
                Append(log, Records);
                Assert.True(log.FlushPending());
                Assert.Equal([.. read, Records], ReadAll(log));
            }

            disk.Delete("0000000000100000.seg");
            Restore(disk, Segment, records[^1].End, at, bit);
        }
    }

    [Fact]
    public void Flip_InASealedSegment_ReaderPassesOverItAndCountsIt()
    {
        SimulatedDisk disk = new(new Random(1));
        using BlockLog log = Open(disk);
        for (int i = 0; i < 300; i++)
        {
            Append(log, i, length: 10_000);
            log.FlushPending();
        }

        disk.Contents("0000000000000000.seg")[500_000] ^= 4;
        using LogReader reader = log.OpenReader();
        int count = 0;
        while (reader.TryRead(out _)) count++;
        Assert.Equal(299, count);
        Assert.InRange(reader.DamagedBytes, 10_000, 10_040);
    }

    [Fact]
    public void Damage_PayloadHoldsARecordsImage_IsNotTakenForOne()
    {
        SimulatedDisk disk = new(new Random(1));
        using BlockLog log = Open(disk);
        Append(log, 1);
        log.FlushPending();

        // A peer that knew the format, but not the segment's secret seed, puts a record of another device into its payload.
        byte[] image = disk.Contents("0000000000000000.seg").Slice(128, 128).ToArray();
        byte[] hostile = new byte[1_024];
        image.CopyTo(hostile, 512);
        Assert.True(log.TryAppend(LogRecordKind.Batch, 0, 2, 1, hostile, out long position));
        Append(log, 3);
        log.FlushPending();
        disk.Contents("0000000000000000.seg")[(int)position + 4] ^= 1;
        Assert.Equal([1, 3], ReadAll(log));
    }

    [Fact]
    public void Open_BothHeadersRotted_KeepsTheFileReportsItAndGoesOn()
    {
        SimulatedDisk disk = new(new Random(1));
        using (BlockLog log = Open(disk))
        {
            Append(log, 1);
            log.FlushPending();
        }

        disk.Contents("0000000000000000.seg")[3] ^= 1;
        disk.Contents("0000000000000000.seg")[70] ^= 1;
        using BlockLog again = Open(disk);
        Assert.Equal(["0000000000000000.seg"], again.Recovery.UnreadableSegments);
        Append(again, 2);
        again.FlushPending();
        Assert.Equal([2], ReadAll(again));
        Assert.Contains("0000000000000000.seg", disk.ListFiles());
    }

    [Fact]
    public void Open_TornEnd_WritesOnInAFreshSegment()
    {
        SimulatedDisk disk = new(new Random(1));
        using (BlockLog log = Open(disk))
        {
            for (int i = 0; i < 3; i++) Append(log, i);
            log.FlushPending();
        }

        disk.Contents("0000000000000000.seg")[^20] ^= 1;
        using BlockLog again = Open(disk);
        Append(again, 7);
        again.FlushPending();
        Assert.Equal([0, 1, 7], ReadAll(again));
        Assert.Equal(2, again.Segments.Length);
        Assert.InRange(again.Recovery.DamagedBytes, 1, 200);
    }

    private static List<(long Start, long End)> WriteRecords(SimulatedDisk disk, Random random, bool isClosed)
    {
        List<(long, long)> records = [];
        BlockLog log = Open(disk);
        for (int i = 0; i < Records; i++)
        {
            long position = Append(log, i, length: random.Next(4, 700));
            records.Add((position, log.NextPosition));
        }

        log.FlushPending();
        if (isClosed) log.Dispose();
        else disk.KillProcess();
        return records;
    }

    // Puts the file back as it was before the flip and before the log wrote on.
    private static void Restore(SimulatedDisk disk, string segment, long end, int at, byte bit)
    {
        disk.Contents(segment)[at] ^= bit;
        disk.Contents(segment)[(int)end..].Clear();
    }
}
