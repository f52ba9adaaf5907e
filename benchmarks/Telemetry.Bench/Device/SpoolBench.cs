using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using Telemetry.Device;
using Telemetry.Device.Platform;
using Telemetry.Device.Tests.Support;
using Telemetry.Wire;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;

namespace Telemetry.Bench.Device;

/// <summary><c>tools/bench spool</c>: a million power cuts; what a week of three real channels takes on flash; how far back a full spool reaches
/// (<c>--week</c>: only these two).</summary>
internal static class SpoolBench
{
    private const long Target = 1_000_000;
    private const int WeekSeconds = 7 * 86_400;
    private const int OfflineSeconds = 28 * 86_400;
    private const int OfflineSectors = 112; // of 4 KiB: 448 KiB

    public static int Run(BenchOptions options)
    {
        if (options.Rest.Contains("--week"))
        {
            Print(MeasureWeek(options.DataPath), MeasureReach(options.DataPath, thins: true), MeasureReach(options.DataPath, thins: false));
            return 0;
        }

        Stopwatch watch = Stopwatch.StartNew();

        // Two halves on two cores; each keeps its own list of images, and different seeds never meet in one.
        SpoolCuts singles = new(1);
        SpoolCuts pairs = new(2);
        Thread other = new(() => pairs.Run(Target * 11 / 20, inPairs: true));
        other.Start();
        singles.Run(Target * 11 / 20, inPairs: false);
        other.Join();
        double seconds = watch.Elapsed.TotalSeconds;
        long cuts = singles.Cuts + pairs.Cuts;
        long lost = singles.CommittedLost + pairs.CommittedLost;
        long corrupt = singles.CorruptDelivered + pairs.CorruptDelivered;
        long wipes = singles.RingWipes + pairs.RingWipes;
        long ledgers = singles.WrongLedgers + pairs.WrongLedgers;
        Week week = MeasureWeek(options.DataPath);
        double days = MeasureReach(options.DataPath, thins: true);
        double daysWhole = MeasureReach(options.DataPath, thins: false);
        string? failure = singles.FirstFailure ?? pairs.FirstFailure;
        if (failure is not null) Console.Error.WriteLine(failure);
        if (options.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                cuts, seconds, committedLost = lost, corruptDelivered = corrupt, ringWipes = wipes, wrongLedgers = ledgers,
                bytesFor7Days = week.FlashBytes, writeAmplification = week.Amplification, metadataBytesPerSample = week.MetadataPerSample, week.Samples,
                daysInFullSpool = days, daysInFullSpoolUnthinned = daysWhole,
            }));
        }
        else
        {
            Console.WriteLine($"{cuts:N0} distinct cuts in {seconds:F1} s: {lost} committed lost, {corrupt} corrupt delivered, {wipes} rings wiped, {ledgers} ledgers wrong");
            Print(week, days, daysWhole);
        }

        return lost + corrupt + wipes + ledgers == 0 ? 0 : 1;
    }

    private static void Print(Week week, double days, double daysWhole)
    {
        Console.WriteLine(
            $"7 days x 3 channels x 1 Hz: {week.FlashBytes:N0} bytes of flash, {week.MetadataPerSample:F4} of metadata a sample, write amplification {week.Amplification:F3}");
        Console.WriteLine($"after 28 days offline 448 KiB reach back {days:F1} days thinned, {daysWhole:F1} in full");
    }

    // With the options of the SDK as they are, out of reach of any collector.
    private static Week MeasureWeek(string dataPath)
    {
        List<int[]> rows = ReadWearable(dataPath);
        if (rows.Count == 0) return new Week(0, 0, 0, 0);
        ManualClock clock = new(0);
        CountingFlash flash = new(new MemoryFlash(256, 4096, 160));
        TelemetryClient client = NewClient(clock, flash, new Unreachable(), thins: true);
        long free = client.SpoolFreeBytes;
        Record(client, clock, rows, WeekSeconds);
        client.Flush();
        TelemetryCounters counters = client.ReadCounters();
        if (counters.DroppedTotal != 0) throw new InvalidOperationException("The week does not fit the measuring flash.");
        long used = free - client.SpoolFreeBytes;
        return new Week(used, counters.Recorded, flash.Programmed / (double)counters.SealedBytes, (flash.Programmed - counters.SealedBytes) / (double)counters.Recorded);
    }

    // Four weeks out of reach fill the spool four times over; then everything it still has arrives, and its oldest sample tells.
    private static double MeasureReach(string dataPath, bool thins)
    {
        List<int[]> rows = ReadWearable(dataPath);
        if (rows.Count == 0) return 0;
        ManualClock clock = new(0);
        ScriptedBroker broker = new() { IsUp = false };
        TelemetryClient client = NewClient(clock, new MemoryFlash(256, 4096, OfflineSectors), broker, thins);
        Record(client, clock, rows, OfflineSeconds);
        broker.IsUp = true;
        client.UploadNow();
        while (!client.IsDrained) clock.Advance(Math.Max(1, client.Step()));

        BlockDecoder decoder = new();
        long oldestMs = long.MaxValue;
        foreach (byte[] batch in broker.Published)
        {
            foreach (BlockSlice slice in BatchReader.Blocks(batch))
            {
                if (decoder.Decode(batch.AsSpan(slice.Offset, slice.Length)) != DecodeStatus.Done) throw new InvalidOperationException("A block does not read.");
                oldestMs = Math.Min(oldestMs, decoder.TimesMs[0]);
            }
        }

        return ((OfflineSeconds * 1000L) - oldestMs) / 86_400_000.0;
    }

    private static TelemetryClient NewClient(ManualClock clock, IFlash flash, ITransport transport, bool thins) => new(new TelemetryOptions
    {
        Brand = "bench",
        Device = "week",
        Host = "none",
        Clock = clock,
        Flash = flash,
        Transport = transport,
        Profile = new Profile(1, [1, 2, 3], [1, 1, 1], [1000, 1000, 1000]),
        ThinsWhenNearlyFull = thins,
        Seed = 1,
    });

    private static void Record(TelemetryClient client, ManualClock clock, List<int[]> rows, int seconds)
    {
        for (int second = 0; second < seconds; second++)
        {
            int[] row = rows[second % rows.Count];
            for (int column = 0; column < 3; column++) client.RecordAt(column + 1, row[column], clock.UptimeMs);
            clock.Advance(1000);
            client.Step();
        }
    }

    private static List<int[]> ReadWearable(string dataPath)
    {
        string folder = Path.Combine(dataPath, "wearable_1hz");
        return Directory.Exists(folder) ? [.. Directory.GetFiles(folder, "*.csv.gz").Order(StringComparer.Ordinal).SelectMany(ReadRows)] : [];
    }

    private static IEnumerable<int[]> ReadRows(string path)
    {
        using StreamReader reader = new(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        reader.ReadLine();
        while (reader.ReadLine() is { } line)
        {
            string[] cells = line.Split(',');
            yield return [.. cells.Skip(1).Take(3).Select(cell => (int)Math.Round(double.Parse(cell, CultureInfo.InvariantCulture)))];
        }
    }

    private sealed record Week(long FlashBytes, long Samples, double Amplification, double MetadataPerSample);

    private sealed class Unreachable : ITransport
    {
        public TransportStatus Connect(string host, int port) => TransportStatus.Broken;

        public int Send(byte[] buffer, int offset, int count) => -1;

        public int Receive(byte[] buffer, int offset, int count) => -1;

        public void Close()
        {
        }
    }

    private sealed class CountingFlash(IFlash inner) : IFlash
    {
        public long Programmed { get; private set; }

        public int PageBytes => inner.PageBytes;

        public int SectorBytes => inner.SectorBytes;

        public int SectorCount => inner.SectorCount;

        public bool Read(int address, byte[] buffer, int offset, int count) => inner.Read(address, buffer, offset, count);

        public bool Program(int address, byte[] buffer, int offset, int count)
        {
            Programmed += count;
            return inner.Program(address, buffer, offset, count);
        }

        public bool Erase(int sector) => inner.Erase(sector);

        public bool Flush() => inner.Flush();
    }
}
