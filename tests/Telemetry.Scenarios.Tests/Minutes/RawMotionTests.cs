using System.Globalization;
using System.IO.Compression;
using Google.Protobuf;
using Telemetry.Device.Motion;
using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;
using Telemetry.Testing;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;
using Segment = Telemetry.Scenarios.Segments.Segment;
using SignalKind = Telemetry.Wire.Profiles.SignalKind;

namespace Telemetry.Scenarios.Tests.Minutes;

/// <summary>What is derived of raw acceleration: by the collector of a block, and by the device's meter of the same samples.</summary>
public sealed class RawMotionTests
{
    private const long Midnight = Persona.Midnight * 60_000L;
    private static readonly SignalSlot[] s_derived = [SignalSlot.Motion, SignalSlot.Steps, SignalSlot.Cadence, SignalSlot.Tilt];

    [Theory]
    [InlineData(1, 100)]
    [InlineData(2, 50)]
    [InlineData(3, 20)]
    [InlineData(4, 12)]
    [InlineData(5, 25)]
    public void Fold_AnySamples_IsWhatTheDevicesMeterSays(int seed, int hz)
    {
        Random random = new(seed);
        List<Sample> samples = [];
        long at = 1_000;
        for (int i = 0; i < Math.Min(hz * 50, 3000) && at < 59_000; i++)
        {
            samples.Add(new Sample(at, Noise(random, i), Noise(random, i + 9), 981 + Noise(random, i + 5)));
            at += (1000 / hz) + random.Next(3) + (random.Next(hz * 15) == 0 ? random.Next(300, 4000) : 0); // jitter, holes
        }

        List<int[]> windows = Meter(samples, hz + 20);
        DeviceMinute minute = Assert.Single(Fold(samples, Profile(), samples.Count)).Value;
        Assert.True(windows.Count >= 5);
        for (int i = 0; i < s_derived.Length; i++)
        {
            SlotStats cell = minute[s_derived[i]];
            Assert.Equal((windows.Count, windows.Sum(window => window[i] * 10L)), (cell.Count, cell.Sum));
        }
    }

    [Fact]
    public void Meter_AtRestWalkingAndRunning_SaysSoWithoutAllocating()
    {
        int[] still = Meter(Swing(0, 0), 50)[1], walk = Meter(Swing(1.9, 3), 50)[1], run = Meter(Swing(2.8, 9), 50)[1];
        Assert.Equal([0, 0, 0, 90], still); // gravity along x: upright
        Assert.InRange(walk[2], 102, 126); // 114 steps a minute; 5 s tell it to 12
        Assert.InRange(run[2], 156, 180);
        Assert.InRange(walk[0], 300, 450); // mean absolute deviation of a sine of 3 m/s2 is 1.91
        Assert.True(run[0] > 2 * walk[0]);

        MotionMeter meter = new(50);
        long now = 0;
        Assert.Equal(0, Allocation.LeastBytes(() =>
        {
            for (int i = 0; i < 1000; i++) meter.Add(981, i % 50, -i % 70, now += 20);
        }));
    }

    [Theory]
    [InlineData(0, 0, 981, 0)]
    [InlineData(0, 694, 694, 45)]
    [InlineData(981, 0, 0, 90)]
    [InlineData(0, -850, -490, 120)]
    [InlineData(0, 0, -981, 180)]
    public void Meter_HeldAtAnAngle_SaysHowFarFromUp(int x, int y, int z, int degrees) =>
        Assert.InRange(Meter([.. Enumerable.Range(0, 400).Select(i => new Sample(i * 20, x, y, z))], 50)[0][3], degrees - 1, degrees + 1);

    [Fact]
    public void Fold_WindowsTooShortOrTooSlow_SayNothing()
    {
        Assert.Empty(Fold(Swing(1.9, 3).Take(90), Profile())); // 1.8 s
        Assert.Empty(Fold(Swing(1.9, 3).Where((_, i) => i % 8 == 0), Profile())); // 6 Hz
        Assert.NotEmpty(Fold(Swing(1.9, 3).Take(110), Profile()));
    }

    [Fact]
    public void Fold_WhatTheModelSaysItself_IsNotDerived()
    {
        DeviceMinute minute = Assert.Single(Fold(Swing(1.9, 3), Profile(new SignalDefinition(9, "steps", "1", SignalKind.Counter, 1, 0, 1000, PrivacyClass.Activity, 0)))).Value;
        Assert.False(minute.Has(SignalSlot.Steps));
        Assert.True(minute.Has(SignalSlot.Cadence));
        Assert.Empty(Fold(Swing(1.9, 3), Profile(unit: "g")));
    }

    [Fact]
    public void Segments_OfABandThatSendsOnlyRawMotion_AreRestWalkAndRun()
    {
        List<Sample> samples = [.. Swing(0, 0, 0, 30), .. Swing(1.9, 3, 30, 30), .. Swing(0, 0, 60, 20), .. Swing(2.8, 9, 80, 25), .. Swing(0, 0, 105, 30)];
        BoundModel model = new(ModelFile.Default, FeatureCatalog.Names);
        DaySegmenter day = new(model, Persona.Midnight / 1440, Persona.Midnight, 0);
        foreach ((int minute, DeviceMinute device) in Fold(samples, Profile()))
        {
            MinuteRow row = new();
            row.Device(1)!.Merge(device);
            day.Feed(minute, row);
        }

        List<Segment> segments = day.Segments();
        Assert.Contains(ScenarioNames.Walk, Named(35, 55));
        Assert.Contains(ScenarioNames.Run, Named(85, 100));
        Assert.DoesNotContain(ScenarioNames.Walk, Named(10, 25));

        IEnumerable<string> Named(int from, int to) => segments.Where(segment => segment.StartMinute - Persona.Midnight < to && segment.EndMinute - Persona.Midnight > from).Select(segment => segment.Scenario);
    }

    // Phones in front pockets: published cadences of walking are 100-130 a minute, of jogging 140-180.
    [RealPartFact("data:wisdm")]
    public void Meter_PeopleWithAPhoneInThePocket_TellsWhatTheyDo()
    {
        ILookup<string, int[]> windows = Wisdm().GroupBy(row => (row.User, row.Activity)).SelectMany(stretch => Meter([.. stretch.Select(row => row.Sample)], 40).Select(window => (stretch.Key.Activity, window)))
            .ToLookup(pair => pair.Activity, pair => pair.window);
        Assert.InRange(Median(windows["Walking"], 2), 95, 130);
        Assert.InRange(Median(windows["Jogging"], 2), 140, 185);
        Assert.True(windows["Sitting"].Concat(windows["Standing"]).Average(window => window[2] == 0 ? 1.0 : 0) > 0.9);
        Assert.True(Median(windows["Jogging"], 0) > Median(windows["Walking"], 0) && Median(windows["Walking"], 0) > 5 * Median(windows["Sitting"], 0));

        static int Median(IEnumerable<int[]> found, int of) => found.Select(window => window[of]).Order().ElementAt(found.Count() / 2);
    }

    private static IEnumerable<(string User, string Activity, Sample Sample)> Wisdm()
    {
        using StreamReader reader = new(new GZipStream(File.OpenRead(Path.Combine(RealParts.DataFolder!, "wisdm", "wisdm_v1_raw.csv.gz")), CompressionMode.Decompress));
        reader.ReadLine();
        while (reader.ReadLine() is { } line)
        {
            string[] cells = line.Split(',');
            yield return (cells[0], cells[1], new Sample((long)double.Parse(cells[2], CultureInfo.InvariantCulture), Hundredths(cells[3]), Hundredths(cells[4]), Hundredths(cells[5])));
        }

        static int Hundredths(string cell) => (int)Math.Round(double.Parse(cell, CultureInfo.InvariantCulture) * 100);
    }

    // Motion, steps, cadence, tilt of each window.
    private static List<int[]> Meter(IReadOnlyList<Sample> samples, int mostHz)
    {
        MotionMeter meter = new(mostHz);
        List<int[]> windows = [];
        foreach (Sample sample in samples)
        {
            if (meter.Add(sample.X, sample.Y, sample.Z, sample.Ms)) windows.Add(Read());
        }

        if (meter.Flush()) windows.Add(Read());
        return windows;

        int[] Read() => [meter.ActivityCounts, meter.Steps, meter.Cadence, meter.Tilt];
    }

    // Of a body whose magnitude swings so many times a second by so many m/s2, at 50 Hz, gravity along x.
    private static List<Sample> Swing(double hz, double metersPerSecond2, int fromMinute = 0, double minutes = 0.5) =>
        [.. Enumerable.Range(0, (int)(minutes * 3000)).Select(i => new Sample((fromMinute * 60_000L) + (i * 20), 981 + (int)(100 * metersPerSecond2 * Math.Sin(Math.Tau * hz * i / 50)), 0, 0))];

    private static int Noise(Random random, int i) => (int)(400 * Math.Sin(i / 5.0)) + random.Next(-150, 150);

    private static ModelProfile Profile(SignalDefinition? also = null, string unit = "m/s2")
    {
        SignalDefinition[] axes = [.. new[] { "accel_x", "accel_y", "accel_z" }.Select((key, i) => new SignalDefinition(i + 1, key, unit, SignalKind.Gauge, 0.01, -160, 160, PrivacyClass.Activity, 20))];
        return new ModelProfile("raw-1", 1, 5, [.. axes, .. also is null ? Array.Empty<SignalDefinition>() : [also]]);
    }

    // In blocks of a minute, as a band would seal them.
    private static SortedDictionary<int, DeviceMinute> Fold(IEnumerable<Sample> samples, ModelProfile profile, int rowsOfABlock = 3000)
    {
        Sink sink = new();
        foreach (Sample[] part in samples.Chunk(rowsOfABlock))
        {
            PlainBlock block = new() { StartUptimeMs = (ulong)part[0].Ms, Rows = (uint)part.Length, TimeDeltasMs = { part.Zip(part.Skip(1), (one, next) => (uint)(next.Ms - one.Ms)) } };
            block.Columns.Add([Column(1, sample => sample.X), Column(2, sample => sample.Y), Column(3, sample => sample.Z)]);
            BlockDecoder decoder = new();
            Assert.Equal(default, decoder.Decode(block.ToByteArray(), isPlain: true));
            BlockFold.Fold(decoder, new ProfileSlots(profile), Midnight, sink);

            PlainColumn Column(uint signal, Func<Sample, int> read) => new() { Signal = signal, Deltas = { part.Select((sample, i) => (long)read(sample) - (i == 0 ? 0 : read(part[i - 1]))) } };
        }

        return new(sink.Minutes.Where(minute => minute.Value.Slots != 0).ToDictionary());
    }

    private readonly record struct Sample(long Ms, int X, int Y, int Z);

    private sealed class Sink : IMinuteSink
    {
        public SortedDictionary<int, DeviceMinute> Minutes { get; } = [];

        public DeviceMinute Minute(int minute) => Minutes.TryGetValue(minute, out DeviceMinute? found) ? found : Minutes[minute] = new DeviceMinute(1);
    }
}
