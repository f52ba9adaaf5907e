using System.Buffers.Binary;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using static Telemetry.Log.Tests.Rewriting.RecordChecks;

namespace Telemetry.Log.Tests.Rewriting;

/// <summary>Compaction: the files get shorter and nobody else notices.</summary>
public sealed class CompactionTests : LogTestBase
{
    private static readonly DateTimeOffset Always = DateTimeOffset.MaxValue;

    private readonly SimulatedDisk _disk = new(new Random(5));

    [Fact]
    public async Task Compact_MixedBatches_KeepsEveryRecordAndTakesLess()
    {
        using BlockLog log = Open(_disk);
        List<LogRecord> before = await FillAsync(log, devices: 5, batches: 800, rows: 120);

        LogCompaction done = await log.CompactAsync(Always);

        Assert.True(done.Segments >= 1);
        Assert.True(done.BytesAfter < 0.85 * done.BytesBefore, $"{done.BytesBefore} became {done.BytesAfter}");
        AssertSame(before, Records(log));
        foreach (uint device in before.Select(record => record.DeviceKey).Where(key => key != 0).Distinct())
            AssertSame([.. before.Where(record => record.DeviceKey == device)], Records(log, device));
    }

    [Fact]
    public async Task Compact_Again_FindsNothing()
    {
        using BlockLog log = Open(_disk);
        await FillAsync(log, devices: 2, batches: 200, rows: 60);
        await log.CompactAsync(Always);

        Assert.Equal(new LogCompaction(0, 0, 0, 0), await log.CompactAsync(Always));
    }

    [Fact]
    public async Task Compact_SegmentsThatAreTooYoung_StayAsTheyCame()
    {
        using BlockLog log = Open(_disk);
        await FillAsync(log, devices: 2, batches: 200, rows: 60);

        Assert.Equal(0, (await log.CompactAsync(DateTimeOffset.UnixEpoch)).Segments);
    }

    [Fact]
    public async Task Compact_ColumnThatTurnsToItsLevelAndBack_KeepsEveryRecordAndTakesLess()
    {
        using BlockLog log = Open(_disk);
        SealingDevice device = new(1, seed: 1);
        int levels = 0;
        for (int i = 0; i < 300; i++)
        {
            device.IsQuiet = i is < 100 or >= 200;
            byte[] batch = device.Next(60);
            if (HasLevel(batch)) levels++;
            log.TryAppend(LogRecordKind.Batch, 0, device.Key, i, batch, out _);
        }

        await log.SealAsync();
        List<LogRecord> before = Records(log);
        List<string> rows = Rows(log, device.Key);
        LogCompaction done = await log.CompactAsync(Always);

        Assert.InRange(levels, 80, 110);
        Assert.True(done.BytesAfter < 0.7 * done.BytesBefore, $"{done.BytesBefore} became {done.BytesAfter}");
        AssertSame(before, Records(log));
        Assert.Equal(rows, Rows(log, device.Key));

        static bool HasLevel(byte[] batch)
        {
            bool found = false;
            foreach (BlockSlice block in BatchReader.Blocks(batch)) found |= (batch[block.Offset] & 7) == 3;
            return found;
        }
    }

    [Fact]
    public async Task Compact_BatchesOfALaterVersion_StayAsTheyAreAndTheOthersArePacked()
    {
        using BlockLog log = Open(_disk);
        SealingDevice plain = new(1, seed: 1), odd = new(2, seed: 2);
        for (int segment = 0; segment < 2; segment++)
        {
            for (int i = 0; i < 300; i++)
            {
                log.TryAppend(LogRecordKind.Batch, 0, plain.Key, i, plain.Next(60), out _);
                log.TryAppend(LogRecordKind.Batch, 0, odd.Key, i, i % 10 == 3 ? WithFieldOfALaterVersion(odd.Next(60)) : odd.Next(60), out _);
            }

            await log.SealAsync();
            List<LogRecord> before = Records(log);
            LogCompaction done = await log.CompactAsync(Always);

            Assert.Equal(1, done.Segments);
            Assert.True(done.BytesAfter < 0.7 * done.BytesBefore, $"{done.BytesBefore} became {done.BytesAfter}");
            AssertSame(before, Records(log));
        }
    }

    [Fact]
    public async Task Compact_NothingReproducible_GainsNothingAndLeavesTheFile()
    {
        using BlockLog log = Open(_disk);
        for (int i = 0; i < 100; i++) Append(log, i, deviceKey: (uint)i + 1);
        await log.SealAsync();

        Assert.Equal(0, (await log.CompactAsync(Always)).Segments);
        Assert.Equal(Enumerable.Range(0, 100), ReadBatches(log));
    }

    [Fact]
    public async Task Reader_SegmentIsCompactedBeneathIt_GoesOnBehindItsRecord()
    {
        using BlockLog log = Open(_disk);
        List<LogRecord> all = await FillAsync(log, devices: 3, batches: 300, rows: 60);
        using LogReader reader = log.OpenReader();
        List<LogRecord> read = [];
        for (int i = 0; reader.TryRead(out LogRecord record); i++)
        {
            read.Add(record with { Payload = record.Payload.ToArray() });
            if (i == 100) await log.CompactAsync(Always);
        }

        AssertSame(all, read);
        Assert.Equal(0, reader.DamagedBytes);
    }

    [Fact]
    public async Task Reader_OpensAtAnyPosition_SeesTheSameRecords()
    {
        using BlockLog log = Open(_disk);
        List<LogRecord> all = await FillAsync(log, devices: 3, batches: 120, rows: 60);
        await log.CompactAsync(Always);

        foreach (LogRecord from in all)
        {
            using LogReader reader = log.OpenReader(from.Position);
            Assert.True(reader.TryRead(out LogRecord found));
            AssertSame([from], [found]);
        }
    }

    [Fact]
    public async Task Erase_FromACompactedSegment_LeavesTheRestCompacted()
    {
        using BlockLog log = Open(_disk);
        List<LogRecord> all = await FillAsync(log, devices: 4, batches: 400, rows: 60);
        LogCompaction done = await log.CompactAsync(Always);

        LogErasure erased = await log.EraseAsync([2], record => new LogSelection(2, FirstSeq: 20).Selects(record));

        Assert.True(erased.Batches > 50);
        List<LogRecord> left = [.. all.Where(record => !new LogSelection(2, FirstSeq: 20).Selects(record) || record.Kind is not (LogRecordKind.Batch or LogRecordKind.DeadLetter))];
        AssertSame(left, [.. Records(log).Where(record => record.Kind != LogRecordKind.SeqsDropped)]);
        Assert.True(_disk.Contents(_disk.ListFiles().Where(name => name.EndsWith(".seg", StringComparison.Ordinal)).Order().First()).Length < done.BytesAfter);
    }

    [Fact]
    public async Task Inspect_CompactedSegments_FindsEveryRecordSound()
    {
        List<LogRecord> all;
        using (BlockLog log = Open(_disk))
        {
            all = await FillAsync(log, devices: 3, batches: 300, rows: 60);
            await log.CompactAsync(Always);
        }

        List<LogRecord> found = [];
        LogInspection inspection = LogInspector.Inspect(_disk, record => found.Add(record with { Payload = record.Payload.ToArray() }));
        AssertSame(all, found);
        Assert.Equal(0, inspection.DamagedBytes);
    }

    [Fact]
    public async Task RowReader_BeforeAndAfterCompaction_ReadsTheSameRows()
    {
        using BlockLog log = Open(_disk);
        await FillAsync(log, devices: 2, batches: 200, rows: 60);
        List<string> before = Rows(log, 1);

        await log.CompactAsync(Always);

        Assert.True(before.Count > 5_000);
        Assert.Equal(before, Rows(log, 1));
    }

    // Every byte of the compacted file in turn, sampled: what is rotted costs its run, is counted, and nothing wrong is ever read.
    [Fact]
    public async Task Read_RottedByteOfACompactedSegment_CostsItsRunOnly()
    {
        List<LogRecord> all;
        using (BlockLog log = Open(_disk))
        {
            all = await FillAsync(log, devices: 4, batches: 160, rows: 30);
            await log.CompactAsync(Always);
        }

        Dictionary<long, byte[]> byPosition = all.ToDictionary(record => record.Position, record => record.Payload.ToArray());
        string name = _disk.ListFiles().Where(file => file.EndsWith(".seg", StringComparison.Ordinal)).Order().First();
        Random random = new(3);
        for (int i = 0; i < 40; i++)
        {
            int at = random.Next(128, _disk.Contents(name).Length);
            _disk.Contents(name)[at] ^= 0x10;
            List<LogRecord> found = [];
            LogInspection inspection = LogInspector.Inspect(_disk, record => found.Add(record with { Payload = record.Payload.ToArray() }));
            Assert.True(inspection.DamagedBytes > 0 || found.Count == all.Count);
            Assert.True(found.Count >= all.Count / 2);
            Assert.All(found, record => Assert.Equal(byPosition[record.Position], record.Payload.ToArray()));
            _disk.Contents(name)[at] ^= 0x10;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Compact_CutAtEveryWrite_DataIsEqual(bool isKill)
    {
        for (int cut = 0, isDone = 0; isDone == 0; cut++)
        {
            SimulatedDisk disk = new(new Random(cut));
            BlockLog log = Open(disk);
            List<LogRecord> all = await FillAsync(log, devices: 3, batches: 24, rows: 60);
            disk.CutBeforeChange = disk.Changes + cut;
            try
            {
                await log.CompactAsync(Always);
                isDone = 1;
            }
            catch (PowerLostException)
            {
                // The next start finds what stands.
            }

            if (isKill) disk.KillProcess();
            else disk.CutPower();
            using BlockLog reopened = Open(disk);
            AssertSame(all, Records(reopened));
            AssertSame([.. all.Where(record => record.DeviceKey == 2)], Records(reopened, 2));
            await reopened.CompactAsync(Always);
            AssertSame(all, Records(reopened));
            Assert.True(cut < 100, "The compaction never came to its end.");
        }
    }

    [Fact]
    public async Task Compact_DiskRefusesAnyChange_LeavesTheDataAndWorksLater()
    {
        for (int refusedAt = 0; ; refusedAt++)
        {
            SimulatedDisk disk = new(new Random(refusedAt));
            using BlockLog log = Open(disk);
            List<LogRecord> all = await FillAsync(log, devices: 2, batches: 16, rows: 60);
            disk.RefuseAfter = refusedAt;
            IOException? refusal = await Record.ExceptionAsync(() => log.CompactAsync(Always)) as IOException;
            disk.RefuseAfter = int.MaxValue;
            AssertSame(all, Records(log));
            await log.CompactAsync(Always);
            AssertSame(all, Records(log));
            if (refusal is null) return;
        }
    }

    // Packed blocks like the others', and a field that packing again leaves out.
    private static byte[] WithFieldOfALaterVersion(byte[] batch)
    {
        const int Checksum = 1 + sizeof(uint);
        byte[] body = [.. batch.AsSpan(0, batch.Length - Checksum), (13 << 3) | 5, 1, 2, 3, 4];
        byte[] whole = [.. body, batch[^Checksum], 0, 0, 0, 0];
        BitConverter.TryWriteBytes(whole.AsSpan(body.Length + 1), Crc32C.Compute(body));
        return whole;
    }

    // Batches of several devices in turn, now and then a foreign one or a dead letter, and one segment sealed behind them.
    private static async Task<List<LogRecord>> FillAsync(BlockLog log, int devices, int batches, int rows)
    {
        SealingDevice[] all = [.. Enumerable.Range(1, devices).Select(key => new SealingDevice((uint)key, seed: key * 31))];
        Random random = new(17);
        for (int i = 0; i < batches; i++)
        {
            SealingDevice device = all[random.Next(devices)];
            int kind = random.Next(40);
            byte[] payload = kind == 0 ? device.Foreign() : device.Next(rows);
            long received = 1_700_000_000_000 + (i * 60_000) - (kind == 1 ? 5_000_000 : 0) + random.Next(50);
            bool isLetter = kind == 2;
            Assert.True(log.TryAppend(isLetter ? LogRecordKind.DeadLetter : LogRecordKind.Batch, isLetter ? (byte)3 : (byte)0, device.Key, received, payload, out _));
            if (i % 20 == 19) log.FlushPending();
        }

        await log.SealAsync();
        return Records(log);
    }

    // As every version before 3 wrote it: without recordBytes and spanBytes.
    [Fact]
    public async Task Open_PackedSegmentOfVersion2_IsReadAndStaysUnmerged()
    {
        List<LogRecord> all;
        using (BlockLog log = Open(_disk))
        {
            await FillAsync(log, devices: 3, batches: 60, rows: 30);
            await log.CompactAsync(Always);
            await FillAsync(log, devices: 3, batches: 60, rows: 30);
            all = Records(log);
        }

        string name = _disk.ListFiles().Where(file => file.EndsWith(".seg", StringComparison.Ordinal)).Order().First();
        foreach (int copy in (int[])[0, 64])
        {
            Span<byte> header = _disk.Contents(name).Slice(copy, 64);
            Assert.Equal(3, header[8]);
            header[8] = 2;
            header[44..60].Clear();
            BinaryPrimitives.WriteUInt32LittleEndian(header[60..], Crc32C.Compute(header[..60]));
        }

        using BlockLog reopened = Open(_disk);
        AssertSame(all, Records(reopened));
        await reopened.CompactAsync(Always);
        AssertSame(all, Records(reopened));
        Assert.Equal(2, _disk.Contents(name)[8]);
    }

    private static IEnumerable<int> ReadBatches(BlockLog log) =>
        Records(log).Where(record => record.Kind == LogRecordKind.Batch).Select(record => BitConverter.ToInt32(record.Payload.Span));
}
