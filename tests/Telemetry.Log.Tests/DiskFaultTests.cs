using Telemetry.Testing;

namespace Telemetry.Log.Tests;

/// <summary>A disk that refuses: nothing is acknowledged, reads go on, and writing resumes by itself with nothing forgotten.</summary>
public sealed class DiskFaultTests : LogTestBase
{
    private readonly SimulatedDisk _disk = new(new Random(1));

    [Theory]
    [InlineData("No space left on device")]
    [InlineData("Input/output error")]
    public async Task Flush_DiskRefuses_NothingIsDurableUntilItTakesWritesAgain(string error)
    {
        using BlockLog log = Open(_disk);
        Append(log, 1);
        log.FlushPending();

        _disk.WriteError = new IOException(error);
        ValueTask<bool> wait = log.WaitDurableAsync(Append(log, 2));
        Assert.False(log.FlushPending());
        Assert.False(log.FlushPending());
        Assert.False(wait.IsCompleted);
        Assert.Equal((false, error), (log.Health.IsWriting, log.Health.Reason));
        Assert.Equal([1], ReadAll(log));

        // What comes meanwhile waits in the other buffer.
        ValueTask<bool> later = log.WaitDurableAsync(Append(log, 3));
        _disk.WriteError = null;
        Assert.True(log.FlushPending());
        Assert.True(await wait);
        Assert.True(log.Health.IsWriting);
        Assert.True(log.FlushPending());
        Assert.True(await later);
        Assert.Equal([1, 2, 3], ReadAll(log));
    }

    [Fact]
    public void Flush_NoSpaceForTheNextSegment_ResumesAndLosesNothing()
    {
        using BlockLog log = Open(_disk);
        for (int i = 0; i < 10; i++)
        {
            Append(log, i, length: 100_000);
            log.FlushPending();
        }

        // This group ends the first segment and begins the second: each change of the disk on its way fails once.
        Append(log, 10, length: 10_000);
        Append(log, 11, length: 100_000);
        int refusals = 0;
        while (true)
        {
            _disk.RefuseAfter = refusals;
            bool isFlushed = log.FlushPending();
            _disk.RefuseAfter = int.MaxValue;
            if (isFlushed) break;
            refusals++;
        }

        Assert.InRange(refusals, 5, 20);
        Assert.Equal(Enumerable.Range(0, 12), ReadAll(log));
        Assert.Equal(2, log.Segments.Length);
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(4, false)]
    public void Flush_Hangs_IsUnhealthyAfterThreeSeconds(int seconds, bool isHealthy)
    {
        ManualTime time = new();
        using BlockLog log = Open(_disk, time);
        LogHealth? during = null;
        _disk.DuringFlush = () =>
        {
            time.Advance(TimeSpan.FromSeconds(seconds));
            during ??= log.Health;
        };
        Append(log, 1);
        Assert.True(log.FlushPending());
        Assert.Equal(isHealthy, during!.IsWriting);
        Assert.Equal(isHealthy ? "" : "A flush has been under way for 4 s.", during.Reason);
        Assert.True(log.Health.IsWriting);
    }

    [Fact]
    public async Task Flush_PageLostByAFailedFlush_IsWrittenAgain()
    {
        // After a failed fdatasync the kernel may drop the pages and call the next one a success: only writing again helps.
        BlockLog log = Open(_disk);
        Append(log, 0);
        log.FlushPending();
        ValueTask<bool> wait = log.WaitDurableAsync(Append(log, 1));
        _disk.LosesPagesOnFailedFlush = true;
        Assert.False(log.FlushPending());
        Assert.True(log.FlushPending());
        Assert.True(await wait);

        _disk.CutPower();
        using BlockLog again = Open(_disk);
        Assert.Equal([0, 1], ReadAll(again));
    }
}
