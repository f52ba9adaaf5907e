namespace Telemetry.Log.Tests.Rewriting;

/// <summary>Erasing from the log: what was selected is gone from every byte of the disk, everything else reads as before.</summary>
public sealed class ErasureTests : LogTestBase
{
    private const uint Erased = 2;

    private readonly SimulatedDisk _disk = new(new Random(7));

    [Fact]
    public async Task Erase_OneDevice_LeavesTheOthersAtTheirPositions()
    {
        using BlockLog log = Open(_disk);
        Fill(log, 3_000);
        List<LogRecord> before = [.. Records(log).Where(record => record.DeviceKey != Erased)];

        LogErasure erased = await log.EraseAsync([Erased], _ => true);

        Assert.Equal(1_000, erased.Batches);
        Assert.True(erased.Segments >= 2);
        AssertSame(before, Records(log));
        Assert.Empty(ReadAll(log, Erased));
        Assert.Equal(ReadAll(log, 1).Count, before.Count(record => record.DeviceKey == 1));
    }

    [Fact]
    public async Task Erase_OneDevice_LeavesNoByteOfItOnTheDisk()
    {
        using BlockLog log = Open(_disk);
        Fill(log, 100);
        byte[] secret = Payload(77_777, 300);
        Append(log, 77_777, Erased, 300);
        log.FlushPending();

        await log.EraseAsync([Erased], _ => true);

        Assert.All(_disk.ListFiles(), name => Assert.Equal(-1, _disk.Contents(name).IndexOf(secret.AsSpan(0, 64))));
    }

    [Fact]
    public async Task Erase_Again_FindsNothing()
    {
        using BlockLog log = Open(_disk);
        Fill(log, 300);
        await log.EraseAsync([Erased], _ => true);

        LogErasure again = await log.EraseAsync([Erased], _ => true);

        Assert.Equal((0, 0L, 0L), (again.Segments, again.Batches, again.Bytes));
    }

    [Fact]
    public async Task Erase_ReaderStandsInTheSegment_GoesOnBehindItsRecord()
    {
        using BlockLog log = Open(_disk);
        Fill(log, 300);
        using LogReader reader = log.OpenReader();
        for (int i = 0; i < 100; i++) Assert.True(reader.TryRead(out _));

        await log.EraseAsync([Erased], _ => true);

        List<uint> devices = [];
        while (reader.TryRead(out LogRecord record)) devices.Add(record.DeviceKey);
        Assert.DoesNotContain(Erased, devices);
        Assert.Equal(0, reader.DamagedBytes);
        Assert.Equal(200 - 67 + 1, devices.Count); // 67 of the first 100 were of the others; 1 record begins the new segment
    }

    [Fact]
    public async Task Erase_AppendsGoOnMeanwhile_AreKept()
    {
        using BlockLog log = Open(_disk);
        Fill(log, 300);
        int asked = 0;
        await log.EraseAsync([Erased], _ =>
        {
            if (asked++ == 0) Append(log, 9_000, deviceKey: 1);
            return true;
        });
        log.FlushPending();

        Assert.Equal(9_000, ReadAll(log, 1)[^1]);
    }

    // The power goes, or the process is killed, before every single change of the disk in turn. Whatever the instant: the log opens, nothing
    // that was to stay is missing or double, and a second try finishes.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Erase_CutAtEveryWrite_KeepsTheRestAndFinishesLater(bool isKill)
    {
        for (int cut = 0, isDone = 0; isDone == 0; cut++)
        {
            SimulatedDisk disk = new(new Random(cut));
            BlockLog log = Open(disk);
            Fill(log, 300);
            List<LogRecord> kept = [.. Records(log).Where(record => record.DeviceKey != Erased)];
            disk.CutBeforeChange = disk.Changes + cut;
            try
            {
                await log.EraseAsync([Erased], _ => true);
                isDone = 1;
            }
            catch (PowerLostException)
            {
                // The answer never came.
            }

            if (isKill) disk.KillProcess();
            else disk.CutPower();
            using BlockLog reopened = Open(disk);
            List<LogRecord> found = Records(reopened);
            AssertSame(kept, [.. found.Where(record => record.DeviceKey != Erased)]);
            if (isDone == 1) Assert.DoesNotContain(found, record => record.DeviceKey == Erased);
            await reopened.EraseAsync([Erased], _ => true);
            AssertSame(kept, Records(reopened));
            Assert.DoesNotContain(disk.ListFiles(), name => name.EndsWith(".rewriting", StringComparison.Ordinal));
            Assert.True(cut < 100, "The erasure never came to its end.");
        }
    }

    private static void Fill(BlockLog log, int records)
    {
        for (int i = 0; i < records; i++)
        {
            Append(log, i, deviceKey: (uint)(i % 3) + 1, length: 100 + (i % 900));
            if (i % 50 == 49) log.FlushPending();
        }

        log.FlushPending();
    }

    private static List<LogRecord> Records(BlockLog log)
    {
        List<LogRecord> records = [];
        using LogReader reader = log.OpenReader();
        while (reader.TryRead(out LogRecord record))
        {
            if (record.Kind == LogRecordKind.Batch) records.Add(record with { Payload = record.Payload.ToArray() });
        }

        return records;
    }

    private static void AssertSame(List<LogRecord> expected, List<LogRecord> found)
    {
        Assert.Equal(expected.Select(record => record with { Payload = default }), found.Select(record => record with { Payload = default }));
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First.Payload.ToArray(), pair.Second.Payload.ToArray()));
    }
}
