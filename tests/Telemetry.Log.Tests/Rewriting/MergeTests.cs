using Telemetry.Log.Backup;
using Telemetry.Log.Rewriting;
using Telemetry.Testing;
using static Telemetry.Log.Tests.Rewriting.RecordChecks;

namespace Telemetry.Log.Tests.Rewriting;

/// <summary>Small neighbours become one segment: the files get fewer and shorter, and nobody else notices.</summary>
public sealed class MergeTests : LogTestBase
{
    private static readonly DateTimeOffset Always = DateTimeOffset.MaxValue;

    private readonly SimulatedDisk _disk = new(new Random(9));

    [Fact]
    public async Task Compact_ManySmallSegments_BecomeOneThatTakesLessThanEachAlone()
    {
        using BlockLog log = Open(_disk);
        await FillAsync(log, segments: 20, batches: 12);
        List<LogRecord> before = Records(log);
        List<string> rows = Rows(log, 2);
        long alone = await CompactedAloneAsync();

        LogCompaction done = await log.CompactAsync(Always);

        Assert.Equal(19, done.Merged);
        Assert.Equal(2, Segments(_disk).Count); // and the one that is being written
        Assert.True(done.BytesAfter < 0.8 * alone, $"{done.BytesAfter} merged, {alone} alone");
        AssertSame(before, Records(log));
        foreach (uint device in (uint[])[1, 2, 3]) AssertSame([.. before.Where(record => record.DeviceKey == device)], Records(log, device));
        Assert.Equal(rows, Rows(log, 2));
        Assert.Equal(new LogCompaction(0, 0, 0, 0), await log.CompactAsync(Always));
    }

    [Fact]
    public async Task Compact_HourByHour_KeepsFewFilesAndRewritesAByteSeldom()
    {
        using BlockLog log = Open(_disk);
        long rewritten = 0, appended = 0;
        for (int hour = 0; hour < 200; hour++)
        {
            for (int i = 0; i < 20; i++) Append(log, (hour * 20) + i, length: 400);
            await log.SealAsync();
            LogCompaction done = await log.CompactAsync(Always);
            (rewritten, appended) = (rewritten + done.BytesBefore, appended + (20 * 424));
            Assert.InRange(Segments(_disk).Count, 1, 10); // log2(200 hours) and the last one
        }

        Assert.True(rewritten < 9 * appended, $"{rewritten} bytes were written anew for {appended}");
        Assert.Equal(Enumerable.Range(0, 4000), ReadAll(log, 1));
    }

    [Theory]
    [InlineData(new long[] { 5, 5 }, 2)]
    [InlineData(new long[] { 50, 48 }, 2)]
    [InlineData(new long[] { 9, 4, 2 }, 1)]
    [InlineData(new long[] { 9, 4, 2, 1 }, 4)]
    [InlineData(new long[] { 90, 20 }, 1)]
    [InlineData(new long[] { 60, 30, 20, 60 }, 1)]
    [InlineData(new long[] { 30, 30, 30, 30 }, 3)]
    [InlineData(new long[] { 0, 0 }, 2)]
    [InlineData(new long[] { 7 }, 1)]
    public void CountToJoin_UpToAHundredBytes_JoinsWhatAboutDoublesTheLargest(long[] sizes, int expected) => Assert.Equal(expected, MergePlan.CountToJoin(sizes, most: 100));

    [Fact]
    public async Task Compact_TooMuchForOneSegment_StaysApart()
    {
        using BlockLog log = Open(_disk);
        for (int segment = 0; segment < 6; segment++)
        {
            for (int i = 0; i < 40; i++) Append(log, (segment * 40) + i, length: 10_000); // 0.4 of a segment
            await log.SealAsync();
        }

        await log.CompactAsync(Always);

        Assert.Equal(4, Segments(_disk).Count); // three pairs and the last
        Assert.Equal(Enumerable.Range(0, 240), ReadAll(log, 1));
    }

    [Fact]
    public async Task Compact_ADamagedSegmentBetween_StaysWhereItCanBeLookedAt()
    {
        await FillAndCloseAsync(segments: 5, batches: 12);
        string damaged = Segments(_disk)[2];
        _disk.Contents(damaged)[1000] ^= 1;
        byte[] content = _disk.Contents(damaged).ToArray();
        using BlockLog log = Open(_disk);
        List<LogRecord> before = Sound(log);

        await log.CompactAsync(Always);
        await log.CompactAsync(Always);

        Assert.Equal(content, _disk.Contents(damaged).ToArray());
        AssertSame(before, Sound(log));
        Assert.Equal(4, Segments(_disk).Count);
    }

    [Fact]
    public async Task Readers_AtEveryWriteOfAMerge_SeeTheSame()
    {
        using BlockLog log = Open(_disk);
        await FillAsync(log, segments: 6, batches: 10);
        List<LogRecord> all = Records(log);
        List<string> rows = Rows(log, 1);
        using LogReader standing = log.OpenReader();
        List<LogRecord> read = [];
        int looks = 0;
        bool isReading = false;
        _disk.BeforeChange = () =>
        {
            if (isReading) return;
            isReading = true;
            AssertSame(all, Records(log));
            AssertSame([.. all.Where(record => record.DeviceKey == 2)], Records(log, 2));
            Assert.Equal(rows, Rows(log, 1));
            LogRecord from = all[++looks % all.Count];
            using LogReader late = log.OpenReader(from.Position);
            Assert.True(late.TryRead(out LogRecord found));
            AssertSame([from], [found]);
            for (int i = 0; i < 2 && standing.TryRead(out LogRecord record); i++) read.Add(record with { Payload = record.Payload.ToArray() });
            isReading = false;
        };

        Assert.True((await log.CompactAsync(Always)).Merged > 0);

        _disk.BeforeChange = null;
        while (standing.TryRead(out LogRecord record)) read.Add(record with { Payload = record.Payload.ToArray() });
        AssertSame(all, read);
        Assert.True(looks > 10);
    }

    [Fact]
    public async Task Reader_FileIsMergedBetweenTheListAndItsOpening_OpensWhatHoldsItNow()
    {
        using BlockLog log = Open(_disk);
        await FillAsync(log, segments: 4, batches: 10);
        List<LogRecord> all = Records(log);
        string third = Segments(_disk)[2];
        Task<LogCompaction>? merging = null;
        _disk.BeforeOpen = name =>
        {
            if (name != third) return;
            _disk.BeforeOpen = null;
            merging = log.CompactAsync(Always);
        };

        AssertSame(all, Records(log));

        Assert.True((await merging!).Merged > 0);
        Assert.DoesNotContain(third, _disk.ListFiles());
    }

    // A row reader's record is a whole run: what it read of a segment must come neither twice nor never when its neighbours join in.
    [Fact]
    public async Task RowReader_SegmentsAreMergedBeneathIt_ReadsEveryRowOnce()
    {
        for (int mergeAt = 0; mergeAt < 60; mergeAt += 4)
        {
            ManualTime time = new();
            SimulatedDisk disk = new(new Random(2));
            using BlockLog log = Open(disk, time);
            await FillAsync(log, segments: 4, batches: 12, time: time);
            List<string> rows = Rows(log, 1);
            using RowReader reader = log.OpenRowReader(1);
            List<string> read = [];
            for (int i = 0; i < mergeAt && reader.TryRead(); i++) AddRows(reader, read);
            if (mergeAt % 8 == 0) await log.CompactAsync(Begun(log, 2));
            await log.CompactAsync(Always);

            read.AddRange(Rows(reader));

            read.Sort(StringComparer.Ordinal);
            Assert.Equal(rows, read);
        }
    }

    [Fact]
    public async Task Read_IndexOfAMergedSegmentIsGone_MakesItAgain()
    {
        List<LogRecord> all;
        using (BlockLog log = Open(_disk))
        {
            await FillAsync(log, segments: 6, batches: 10);
            await log.CompactAsync(Always);
            all = Records(log);
        }

        foreach (string index in _disk.ListFiles().Where(name => name.EndsWith(".idx", StringComparison.Ordinal))) _disk.Delete(index);
        using BlockLog reopened = Open(_disk);
        foreach (uint device in (uint[])[1, 2, 3]) AssertSame([.. all.Where(record => record.DeviceKey == device)], Records(reopened, device));
    }

    // The note that begins a segment may come second, when the buffer was full: what came first must still be sealed by who seals next.
    [Fact]
    public async Task Seal_AnotherRecordBeganTheSegment_IsNotTakenForEmpty()
    {
        using BlockLog log = Open(_disk);
        while (log.TryAppend(LogRecordKind.Batch, 0, 1, 0, [], out _)) { }
        long between = 0;
        _disk.DuringFlush = () =>
        {
            _disk.DuringFlush = null;
            between = Append(log, 7);
        };

        long first = await log.SealAsync();

        Assert.InRange(between, first, long.MaxValue);
        Assert.True(await log.SealAsync() > between);
        long second = await log.SealAsync();
        Assert.Equal(second, await log.SealAsync()); // now there is nothing to end
    }

    [Fact]
    public async Task Erase_FromAMergedSegment_LeavesNothingOfItInAnyFile()
    {
        using BlockLog log = Open(_disk);
        await FillAsync(log, segments: 6, batches: 10);
        await log.CompactAsync(Always);
        List<LogRecord> all = Records(log);

        LogErasure erased = await log.EraseAsync([2], _ => true);

        Assert.True(erased.Batches > 10);
        Assert.DoesNotContain(Records(log, 2), record => record.Kind == LogRecordKind.Batch);
        AssertSame([.. all.Where(record => record.DeviceKey is 1 or 3)], [.. Records(log).Where(record => record.DeviceKey is 1 or 3)]);
        await log.CompactAsync(Always);
        AssertSame([.. all.Where(record => record.DeviceKey is 1 or 3)], [.. Records(log).Where(record => record.DeviceKey is 1 or 3)]);
    }

    // The files that were merged could not be deleted: what is erased must be gone from them too, also after a start.
    [Fact]
    public async Task Erase_AfterAMergeThatCouldNotCleanUp_TakesTheLeftCopiesToo()
    {
        for (int refused = 0; refused < 4; refused++)
        {
            SimulatedDisk disk = new(new Random(refused));
            using (BlockLog log = Open(disk))
            {
                await FillAsync(log, segments: 3, batches: 10);
                int writes = await ChangesOfAMergeAsync();
                disk.RefuseAfter = writes - 1 - refused;
                await Assert.ThrowsAsync<IOException>(() => log.CompactAsync(Always));
                disk.RefuseAfter = int.MaxValue;
                await log.EraseAsync([2], _ => true);
            }

            disk.CutPower();
            using BlockLog reopened = Open(disk);
            Assert.DoesNotContain(Records(reopened, 2), record => record.Kind == LogRecordKind.Batch);
            Assert.NotEmpty(Records(reopened, 1));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Merge_CutAtEveryWrite_DataIsEqualAndNothingIsLeft(bool isKill)
    {
        for (int cut = 0, isDone = 0; isDone == 0; cut++)
        {
            SimulatedDisk disk = new(new Random(cut));
            ManualTime time = new();
            BlockLog log = Open(disk, time);
            await FillAsync(log, segments: 4, batches: 8, time: time);
            await log.CompactAsync(Begun(log, 2)); // so that packed ones are merged with plain ones
            List<LogRecord> all = Records(log);
            log.OpenCursor("sink").Save(all[^20].Position);
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
            List<LogRecord> inspected = [];
            LogInspector.Inspect(disk, record => inspected.Add(record with { Payload = record.Payload.ToArray() }));
            AssertSame(all, inspected);
            using BlockLog reopened = Open(disk);
            AssertSame(all, Records(reopened));
            AssertSame([.. all.Where(record => record.DeviceKey == 2)], Records(reopened, 2));
            using (LogReader sink = reopened.OpenReader(reopened.OpenCursor("sink").Position))
            {
                Assert.True(sink.TryRead(out LogRecord next));
                Assert.Equal(all[^20].Position, next.Position);
            }

            Assert.Equal(Segments(disk).Count, reopened.Segments.Length);
            await reopened.CompactAsync(Always);
            AssertSame(all, Records(reopened));
            Assert.Equal(2, Segments(disk).Count);
            Assert.True(cut < 100, "The merge never came to its end.");
        }
    }

    [Fact]
    public async Task Merge_DiskRefusesAnyChange_LeavesTheDataAndWorksLater()
    {
        for (int refusedAt = 0; ; refusedAt++)
        {
            SimulatedDisk disk = new(new Random(refusedAt));
            using BlockLog log = Open(disk);
            await FillAsync(log, segments: 3, batches: 8);
            List<LogRecord> all = Records(log);
            disk.RefuseAfter = refusedAt;
            Exception? refusal = await Record.ExceptionAsync(() => log.CompactAsync(Always));
            disk.RefuseAfter = int.MaxValue;
            AssertSame(all, Records(log));
            await log.CompactAsync(Always);
            AssertSame(all, Records(log));
            Assert.Equal(2, Segments(disk).Count);
            if (refusal is null) return;
            Assert.IsType<IOException>(refusal);
        }
    }

    [Fact]
    public async Task Backup_SegmentsAreMergedMeanwhile_OpensAsTheLogWas()
    {
        for (int mergedAt = 0; mergedAt < 6; mergedAt++)
        {
            SimulatedDisk disk = new(new Random(4)), copy = new(new Random(5));
            using BlockLog log = Open(disk);
            await FillAsync(log, segments: 5, batches: 8);
            for (int i = 0; i < 10; i++) Append(log, i);
            log.FlushPending();
            List<LogRecord> all = Records(log);
            string trigger = Segments(disk)[mergedAt];
            disk.BeforeOpen = name =>
            {
                if (name != trigger) return;
                disk.BeforeOpen = null;
                Assert.True(log.CompactAsync(Always).GetAwaiter().GetResult().Merged > 0);
            };

            LogBackup.Copy(disk, copy);

            using BlockLog restored = Open(copy);
            AssertSame(all, Records(restored));
        }
    }

    private static async Task<int> ChangesOfAMergeAsync()
    {
        SimulatedDisk disk = new(new Random(1));
        using BlockLog log = Open(disk);
        await FillAsync(log, segments: 3, batches: 10);
        int before = disk.Changes;
        await log.CompactAsync(Always);
        return disk.Changes - before;
    }

    private static async Task<long> CompactedAloneAsync()
    {
        SimulatedDisk disk = new(new Random(9));
        using BlockLog log = Open(disk);
        long sum = 0;
        for (int segment = 0; segment < 20; segment++)
        {
            await FillAsync(log, segments: 1, batches: 12, first: segment);
            LogSegment full = log.Segments[^2];
            sum += SegmentRewriter.Rewrite(disk, full, drops: null, compacts: true, []).BytesAfter;
        }

        return sum;
    }

    private async Task FillAndCloseAsync(int segments, int batches)
    {
        using BlockLog log = Open(_disk);
        await FillAsync(log, segments, batches);
    }

    // Three devices in turn, now and then a foreign batch or a dead letter; a segment for each stretch of batches.
    private static async Task FillAsync(BlockLog log, int segments, int batches, int first = 0, ManualTime? time = null)
    {
        SealingDevice[] all = [.. Enumerable.Range(1, 3).Select(key => new SealingDevice((uint)key, seed: (key * 31) + first))];
        Random random = new(17 + first);
        for (int segment = 0; segment < segments; segment++)
        {
            for (int i = 0; i < batches; i++)
            {
                SealingDevice device = all[i % 3];
                int kind = random.Next(12);
                long received = 1_700_000_000_000 + (((segment * batches) + i) * 60_000);
                bool isLetter = kind == 2;
                Assert.True(log.TryAppend(
                    isLetter ? LogRecordKind.DeadLetter : LogRecordKind.Batch, isLetter ? (byte)3 : (byte)0, device.Key, received, kind == 0 ? device.Foreign() : device.Next(60), out _));
            }

            log.FlushPending();
            time?.Advance(TimeSpan.FromHours(1));
            await log.SealAsync();
        }
    }

    // Segments before this one were full by then.
    private static DateTimeOffset Begun(BlockLog log, int segment) => DateTimeOffset.FromUnixTimeMilliseconds(log.Segments[segment].Header.CreatedUnixMs);

    private static List<LogRecord> Sound(BlockLog log)
    {
        List<LogRecord> records = [];
        using LogReader reader = log.OpenReader();
        while (reader.TryRead(out LogRecord record)) records.Add(record with { Payload = record.Payload.ToArray() });
        return records;
    }

    private static List<string> Segments(SimulatedDisk disk) => [.. disk.ListFiles().Where(name => name.EndsWith(".seg", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
}
