using System.Globalization;
using Telemetry.Log.Backup;
using Telemetry.Log.Tests.Rewriting;
using Telemetry.Log.Times;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;

namespace Telemetry.Log.Tests.Times;

/// <summary>A question about a stretch of time gets every row of it, whatever the log leaves unread.</summary>
public sealed class TimePruningTests : LogTestBase
{
    private const int Devices = 3;
    private const int RowsAnHour = 1000;
    private static readonly DateTimeOffset Always = DateTimeOffset.MaxValue;

    private readonly SimulatedDisk _disk = new(new Random(5));

    /// <summary>Random histories: batches in order and late, clocks unset, boots, other encoders; sealed, compacted, merged, erased, opened again, tables lost and rotted. After every
    /// step random questions are held against reading everything. TELEMETRY_PRUNING_HISTORIES=2000 is the long search.</summary>
    [Fact]
    public async Task Question_OfAnyHistory_GetsWhatReadingEverythingGets()
    {
        int histories = int.Parse(Environment.GetEnvironmentVariable("TELEMETRY_PRUNING_HISTORIES") ?? "15", CultureInfo.InvariantCulture);
        int questions = 0, answered = 0;
        for (int seed = 0; seed < histories; seed++)
        {
            (int asked, int withRows) = await LiveAsync(seed);
            (questions, answered) = (questions + asked, answered + withRows);
        }

        Assert.True(answered > questions / 4, $"{answered} of {questions} questions had an answer");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Question_AnHourOfAMonth_ReadsLittleMoreThanTheHour(bool isCompacted)
    {
        using BlockLog log = Open(_disk);
        for (int hour = 0; hour < 30 * 24; hour++)
        {
            for (uint device = 1; device <= Devices; device++) Append(log, device, hour, wallKnown: true, rows: device == 2 ? RowsAnHour : 20);
            if (hour % 100 == 99) await log.SealAsync();
        }

        await log.SealAsync();
        if (isCompacted) await log.CompactAsync(Always);
        long from = HourUnixMs(400);
        List<string> expected = ByReadingAll(log, 2, long.MaxValue, from, HourUnixMs(401));
        DeviceTimes times = log.FindTimes(2);

        int batches = 0;
        using RowReader reader = log.OpenRowReader(times, from, HourUnixMs(401));
        while (reader.TryReadBatch()) batches++;

        Assert.NotEmpty(expected);
        Assert.Equal(expected, Answer(log, 2, long.MaxValue, from, HourUnixMs(401)));
        Assert.InRange(batches, 1, isCompacted ? 300 : 32); // two runs of 131 batches, two strides of 16
        Assert.Equal(30 * 24 * (long)RowsAnHour, times.Strides.Sum(stride => stride.Samples));
    }

    // The pair stands in the last segment, the batches that wait for it in the first: nothing between may be left out of the search for it.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Question_BatchesFromBeforeTheDeviceKnewTheTime_ArePlacedByALaterPair(bool isCompacted)
    {
        using BlockLog log = Open(_disk);
        for (int hour = 0; hour < 48; hour++)
        {
            Append(log, 1, hour, wallKnown: hour == 47);
            if (hour % 8 == 7) await log.SealAsync();
        }

        if (isCompacted) await log.CompactAsync(Always);
        List<string> rows = Answer(log, 1, long.MaxValue, HourUnixMs(3), HourUnixMs(4));

        Assert.Equal(20, rows.Count);
        Assert.Equal(ByReadingAll(log, 1, long.MaxValue, HourUnixMs(3), HourUnixMs(4)), rows);
    }

    // A page of an earlier instant must not be placed by a pair that came behind it, though that one is of a lower seq.
    [Fact]
    public async Task Question_AsOfAnEarlierInstant_IsPlacedByThePairsOfThen()
    {
        using BlockLog log = Open(_disk);
        Append(log, 1, hour: 5, wallKnown: false);
        Append(log, 1, hour: 8, wallKnown: true);
        await log.SealAsync();
        long then = log.DurablePosition;
        Append(log, 1, hour: 6, wallKnown: true, driftMs: 1_800_000);
        await log.SealAsync();
        await log.CompactAsync(Always); // the end of then stands inside a merged segment

        Assert.Equal(20, Answer(log, 1, then, HourUnixMs(5), HourUnixMs(5) + 1_800_000).Count);
        Assert.Empty(Answer(log, 1, long.MaxValue, HourUnixMs(5), HourUnixMs(5) + 1_800_000));
        Assert.Equal(20, Answer(log, 1, long.MaxValue, HourUnixMs(5) + 1_800_000, HourUnixMs(6)).Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Question_RottedOrTornTable_IsMadeAgain(bool isCompacted)
    {
        using BlockLog log = Open(_disk);
        SealingDevice[] devices = NewDevices(7);
        for (int i = 0; i < 90; i++) Append(log, devices[i % Devices], rows: 10, i);
        await log.SealAsync();
        if (isCompacted) await log.CompactAsync(Always);
        (long from, long to) = (1_700_000_000_000, 1_700_000_200_000);
        List<string> expected = Answer(log, 1, long.MaxValue, from, to);
        string name = Tables().Single();
        byte[] sound = _disk.Contents(name).ToArray();

        for (int at = 0; at < sound.Length; at++)
        {
            _disk.Contents(name)[at] ^= (byte)(1 << (at % 8));
            Assert.Equal(expected, Answer(log, 1, long.MaxValue, from, to));
            Assert.Equal(sound, _disk.Contents(name).ToArray());
        }

        using (Disk.ILogFile file = _disk.Open(name, forWriting: true)) file.Resize(sound.Length / 2);
        Assert.Equal(expected, Answer(log, 1, long.MaxValue, from, to));
        Assert.Equal(sound, _disk.Contents(name).ToArray());
    }

    [Fact]
    public async Task Erase_OfADevice_LeavesNothingOfItInATable()
    {
        using BlockLog log = Open(_disk);
        SealingDevice[] devices = NewDevices(11);
        for (int i = 0; i < 60; i++) Append(log, devices[i % Devices], rows: 10, i);
        await log.SealAsync();
        Assert.NotEmpty(log.FindTimes(2).Strides);

        await log.EraseAsync([2], _ => true);

        Assert.Empty(log.FindTimes(2).Strides);
        Assert.NotEmpty(log.FindTimes(1).Strides);
        List<TimeStride> found = [];
        foreach (LogSegment segment in log.Segments)
        {
            if (TimeTable.TryLoad(_disk, segment.Header) is not { } table) continue;
            Assert.True(table.TryFind(2, found));
            Assert.Empty(found);
        }
    }

    // The question has opened the old file and makes its table while the segment is rewritten: the new file's table must be the one that stays.
    [Fact]
    public async Task Question_SegmentIsRewrittenBeneathIt_LeavesTheNewTable()
    {
        using BlockLog log = Open(_disk);
        SealingDevice[] devices = NewDevices(13);
        for (int i = 0; i < 60; i++) Append(log, devices[i % Devices], rows: 10, i);
        await log.SealAsync();
        List<string> expected = ByReadingAll(log, 1, long.MaxValue, 0, long.MaxValue);
        Task? rewriting = null;
        int reads = 0;
        _disk.BeforeRead = () =>
        {
            if (++reads < 2) return; // the header of the old file; its records come behind this
            _disk.BeforeRead = null;
            rewriting = log.CompactAsync(Always);
        };

        DeviceTimes times = log.FindTimes(1);

        await rewriting!;
        Assert.NotNull(TimeTable.TryLoad(_disk, log.Segments[0].Header));
        Assert.Equal(expected, Answer(log, times, 0, long.MaxValue));
        Assert.Equal(expected, Answer(log, 1, long.MaxValue, 0, long.MaxValue));
    }

    // What was found before a merge says nothing of the merged file: that is read in full.
    [Fact]
    public async Task Question_SegmentsAreMergedBehindIt_GetsEveryRowOnce()
    {
        using BlockLog log = Open(_disk);
        SealingDevice[] devices = NewDevices(17);
        for (int i = 0; i < 120; i++)
        {
            Append(log, devices[i % Devices], rows: 10, i);
            if (i % 30 == 29) await log.SealAsync();
        }

        (long from, long to) = (1_700_000_030_000, 1_700_000_150_000);
        List<string> expected = ByReadingAll(log, 3, long.MaxValue, from, to);
        DeviceTimes times = log.FindTimes(3);
        Assert.True((await log.CompactAsync(Always)).Merged > 0);

        Assert.NotEmpty(expected);
        Assert.Equal(expected, Answer(log, times, from, to));
    }

    [Fact]
    public async Task Backup_OfTables_IsTakenAlong()
    {
        SimulatedDisk copy = new(new Random(1));
        using BlockLog log = Open(_disk);
        SealingDevice[] devices = NewDevices(19);
        for (int i = 0; i < 60; i++) Append(log, devices[i % Devices], rows: 10, i);
        await log.SealAsync();
        await log.CompactAsync(Always);
        Append(log, devices[0], rows: 10, 61);
        log.FlushPending();

        LogBackup.Copy(_disk, copy);

        Assert.Equal(Tables(), copy.ListFiles().Where(IsTable));
        using BlockLog restored = Open(copy);
        int changes = copy.Changes;
        Assert.Equal(ByReadingAll(log, 1, long.MaxValue, 0, long.MaxValue), Answer(restored, 1, long.MaxValue, 0, long.MaxValue));
        Assert.Equal(changes, copy.Changes); // nothing had to be made
    }

    [Fact]
    public async Task Question_DiskIsFull_IsAnsweredWithoutKeepingTheTable()
    {
        using BlockLog log = Open(_disk);
        SealingDevice[] devices = NewDevices(23);
        for (int i = 0; i < 60; i++) Append(log, devices[i % Devices], rows: 10, i);
        await log.SealAsync();
        List<string> expected = ByReadingAll(log, 1, long.MaxValue, 0, long.MaxValue);
        _disk.WriteError = new IOException("No space left on device");

        Assert.Equal(expected, Answer(log, 1, long.MaxValue, 0, long.MaxValue));

        Assert.Empty(Tables());
        _disk.WriteError = null;
    }

    private static async Task<(int Asked, int WithRows)> LiveAsync(int seed)
    {
        Random random = new(seed);
        SimulatedDisk disk = new(new Random(seed));
        SealingDevice[] devices = NewDevices(seed);
        List<(SealingDevice Device, byte[] Batch)> late = [];
        BlockLog log = Open(disk);
        (int asked, int withRows, int appended) = (0, 0, 0);
        try
        {
            for (int step = 0; step < 14; step++)
            {
                switch (random.Next(9))
                {
                    case <= 3:
                        for (int i = random.Next(60); i >= 0; i--) AppendSome();
                        log.FlushPending();
                        break;
                    case 4:
                        await log.SealAsync();
                        break;
                    case 5:
                        await log.CompactAsync(Always);
                        break;
                    case 6:
                        uint erased = (uint)random.Next(1, Devices + 1);
                        ulong first = (ulong)random.Next(1, 80);
                        await log.EraseAsync([erased], record => new LogSelection(erased, FirstSeq: first, LastSeq: first + 9).Selects(record));
                        break;
                    case 7:
                        log.Dispose();
                        log = Open(disk);
                        break;
                    default:
                        foreach (string table in disk.ListFiles().Where(IsTable).ToList())
                        {
                            if (random.Next(2) == 0) disk.Delete(table);
                            else disk.Contents(table)[random.Next(disk.Contents(table).Length)] ^= 4;
                        }

                        break;
                }

                for (int i = 0; i < 3; i++) Ask(step);
            }
        }
        finally
        {
            log.Dispose();
        }

        return (asked, withRows);

        void AppendSome()
        {
            SealingDevice device = devices[random.Next(Devices)];
            late.Add((device, random.Next(15) == 0 ? device.Foreign() : device.Next(random.Next(1, 40))));
            int which = random.Next(3) == 0 ? random.Next(late.Count) : 0;
            if (random.Next(8) == 0) return; // comes later
            (SealingDevice sender, byte[] batch) = late[which];
            late.RemoveAt(which);
            Assert.True(log.TryAppend(LogRecordKind.Batch, 0, sender.Key, 1_700_000_000_000 + (appended++ * 30_000L), batch, out _));
        }

        void Ask(int step)
        {
            uint device = (uint)random.Next(1, Devices + 1);
            long before = random.Next(3) == 0 ? random.NextInt64(0, log.DurablePosition + 1) : long.MaxValue;
            List<long> ends = EndsOfBatches(log, device, before);
            long at = ends.Count == 0 ? 0 : ends[random.Next(ends.Count)];
            (long from, long to) = random.Next(3) switch
            {
                0 => (at, at + 1), // the one instant that a bound too narrow leaves out
                1 => (at - random.Next(100_000), at + random.Next(1, 100_000)),
                _ => (at + random.Next(1, 100), at + random.Next(200, 1_000_000)),
            };
            List<string> expected = ByReadingAll(log, device, before, from, to);
            List<string> found = Answer(log, device, before, from, to);
            Assert.True(expected.SequenceEqual(found), $"history {seed}, step {step}: device {device} from {from} to {to} before {before}: {found.Count} rows, {expected.Count} by reading everything");
            (asked, withRows) = (asked + 1, withRows + (expected.Count > 0 ? 1 : 0));
        }
    }

    private static SealingDevice[] NewDevices(int seed) => [.. Enumerable.Range(1, Devices).Select(key => new SealingDevice((uint)key, (seed * 100) + key))];

    private static bool IsTable(string name) => name.EndsWith(TimeTable.Suffix, StringComparison.Ordinal);

    private IEnumerable<string> Tables() => _disk.ListFiles().Where(IsTable);

    private static long HourUnixMs(int hour) => 1_700_000_000_000 + (hour * 3_600_000L);

    private static void Append(BlockLog log, SealingDevice device, int rows, int minute)
    {
        Assert.True(log.TryAppend(LogRecordKind.Batch, 0, device.Key, 1_700_000_000_000 + (minute * 60_000L), device.Next(rows), out _));
        log.FlushPending();
    }

    // Rows of one signal, the first half of an hour, in the SDK's packed form.
    private static void Append(BlockLog log, uint device, int hour, bool wallKnown, int rows = 20, long driftMs = 0)
    {
        RowBuffer series = new([1], [BlockPacker.NarrowKind]);
        for (int row = 0; row < rows; row++) series.Add((hour * 3_600_000L) + (row * (1_800_000L / rows)), 1, row % 7);
        System.Buffers.ArrayBufferWriter<byte> block = new();
        new BlockPacker().Pack(block, series, 0, rows, stepsInSeconds: false);
        BatchPacker batch = new();
        long uptime = (hour + 1) * 3_600_000L;
        batch.Begin(new BatchHeader(7, (ulong)hour + 1, 1, 0x1001, new ClockReading(wallKnown ? 1_700_000_000_000 + uptime + driftMs : 0, uptime, 50, wallKnown ? 3 : 0), 1, 0));
        batch.AddBlock(block.WrittenSpan);
        Assert.True(log.TryAppend(LogRecordKind.Batch, 0, device, HourUnixMs(1_000), batch.Seal(), out _));
        log.FlushPending();
    }

    private static List<string> Answer(BlockLog log, uint device, long before, long from, long to) => Answer(log, log.FindTimes(device, before), from, to);

    private static List<string> Answer(BlockLog log, DeviceTimes times, long from, long to)
    {
        List<string> rows = [];
        using RowReader reader = log.OpenRowReader(times, from, to);
        while (reader.TryReadBatch())
        {
            PlacedClock clock = times.Place(reader.Header, reader.ReceivedUnixMs);
            while (reader.TryReadBlock())
            {
                for (int row = 0; row < reader.TimesMs.Length; row++)
                {
                    long unixMs = clock.ToUnixMs(reader.TimesMs[row]);
                    if (unixMs < from || unixMs >= to) continue;
                    for (int column = 0; column < reader.ColumnCount; column++) rows.Add($"{unixMs} {clock.ErrorMs} {reader.Header.Seq} {reader.SignalId(column)} {reader.Values(column)[row]}");
                }
            }
        }

        rows.Sort(StringComparer.Ordinal);
        return rows;
    }

    // By the records, as consumers of the log get them, and the clock rule of Telemetry.Wire: nothing of what is tested.
    private static List<string> ByReadingAll(BlockLog log, uint device, long before, long from, long to)
    {
        List<string> rows = [];
        ReadAllBlocks(log, device, before, (header, clock, block) =>
        {
            for (int row = 0; row < block.RowCount; row++)
            {
                long unixMs = clock.ToUnixMs(block.TimesMs[row]);
                if (unixMs < from || unixMs >= to) continue;
                for (int column = 0; column < block.ColumnCount; column++) rows.Add($"{unixMs} {clock.ErrorMs} {header.Seq} {block.SignalId(column)} {block.Integers(column)[row]}");
            }
        });
        rows.Sort(StringComparer.Ordinal);
        return rows;
    }

    private static List<long> EndsOfBatches(BlockLog log, uint device, long before)
    {
        List<long> ends = [];
        ReadAllBlocks(log, device, before, (_, clock, block) => ends.AddRange([clock.ToUnixMs(block.TimesMs[0]), clock.ToUnixMs(block.TimesMs[^1])]));
        return ends;
    }

    private static void ReadAllBlocks(BlockLog log, uint device, long before, Action<BatchHeader, PlacedClock, BlockDecoder> onBlock)
    {
        BootClocks clocks = new();
        foreach (LogRecord record in Batches()) clocks.Learn(device, HeaderOf(record));
        BatchDecoder decoder = new();
        foreach (LogRecord record in Batches())
        {
            Assert.Equal(DecodeStatus.Done, decoder.Open(record.Payload.Span, out _));
            if (!clocks.TryPlace(device, decoder.Header, out PlacedClock clock)) clock = PlacedClock.ByReceipt(decoder.Header, record.ReceivedUnixMs);
            foreach (BlockDecoder block in decoder.Blocks(record.Payload.Span)) onBlock(decoder.Header, clock, block);
        }

        IEnumerable<LogRecord> Batches() => RecordChecks.Records(log, device).Where(record => record.Kind == LogRecordKind.Batch && record.Position < before);
    }

    private static BatchHeader HeaderOf(in LogRecord record)
    {
        Assert.Equal(DecodeStatus.Done, BatchReader.ReadHeader(record.Payload.Span, out BatchHeader header, out _));
        return header;
    }
}
