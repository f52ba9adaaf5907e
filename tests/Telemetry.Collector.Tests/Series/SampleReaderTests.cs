using Google.Protobuf;
using Telemetry.Collector.Series;
using Telemetry.Log;
using Telemetry.Testing;
using Telemetry.Wire;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Tests.Series;

/// <summary>Samples of several signals, late, repeated in time and cut by a range, against the order worked out from what was sent.</summary>
public sealed class SampleReaderTests : IDisposable
{
    private const long BootUnixMs = 1_700_000_000_000;
    private const int Signals = 3;

    private readonly TempFolder _folder = new();
    private readonly BlockLog _log;

    public SampleReaderTests() => _log = BlockLog.Open(new BlockLogOptions { Folder = _folder["log"], SegmentBytes = 1 << 20, BufferBytes = 1 << 20 });

    public void Dispose()
    {
        _log.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Read_BlocksOfAnySignalsAndTimes_ComeInTheOrderOfAnAnswer(int seed)
    {
        Random random = new(seed);
        List<Expected> sent = [];
        long position = 0;
        for (int i = 0; i < 80; i++)
        {
            Batch batch = NewBatch(random, (ulong)i + 1, receivedUnixMs: BootUnixMs + (i * 1_000), sent);
            Assert.True(_log.TryAppend(LogRecordKind.Batch, 0, 1, BootUnixMs + (i * 1_000), Sealed(batch), out position));
        }

        Assert.True(await _log.WaitDurableAsync(position));
        sent.Sort();
        for (int form = 0; form < 3; form++)
        {
            foreach ((long from, long to) in ((long, long)[])[(long.MinValue, long.MaxValue), (sent[100].UnixMs, sent[900].UnixMs), (sent[500].UnixMs, sent[500].UnixMs + 1)])
            {
                IEnumerable<Expected> expected = sent.Where(sample => sample.UnixMs >= from && sample.UnixMs < to);
                Assert.Equal(expected, Read(new SampleRange(1, from, to, "")));
                Assert.Equal(expected.Where(sample => sample.Signal == 2), Read(new SampleRange(1, from, to, "signal_2")));
            }

            if (form == 0) await _log.SealAsync();
            if (form == 1) Assert.True((await _log.CompactAsync(DateTimeOffset.MaxValue)).Segments > 0);
        }
    }

    private List<Expected> Read(SampleRange range) =>
        [.. new SampleReader(_log, new OneModel(), long.MaxValue, windowRows: 200).Read(range).Select(row => new Expected(row.UnixMs, row.Signal.Id, row.Origin.ReceivedUnixMs, row.Origin.Seq, row.Origin.Row, row.Value, row.Quality, row.ErrorMs))];

    private static Batch NewBatch(Random random, ulong seq, long receivedUnixMs, List<Expected> sent)
    {
        const uint ErrorMs = 40;
        long sealedMs = random.Next(400_000, 500_000); // every row lies before its pair
        Batch batch = new() { Epoch = 7, Seq = seq, Boot = 1, Profile = 0x1001, Clock = new Clock { WallUnixMs = (ulong)(BootUnixMs + sealedMs), UptimeMs = (ulong)sealedMs, ErrorMs = ErrorMs, Source = ClockSource.Server } };
        int before = 0;
        for (int blocks = random.Next(1, 4); blocks > 0; blocks--)
        {
            int rows = random.Next(1, 12);
            int[] signals = [.. Enumerable.Range(1, Signals).Where(_ => random.Next(3) > 0).DefaultIfEmpty(2)];
            PlainBlock block = new() { StartUptimeMs = (ulong)random.Next(300_000), Rows = (uint)rows };
            block.TimeDeltasMs.AddRange(Enumerable.Range(0, rows - 1).Select(_ => (uint)(random.Next(3) == 0 ? 0 : random.Next(2_000))));
            foreach (int signal in signals) block.Columns.Add(new PlainColumn { Signal = (uint)signal, Deltas = { Enumerable.Repeat((long)signal, rows) } });
            batch.PlainBlocks.Add(block);
            long time = (long)block.StartUptimeMs;
            for (int row = 0; row < rows; row++)
            {
                uint errorMs = ErrorMs + (uint)(((sealedMs - time) * 100 + 999_999) / 1_000_000); // WIRE.md: 100 ppm away from the pair
                sent.AddRange(signals.Select(signal => new Expected(BootUnixMs + time, signal, receivedUnixMs, seq, before + row, (row + 1) * signal, 0, errorMs)));
                if (row < rows - 1) time += block.TimeDeltasMs[row];
            }

            before += rows;
        }

        return batch;
    }

    private static byte[] Sealed(Batch batch)
    {
        byte[] body = batch.ToByteArray();
        byte[] sealedBatch = [.. body, (15 << 3) | 5, 0, 0, 0, 0];
        BitConverter.TryWriteBytes(sealedBatch.AsSpan(body.Length + 1), Crc32C.Compute(body));
        return sealedBatch;
    }

    private readonly record struct Expected(long UnixMs, int Signal, long ReceivedUnixMs, ulong Seq, int Row, double Value, byte Quality, uint ErrorMs) : IComparable<Expected>
    {
        public int CompareTo(Expected other) =>
            (UnixMs, Signal, ReceivedUnixMs, Seq, Row).CompareTo((other.UnixMs, other.Signal, other.ReceivedUnixMs, other.Seq, other.Row));
    }

    private sealed class OneModel : IDeviceCatalog
    {
        private readonly ModelProfile _profile = new(
            "band", 1, 0x1001, [.. Enumerable.Range(1, Signals).Select(id => new SignalDefinition(id, $"signal_{id}", "1", SignalKind.Gauge, 1, 0, 1, PrivacyClass.Device, 1000))]);

        public DeviceDescription FindDevice(uint deviceKey) => new(deviceKey, 1, "acme", "b1", "band");

        public ModelProfile FindProfile(uint deviceKey, uint profileHash) => _profile;
    }
}
