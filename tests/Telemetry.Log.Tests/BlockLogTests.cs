using System.Buffers;
using Telemetry.Testing;

namespace Telemetry.Log.Tests;

public sealed class BlockLogTests : LogTestBase
{
    private readonly SimulatedDisk _disk = new(new Random(1));

    [Fact]
    public void Append_BeforeFlush_IsNotReadable()
    {
        using BlockLog log = Open(_disk);
        long position = Append(log, 1);
        Assert.Empty(ReadAll(log));
        Assert.True(log.DurablePosition <= position);

        Assert.True(log.FlushPending());
        Assert.Equal([1], ReadAll(log));
        Assert.True(log.DurablePosition > position);
    }

    [Fact]
    public void Append_EveryField_ComesBack()
    {
        using BlockLog log = Open(_disk);
        byte[] payload = Payload(7, 333);
        ReadOnlySequence<byte> split = Pieces.Of(payload, cut: 100);
        Assert.True(log.TryAppend(LogRecordKind.DeadLetter, 2, 9_000_000, -5, split, out long position));
        log.FlushPending();

        using LogReader reader = log.OpenReader();
        Assert.True(reader.TryRead(out LogRecord record));
        Assert.Equal((position, LogRecordKind.DeadLetter, (byte)2, 9_000_000u, -5L), (record.Position, record.Kind, record.Reason, record.DeviceKey, record.ReceivedUnixMs));
        Assert.Equal(payload, record.Payload.ToArray());
        Assert.Equal(log.DurablePosition, record.NextPosition);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(262_144)]
    public void Append_LengthAtTheBounds_ComesBack(int length)
    {
        using BlockLog log = Open(_disk);
        byte[] payload = new byte[length];
        new Random(3).NextBytes(payload);
        Assert.True(log.TryAppend(LogRecordKind.Batch, 0, 1, 1, payload, out _));
        Assert.True(log.TryAppend(LogRecordKind.Batch, 0, 2, 1, payload, out _));
        log.FlushPending();

        using LogReader reader = log.OpenReader();
        Assert.True(reader.TryRead(out LogRecord first));
        Assert.Equal(payload, first.Payload.ToArray());
        Assert.True(reader.TryRead(out LogRecord second));
        Assert.Equal(2u, second.DeviceKey);
        Assert.False(reader.TryRead(out _));
    }

    [Fact]
    public void Append_LongerThanABatch_IsRefusedLoudly()
    {
        using BlockLog log = Open(_disk);
        Assert.Throws<ArgumentException>(() => log.TryAppend(LogRecordKind.Batch, 0, 1, 1, new byte[262_145], out _));
    }

    [Fact]
    public void Append_BufferFull_SaysNoUntilTheNextFlush()
    {
        using BlockLog log = Open(_disk);
        int taken = 0;
        while (log.TryAppend(LogRecordKind.Batch, 0, 1, 1, Payload(taken, 200_000), out _)) taken++;
        Assert.Equal(5, taken);

        log.FlushPending();
        Append(log, taken, length: 200_000);
        log.FlushPending();
        Assert.Equal(Enumerable.Range(0, taken + 1), ReadAll(log));
    }

    [Fact]
    public void Append_ManySegments_AllReadInOrderAlsoAfterReopen()
    {
        using (BlockLog log = Open(_disk))
        {
            for (int i = 0; i < 400; i++)
            {
                Append(log, i, length: 10_000);
                if (i % 7 == 0) log.FlushPending();
            }

            log.FlushPending();
            Assert.Equal(Enumerable.Range(0, 400), ReadAll(log));
        }

        using BlockLog again = Open(_disk);
        Assert.Equal(Enumerable.Range(0, 400), ReadAll(again));
        Assert.Equal(4, again.Recovery.Segments);
        Append(again, 400);
        again.FlushPending();
        Assert.Equal(Enumerable.Range(0, 401), ReadAll(again));
    }

    [Fact]
    public void OpenReader_FromAnyRecordsPosition_BeginsThere()
    {
        using BlockLog log = Open(_disk);
        long[] positions = [.. Enumerable.Range(0, 300).Select(i => { long p = Append(log, i, length: 7_000); log.FlushPending(); return p; })];
        foreach (int i in (int[])[0, 1, 148, 149, 150, 299])
        {
            using LogReader reader = log.OpenReader(positions[i]);
            Assert.True(reader.TryRead(out LogRecord record));
            Assert.Equal(positions[i], record.Position);
        }
    }

    [Fact]
    public async Task WaitDurable_SettledByTheFlushThatHoldsIt()
    {
        using BlockLog log = Open(_disk);
        ValueTask<bool> first = log.WaitDurableAsync(Append(log, 1));
        ValueTask<bool> last = log.WaitDurableAsync(Append(log, 2));
        Assert.False(first.IsCompleted);
        log.FlushPending();
        Assert.True(await first);
        Assert.True(await last);
        Assert.True(await log.WaitDurableAsync(0));
    }

    [Fact]
    public async Task WaitDurable_LogCloses_AnswersFalse()
    {
        BlockLog log = Open(_disk);
        ValueTask<bool> wait = log.WaitDurableAsync(Append(log, 1));
        log.Dispose();
        Assert.False(await wait);
    }

    [Fact]
    public async Task WaitDurable_Canceled_ThrowsAndLeavesOthersAlone()
    {
        using BlockLog log = Open(_disk);
        using CancellationTokenSource cancel = new();
        long position = Append(log, 1);
        ValueTask<bool> canceled = log.WaitDurableAsync(position, cancel.Token);
        ValueTask<bool> other = log.WaitDurableAsync(position);
        await cancel.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await canceled);
        log.FlushPending();
        Assert.True(await other);
    }

    [Fact]
    public async Task WaitDurable_PositionNeverGiven_Throws()
    {
        using BlockLog log = Open(_disk);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await log.WaitDurableAsync(log.NextPosition + 8));
    }

    [Fact]
    public void DeviceReader_FindsEveryRecordOfOneDeviceAndNoOther()
    {
        using BlockLog log = Open(_disk);
        for (int i = 0; i < 3_000; i++)
        {
            // Device 5 is rare: long stretches of the log hold nothing of it.
            Append(log, i, i % 700 == 3 ? 5u : (uint)(10 + (i % 50)), length: 2_000);
            if (i % 11 == 0) log.FlushPending();
        }

        log.FlushPending();
        Assert.Equal([3, 703, 1403, 2103, 2803], ReadAll(log, deviceKey: 5));
        Assert.Equal(Enumerable.Range(0, 3_000).Where(i => i % 700 != 3 && i % 50 == 8), ReadAll(log, deviceKey: 18));
        Assert.Empty(ReadAll(log, deviceKey: 4));
    }

    [Fact]
    public void Cursor_Saved_SurvivesReopenAndTornSlot()
    {
        using (BlockLog log = Open(_disk))
        {
            for (int i = 0; i < 5; i++) Append(log, i);
            log.FlushPending();
            using LogReader reader = log.OpenReader();
            LogCursor cursor = log.OpenCursor("scenarios");
            Assert.Equal(0, cursor.Position);
            for (int i = 0; i < 2; i++)
            {
                Assert.True(reader.TryRead(out LogRecord record));
                cursor.Save(record.NextPosition);
            }
        }

        // The second save stands in one slot; with that slot rotted the first one holds.
        using (BlockLog log = Open(_disk))
        {
            using LogReader reader = log.OpenReader(log.OpenCursor("scenarios").Position);
            Assert.True(reader.TryRead(out LogRecord third));
            Assert.Equal(1_002, third.ReceivedUnixMs);
        }

        _disk.Contents("scenarios.cursor")[4096 + 16] ^= 1;
        using BlockLog again = Open(_disk);
        using LogReader second = again.OpenReader(again.OpenCursor("scenarios").Position);
        Assert.True(second.TryRead(out LogRecord earlier));
        Assert.Equal(1_001, earlier.ReceivedUnixMs);
    }

    // A position runs on to the next segment over whatever this one left free: that is nothing to read.
    [Fact]
    public async Task Lag_AfterASegmentSealedEarly_CountsItsRecordsAndNotItsFreeSpace()
    {
        const int Record = 128, Note = 24; // the latter begins the next segment
        using (BlockLog log = Open(_disk))
        {
            for (int i = 0; i < 5; i++) Append(log, i);
            await log.SealAsync();
            for (int i = 5; i < 8; i++) Append(log, i);
            log.FlushPending();
            Append(log, 8); // not flushed: nobody lags behind it

            LogCursor cursor = log.OpenCursor("sink");
            Assert.Equal([("sink", (8 * Record) + Note)], log.ConsumerLags());
            cursor.Save(EndOf(log, records: 5));
            Assert.Equal([("sink", Note + (3 * Record))], log.ConsumerLags());
            cursor.Save(EndOf(log, records: 9));
            Assert.Equal([("sink", 0)], log.ConsumerLags());
            cursor.Save(EndOf(log, records: 4));
        }

        Assert.Equal((4 * Record) + Note, Assert.Single(LogInspector.Inspect(_disk, _ => { }).Cursors).LagBytes);
        using BlockLog again = Open(_disk);
        again.OpenCursor("sink");
        Assert.Equal([("sink", (4 * Record) + Note)], again.ConsumerLags());
        await again.SealAsync();
        await again.CompactAsync(DateTimeOffset.MaxValue);
        Assert.InRange(Assert.Single(again.ConsumerLags()).Bytes, (4 * Record) + Note, (8 * Record) + (2 * Note)); // a packed segment tells its own bytes only

        static long EndOf(BlockLog log, int records)
        {
            using LogReader reader = log.OpenReader();
            LogRecord last = default;
            for (int i = 0; i < records; i++) Assert.True(reader.TryRead(out last));
            return last.NextPosition;
        }
    }

    [Theory]
    [InlineData(nameof(BlockLogOptions.SegmentBytes), 4096)]
    [InlineData(nameof(BlockLogOptions.SegmentBytes), (1 << 20) + 1)]
    [InlineData(nameof(BlockLogOptions.BufferBytes), 1)]
    public void Open_SettingOutOfRange_NamesIt(string setting, int value)
    {
        BlockLogOptions options = new() { Disk = _disk };
        typeof(BlockLogOptions).GetProperty(setting)!.SetValue(options, value);
        Assert.Contains(setting, Assert.Throws<ArgumentException>(() => BlockLog.OpenManual(options)).Message, StringComparison.Ordinal);
    }
}
