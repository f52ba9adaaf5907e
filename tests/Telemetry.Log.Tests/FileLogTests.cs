using Telemetry.Log.Backup;
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
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(100));
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

    // One appends and seals, one merges, one erases, one backs up, one stands in the log and one comes anew again and again: whatever meets whatever, everybody sees every record once.
    [Fact]
    public async Task Merge_WhileOthersAppendReadEraseAndBackUp_NobodyMissesARecord()
    {
        const int Rounds = 50, PerRound = 30;
        using BlockLog log = BlockLog.Open(Options());
        int durable = 0;
        bool isOver = false;
        Task appending = Task.Run(async () =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                long position = 0;
                for (int i = 0; i < PerRound; i++)
                {
                    for (uint device = 1; device <= 3; device++) position = Append(log, (round * PerRound) + i, device, length: 60 + (i * 20));
                }

                Assert.True(await log.WaitDurableAsync(position));
                Volatile.Write(ref durable, (round + 1) * PerRound);
                await log.SealAsync();
                if (round % 10 == 9) await log.EraseAsync([3], _ => true);
            }

            Volatile.Write(ref isOver, true);
        });
        int merged = 0, backups = 0;
        Task merging = UntilOverAsync(async () => merged += (await log.CompactAsync(DateTimeOffset.MaxValue)).Merged);
        Task coming = UntilOverAsync(() =>
        {
            RequireFirst(log, Volatile.Read(ref durable));
            return Task.CompletedTask;
        });
        Task backingUp = UntilOverAsync(() =>
        {
            int least = Volatile.Read(ref durable);
            string copy = Path.Combine(_folder, $"backup-{backups++}");
            LogBackup.Copy(new FileLogDisk(_folder), new FileLogDisk(copy));
            using (BlockLog restored = BlockLog.Open(new BlockLogOptions { Folder = copy, SegmentBytes = SegmentBytes, BufferBytes = 1 << 20 })) RequireFirst(restored, least);
            Directory.Delete(copy, recursive: true);
            return Task.CompletedTask;
        });
        Task standing = Task.Run(async () =>
        {
            using LogReader reader = log.OpenReader();
            for (int next = 0; next < Rounds * PerRound;)
            {
                if (!reader.TryRead(out LogRecord record)) Assert.True(await reader.WaitForMoreAsync(CancellationToken.None));
                else if (record.DeviceKey == 2) Assert.Equal(next++, BitConverter.ToInt32(record.Payload.Span));
            }
        });

        await Task.WhenAll(appending, merging, coming, backingUp, standing).WaitAsync(TimeSpan.FromSeconds(120));

        merged += (await log.CompactAsync(DateTimeOffset.MaxValue)).Merged;
        Assert.Equal(Enumerable.Range(0, Rounds * PerRound), ReadAll(log, 1));
        Assert.Empty(ReadAll(log, 3));
        Assert.True(merged >= Rounds - 10, $"{merged} of {Rounds} segments were merged");

        Task UntilOverAsync(Func<Task> work) => Task.Run(async () =>
        {
            do await work();
            while (!Volatile.Read(ref isOver));
        });

        static void RequireFirst(BlockLog from, int least)
        {
            List<int> found = ReadAll(from, 2);
            Assert.True(found.Count >= least, $"{found.Count} of {least}");
            Assert.Equal(Enumerable.Range(0, found.Count), found);
        }
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
