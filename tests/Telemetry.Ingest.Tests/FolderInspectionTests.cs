using Telemetry.Log;

namespace Telemetry.Ingest.Tests;

/// <summary>What the doctor says of a stopped folder.</summary>
public sealed class FolderInspectionTests : IngestTestBase
{
    [Fact]
    public void Inspect_SoundFolder_CountsEverythingOnce()
    {
        foreach (ulong seq in (ulong[])[1, 2, 5, 300]) Send(seq);
        Submit(Session("brand-1/2"), Batches.Seal(Epoch, 1, profile: 77));
        Submit(Session("brand-1/2"), [1, 2, 3]);
        Close();

        FolderInspection found = FolderInspection.Of(Disk);
        Assert.True(found.IsSound);
        Assert.Equal((4, 2, 2, 0), (found.Batches, found.DeadLetters, found.UnsettledDeadLetters, found.Duplicates));
        Assert.Equal((2, 2), (found.Devices, found.Epochs));
        Assert.Equal([(3ul, 4ul), (6ul, 299ul)], found.Gaps.Select(gap => (gap.First, gap.Last)));
        Assert.Equal(296, found.Missing);
    }

    [Fact]
    public async Task Inspect_ReplayedLetter_IsSettledAndNoDuplicate()
    {
        Submit(Session(), Batches.Seal(Epoch, 1, profile: 77));
        Log.FlushPending();
        Directory.Profiles.Add(77);
        Task replay = Service.ReplayDeadLettersAsync(CancellationToken.None).AsTask();
        Log.FlushPending();
        await replay;
        Close();

        FolderInspection found = FolderInspection.Of(Disk);
        Assert.True(found.IsSound);
        Assert.Equal((1, 1, 0, 0), (found.Batches, found.DeadLetters, found.UnsettledDeadLetters, found.Duplicates));
    }

    [Fact]
    public void Inspect_BatchStoredTwice_IsNotSound()
    {
        byte[] batch = Batches.Seal(Epoch, 1);
        for (int i = 0; i < 2; i++) Assert.True(Log.TryAppend(LogRecordKind.Batch, 0, 1, 1, batch, out _));
        Close();
        FolderInspection found = FolderInspection.Of(Disk);
        Assert.Equal((false, 1), (found.IsSound, found.Duplicates));
    }

    [Fact]
    public void Inspect_RottedByte_NamesTheSegment()
    {
        for (ulong seq = 1; seq <= 5; seq++) Send(seq);
        Close();
        Disk.Contents("0000000000000000.seg")[300] ^= 1;
        FolderInspection found = FolderInspection.Of(Disk);
        Assert.False(found.IsSound);
        Assert.Equal(4, found.Batches);
        Assert.Equal("0000000000000000.seg", Assert.Single(found.Log.Segments, segment => segment.DamagedBytes > 0).File);
    }

    [Fact]
    public void Dispose_WhileTheDiskRefuses_EndsWithoutTheLastCheckpoint()
    {
        Send(1);
        Disk.WriteError = new IOException("No space left on device");
        Assert.False(Log.FlushPending());
        Service.Dispose();
        Assert.DoesNotContain(Sequences.SeqCheckpoint.FileName, Disk.ListFiles());
    }
}
