namespace Telemetry.Log.Tests.Rewriting;

/// <summary>Retention by device and age, in whole segments.</summary>
public sealed class RetentionTests : LogTestBase
{
    private readonly SimulatedDisk _disk = new(new Random(7));

    [Fact]
    public async Task Expire_OneDevicesAge_TakesItsRecordsFromFullSegmentsOnly()
    {
        using BlockLog log = Open(_disk);
        for (int i = 0; i < 100; i++) Append(log, i, deviceKey: (uint)(i % 2) + 1);
        await log.SealAsync();
        Append(log, 1_000, deviceKey: 1);
        log.FlushPending();

        LogErasure gone = await log.ExpireAsync(device => device == 1 ? DateTimeOffset.MaxValue : null);

        Assert.Equal((1, 50L), (gone.Segments, gone.Batches));
        Assert.Equal([1_000], ReadAll(log, 1));
        Assert.Equal(50, ReadAll(log, 2).Count);
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
