using Telemetry.Testing;

namespace Telemetry.Log.Tests.Rewriting;

/// <summary>Retention by device and age.</summary>
public sealed class RetentionTests : LogTestBase
{
    private readonly SimulatedDisk _disk = new(new Random(7));

    [Fact]
    public async Task Expire_OneDevicesAge_TakesAllItsRecordsAndNoOther()
    {
        using BlockLog log = Open(_disk);
        for (int i = 0; i < 100; i++) Append(log, i, deviceKey: (uint)(i % 2) + 1);
        await log.SealAsync();
        Append(log, 1_000, deviceKey: 1);
        log.FlushPending();

        LogErasure gone = await log.ExpireAsync(device => device == 1 ? DateTimeOffset.MaxValue : null);

        Assert.Equal((2, 51L), (gone.Segments, gone.Batches));
        Assert.Empty(ReadAll(log, 1));
        Assert.Equal(50, ReadAll(log, 2).Count);
    }

    // A segment that a small fleet has been filling for weeks: kept for 10 days, a record goes between day 10 and day 11.
    [Fact]
    public async Task Expire_DayByDayFromOneLongSegment_TakesEachRecordWithinADayOfItsTime()
    {
        ManualTime time = new();
        using BlockLog log = Open(_disk, time);
        DateTimeOffset begin = time.GetUtcNow();
        TimeSpan kept = TimeSpan.FromDays(10);
        for (int hour = 0; hour < 40 * 24; hour++)
        {
            long received = time.GetUtcNow().ToUnixTimeMilliseconds();
            Assert.True(log.TryAppend(LogRecordKind.Batch, 0, 1, received, Payload(hour), out _));
            Assert.True(log.TryAppend(LogRecordKind.Batch, 0, 2, received, Payload(hour), out _));
            log.FlushPending();
            time.Advance(TimeSpan.FromHours(1));
            if (hour % 6 != 0) continue;

            await log.ExpireAsync(device => device == 1 ? time.GetUtcNow() - kept : null);
            await log.CompactAsync(time.GetUtcNow());
            int oldest = ReadAll(log, 1).First();
            Assert.InRange(time.GetUtcNow() - begin.AddHours(oldest), TimeSpan.Zero, kept + TimeSpan.FromHours(30));
            Assert.Equal(Enumerable.Range(oldest, hour + 1 - oldest), ReadAll(log, 1));
        }

        Assert.Equal(Enumerable.Range(0, 40 * 24), ReadAll(log, 2));
        Assert.InRange(ReadAll(log, 1).Count, 10 * 24, 12 * 24);
    }

    [Fact]
    public async Task Expire_Again_ReadsNoSegmentTwice()
    {
        using BlockLog log = Open(_disk);
        for (int i = 0; i < 10; i++) Append(log, i);
        await log.SealAsync();
        await log.ExpireAsync(_ => DateTimeOffset.MaxValue);
        int before = _disk.Changes;

        Assert.Equal(0, (await log.ExpireAsync(_ => DateTimeOffset.MaxValue)).Segments);
        Assert.Equal(before, _disk.Changes);
    }

    [Fact]
    public async Task Expire_YoungerThanKept_StaysWhole()
    {
        using BlockLog log = Open(_disk);
        for (int i = 0; i < 10; i++) Append(log, i);
        await log.SealAsync();

        Assert.Equal(0, (await log.ExpireAsync(_ => DateTimeOffset.UnixEpoch)).Batches);
        Assert.Equal(10, ReadAll(log, 1).Count);
    }
}
