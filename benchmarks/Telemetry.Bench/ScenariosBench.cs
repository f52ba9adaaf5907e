using System.Diagnostics;
using System.Text.Json;
using Telemetry.Scenarios.Datasets;
using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Bench;

/// <summary>What scenarios cost: minutes folded and named a second of CPU, state of a user under way, the repair of a day that came late, and what the quality gate holds to be untrue.</summary>
internal static class ScenariosBench
{
    private const int WarmUpUsers = 20, Users = 40, Days = 7, Repeats = 5;
    private const int FirstDay = 20_759;
    private const int MinutesPerDay = DaySegmenter.MinutesPerDay;

    public static int Run(BenchOptions options)
    {
        // --model FILE: another than the shipped one, such as one trained on every person of a set.
        BoundModel model = new(options.Text("--model") is { } file ? ModelFile.Read(File.ReadAllBytes(file)) : ModelFile.Default, FeatureCatalog.Names);
        (int[] heart, int[] steps) = Samples();
        for (int user = 0; user < WarmUpUsers; user++) FoldUser(model, heart, steps, user); // compiles, in steps: a collector runs for months

        TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
        int minutes = 0;
        for (int user = 0; user < Users; user++) minutes += FoldUser(model, heart, steps, user);
        double seconds = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds;

        (double lateMs, bool isIdentical) = LateDay(model, heart, steps);
        int stateBytes = new DaySegmenter(model, FirstDay, FirstDay * MinutesPerDay, 0).StateBytes;
        double? filledIn = Untrue(options.DataPath, "applewatch_fitbit"), measured = Untrue(options.DataPath, "fitabase");
        double perSecond = Math.Round(minutes / seconds);
        if (options.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                minutesPerCoreSecond = perSecond, stateBytesPerUser = stateBytes, lateDayMs = Math.Round(lateMs, 2), lateDayIdentical = isIdentical,
                gateFilledInFlagged = filledIn, gateMeasuredFlagged = measured,
            }));
        }
        else
        {
            Console.WriteLine($"minutes folded, filtered and named   {perSecond,12:N0} a core-second (samples -> row -> bytes -> features -> lag filter -> segments)");
            Console.WriteLine($"state of a user under way            {stateBytes,12:N0} bytes");
            Console.WriteLine($"a day that came late, three days redone {lateMs,9:F1} ms, {(isIdentical ? "identical" : "DIFFERENT")}");
            Console.WriteLine(filledIn is null ? $"quality gate: not judged, {options.DataPath} has no sets of bands" : $"quality gate: {filledIn:P2} of the filled-in minutes flagged, {measured:P4} of the measured ones");
        }

        return isIdentical ? 0 : 1;
    }

    // Share of a set's Fitbit minutes that the quality gate holds to be untrue; null where the set is missing.
    private static double? Untrue(string dataPath, string set)
    {
        string folder = Path.Combine(dataPath, set);
        return Directory.Exists(folder) ? GateReport.Of(BandMinuteReader.Read(set, folder)).Single(band => band.Band == "fitbit").UntrueShare : null;
    }

    private static int FoldUser(BoundModel model, int[] heart, int[] steps, int seed)
    {
        SortedDictionary<int, byte[]> rows = [];
        DaySegmenter? day = null;
        for (int i = 0; i < Days * MinutesPerDay; i++)
        {
            int minute = (FirstDay * MinutesPerDay) + i;
            MinuteRow row = Row(heart, steps, i + seed);
            rows[minute] = MinuteRowCodec.Write(row);
            if (i % MinutesPerDay == 0)
            {
                day?.Segments();
                day = new DaySegmenter(model, minute / MinutesPerDay, minute, 0);
            }

            day!.Feed(minute, row);
        }

        day?.Segments();
        return rows.Count;
    }

    private static (double Ms, bool IsIdentical) LateDay(BoundModel model, int[] heart, int[] steps)
    {
        SortedList<int, byte[]> all = [];
        int from = FirstDay * MinutesPerDay, late = FirstDay + 3;
        for (int i = 0; i < Days * MinutesPerDay; i++) all[from + i] = MinuteRowCodec.Write(Row(heart, steps, i));
        int last = all.Keys[^1];
        List<Segment>[] expected = [.. Affected(late).Select(day => Derive(model, all, day, from, last))];

        SortedList<int, byte[]> without = new(all.Where(row => row.Key / MinutesPerDay != late).ToDictionary());
        List<Segment>[] early = [.. Affected(late).Select(day => Derive(model, without, day, from, last))];
        double best = double.MaxValue;
        List<Segment>[] repaired = early;
        for (int repeat = 0; repeat < Repeats; repeat++)
        {
            TimeSpan cpu = Environment.CpuUsage.TotalTime; // of this process: others may be at work
            repaired = [.. Affected(late).Select(day => Derive(model, all, day, from, last))];
            best = Math.Min(best, (Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds);
        }

        bool isChanged = !Same(early[1], repaired[1]);
        return (best, isChanged && expected.Zip(repaired).All(pair => Same(pair.First, pair.Second)));
    }

    private static IEnumerable<int> Affected(int day) => [day - 1, day, day + 1];

    private static bool Same(List<Segment> one, List<Segment> other) => one.Count == other.Count && one.Zip(other).All(pair => SegmentList.Same(pair.First, pair.Second));

    private static List<Segment> Derive(BoundModel model, SortedList<int, byte[]> rows, int day, int first, int last)
    {
        DaySegmenter segmenter = new(model, day, first, 0);
        for (int minute = Math.Max(first, DaySegmenter.FirstRowOf(day)); minute <= Math.Min(last, DaySegmenter.LastRowOf(day)); minute++)
        {
            if (rows.TryGetValue(minute, out byte[]? bytes)) segmenter.Feed(minute, MinuteRowCodec.Read(bytes));
        }

        segmenter.PassTo(last + 1);
        return segmenter.Segments();
    }

    // A reading every 5 s as the fitabase wrists give them: heart rate, and steps each 10 s.
    private static MinuteRow Row(int[] heart, int[] steps, int minute)
    {
        MinuteRow row = new();
        DeviceMinute band = row.Device(1)!;
        int at = minute % heart.Length;
        for (int i = 0; i < 12; i++) band.Cell(SignalSlot.HeartRate).Add((heart[at] * 10) + ((i * 7 % 5) * 10));
        for (int i = 0; i < 6; i++) band.Cell(SignalSlot.Steps).Add(steps[at] / 6 * 10);
        band.Cell(SignalSlot.Motion).Add(10 * (steps[at] * 4 + 5));
        band.AddQuality(12, 12, 0, 0);
        return row;
    }

    // A day of nights, rests, walks and runs.
    private static (int[] Heart, int[] Steps) Samples()
    {
        Random random = new(1);
        int[] heart = new int[MinutesPerDay], steps = new int[MinutesPerDay];
        for (int minute = 0; minute < MinutesPerDay; minute++)
        {
            (int beats, int pace) = minute < 420 ? (54, 0) : (minute % 180) switch { < 25 => (100, 108), < 45 => (160, 164), _ => (68, random.Next(5) == 0 ? 12 : 0) };
            heart[minute] = beats + random.Next(-3, 4);
            steps[minute] = pace;
        }

        return (heart, steps);
    }
}
