using Telemetry.Log.Disk;

namespace Telemetry.Log.Tests;

/// <summary>The log with its writer thread over real files.</summary>
public sealed class FileLogTests : LogTestBase, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("telemetry-log-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Append_FromManyThreads_AllDurableAndReadOnceInEachThreadsOrder()
    {
        const int Threads = 4;
        const int PerThread = 5_000;
        using (BlockLog log = BlockLog.Open(Options()))
        {
            await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(async () =>
            {
                for (int i = 0; i < PerThread; i++)
                {
                    byte[] payload = Payload((thread * PerThread) + i, 150);
                    long position;
                    while (!log.TryAppend(LogRecordKind.Batch, 0, (uint)thread + 1, i, payload, out position)) await Task.Yield();
                    if (i % 50 == 0) Assert.True(await log.WaitDurableAsync(position));
                }
            })));
        }

        using BlockLog again = BlockLog.Open(Options());
        List<int> all = ReadAll(again);
        Assert.Equal(Threads * PerThread, all.Distinct().Count());
        Assert.Equal(Threads * PerThread, all.Count);
        for (uint thread = 0; thread < Threads; thread++) Assert.Equal(Enumerable.Range((int)thread * PerThread, PerThread), ReadAll(again, thread + 1));
    }

    [Fact]
    public async Task Reader_WaitsForMore_SeesEveryRecordAsItIsFlushed()
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(30));
        using BlockLog log = BlockLog.Open(Options());
        Task<int> read = Task.Run(async () =>
        {
            using LogReader reader = log.OpenReader();
            int count = 0;
            while (count < 2_000)
            {
                if (reader.TryRead(out _)) count++;
                else Assert.True(await reader.WaitForMoreAsync(limit.Token));
            }

            return count;
        });
        for (int i = 0; i < 2_000; i++)
        {
            long position = Append(log, i, length: 1_000);
            if (i % 100 == 0) Assert.True(await log.WaitDurableAsync(position, limit.Token));
        }

        Assert.Equal(2_000, await read);
    }

    [Fact]
    public void Open_Twice_SaysThatTheFolderIsInUse()
    {
        using BlockLog log = BlockLog.Open(Options());
        Assert.Contains("in use", Assert.Throws<IOException>(() => BlockLog.Open(Options())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Close_ReturnsReservedSpace()
    {
        using (BlockLog log = BlockLog.Open(Options())) Append(log, 1);
        long bytes = new FileLogDisk(_folder).ListFiles().Sum(name => new FileInfo(Path.Combine(_folder, name)).Length);
        Assert.InRange(bytes, 200, 4096);
    }

    private BlockLogOptions Options() => new() { Folder = _folder, SegmentBytes = SegmentBytes, BufferBytes = 1 << 20 };
}
