using Telemetry.Device.Platform;
using Telemetry.Device.Tests.Support;

namespace Telemetry.Device.Tests.Sampling;

/// <summary>One pool holds all that is open: rows of every period from below, samples that share no row from above.</summary>
public sealed class PoolTests
{
    private const int Fast = 1, Slow = 2, Door = 3, Level = 4, Button = 5;

    private static readonly byte[] Kinds = [(byte)SignalKind.Gauge, (byte)SignalKind.Counter, (byte)SignalKind.State, (byte)SignalKind.Real, (byte)SignalKind.Event];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Record_RowsOfTwoPeriodsSamplesOfNoRowAndEvents_ArriveAsTheyWere(int seed)
    {
        Random random = new(seed);
        Rig rig = NewRig(256);
        List<(int Signal, long Ms, long Value)> given = [];
        for (int second = 0; second < 3_000; second++)
        {
            Give(Fast, random.Next(-2_000, 2_000));
            if (second % 60 == 0) Give(Slow, random.Next(100));
            if (random.Next(3) == 0) Give(Door, random.Next(5) == 0 ? random.NextInt64() : random.Next(2));
            if (random.Next(7) == 0) Give(Level, BitConverter.DoubleToInt64Bits(random.NextDouble()));
            if (random.Next(40) == 0) Give(Button, 1);
            rig.Run(1_000);
        }

        rig.Client.Flush();
        rig.Run(10_000);
        Assert.Equal(given.Order(), Rig.Samples(rig.Broker.Published).Order());
        rig.AssertConserved();

        void Give(int signal, long value)
        {
            long now = rig.Clock.UptimeMs;
            given.Add((signal, now, value));
            if (signal == Level) rig.Client.RecordAt(signal, BitConverter.Int64BitsToDouble(value), now);
            else rig.Client.RecordAt(signal, value, now);
        }
    }

    [Fact]
    public void RecordAt_EveryRowEarlierThanTheLast_NothingIsLostAndBatchesAreFull()
    {
        Rig rig = NewRig(0);
        for (int second = 1_000; second > 0; second--) rig.Client.RecordAt(Fast, second, second * 1000L);
        rig.Client.Flush();
        rig.Run(10_000);
        Assert.Equal(Enumerable.Range(1, 1_000).Select(second => (Fast, second * 1000L, (long)second)), Rig.Samples(rig.Broker.Published).Order());
        Assert.InRange(rig.Broker.Published.Count, 1, 20);
    }

    // A record counts its entries in a byte: more signals than that, of as many periods and with gaps between their ids, take several batches.
    [Theory]
    [InlineData(0)]
    [InlineData(256)]
    public void Record_AsManySignalsAndPeriodsAsAProfileHas_AllArriveAsTheyWere(int batchBytes)
    {
        int[] ids = [.. Enumerable.Range(0, Profile.MaxSignals).Select(i => 1 + (i * 3))];
        byte[] kinds = new byte[ids.Length];
        Array.Fill(kinds, (byte)SignalKind.Gauge);
        Rig rig = new(options =>
        {
            options.Profile = new Profile(0x99, ids, kinds, [.. Enumerable.Range(0, ids.Length).Select(i => 1_000 + i)]);
            options.BatchBytes = batchBytes;
        }, new MemoryFlash(256, 4096, 64));
        List<(int Signal, long Ms, long Value)> given = [];
        for (int second = 1; second <= 40; second++)
        {
            for (int i = 0; i < ids.Length; i++)
            {
                given.Add((ids[i], second * 1000L, second * i % 7));
                rig.Client.RecordAt(ids[i], second * i % 7, second * 1000L);
                if (second % 10 != 0) continue;
                given.Add((ids[i], second * 1000L, long.MaxValue - i)); // no row holds it
                rig.Client.RecordAt(ids[i], long.MaxValue - i, second * 1000L);
            }

            rig.Run(1_000);
        }

        rig.Client.Flush();
        rig.Run(60_000);
        Assert.Equal(given.Order(), Rig.Samples(rig.Broker.Published).Order());
        rig.AssertConserved();
    }

    [Fact]
    public void Program_OfEveryRecord_IsWholeWordsOnceEach()
    {
        WordFlash flash = new();
        ManualClock clock = new(0);
        Rig rig = new(options =>
        {
            options.Flash = flash;
            options.Profile = MakeProfile();
            options.SealIntervalMs = 7_000;
        }, clock: clock);
        for (int second = 0; second < 5_000; second++)
        {
            rig.Client.Record(Fast, second * 31 % 977);
            if (second % 3 == 0) rig.Client.Record(Door, second & 1);
            rig.Run(1_000);
        }

        Assert.True(rig.Client.ReadCounters().SealedBatches > 500);
        Assert.Null(flash.Fault);
    }

    private static Rig NewRig(int batchBytes) => new(options =>
    {
        options.Profile = MakeProfile();
        options.BatchBytes = batchBytes;
        options.Window = 16;
    });

    private static Profile MakeProfile() => new(0x77, [Fast, Slow, Door, Level, Button], Kinds, [1_000, 60_000, 0, 0, 0]);

    /// <summary>Flash that programs words of 8 bytes, each once between two erases.</summary>
    private sealed class WordFlash : IFlash
    {
        private readonly MemoryFlash _flash = new(256, 4096, 8);
        private readonly bool[] _isProgrammed = new bool[8 * 4096 / 8];

        public string? Fault { get; private set; }

        public int PageBytes => _flash.PageBytes;

        public int SectorBytes => _flash.SectorBytes;

        public int SectorCount => _flash.SectorCount;

        public bool Read(int address, byte[] buffer, int offset, int count) => _flash.Read(address, buffer, offset, count);

        public bool Program(int address, byte[] buffer, int offset, int count)
        {
            if (address % 8 != 0 || count % 8 != 0 || count == 0) Fault ??= $"{count} bytes at {address}";
            for (int word = address / 8; word < (address + count) / 8; word++)
            {
                if (_isProgrammed[word]) Fault ??= $"word {word} twice";
                _isProgrammed[word] = true;
            }

            return _flash.Program(address, buffer, offset, count);
        }

        public bool Erase(int sector)
        {
            Array.Clear(_isProgrammed, sector * SectorBytes / 8, SectorBytes / 8);
            return _flash.Erase(sector);
        }

        public bool Flush() => true;
    }
}
