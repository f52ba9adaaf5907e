using System.Globalization;
using Telemetry.Scenarios.Training;

namespace Telemetry.Scenarios.Datasets;

/// <summary>
/// Reads homes with switches and labelled activities: Ordonez A (2013) and van Kasteren A (2008). A minute tells of each sensor whether it was on and how long
/// ago it last changed, and which one spoke last.
/// </summary>
public static class HomeReader
{
    internal static readonly string[] KasterenFormats = ["dd-MMM-yyyy HH:mm:ss"];
    internal static readonly string[] OrdonezFormats = ["yyyy-MM-dd HH:mm:ss"];

    private static readonly Dictionary<string, string> KasterenActivities = new(StringComparer.Ordinal)
    {
        ["1"] = "away", ["4"] = "toilet", ["5"] = "shower", ["10"] = "sleep", ["13"] = "breakfast", ["15"] = "dinner", ["17"] = "drink",
    };

    /// <summary>Reads van Kasteren's home A; a day is a person of the set.</summary>
    public static LabelledSet ReadKasteren(string folder)
    {
        List<Stay> sensors = Read(Path.Combine(folder, "kasterenSenseData.txt"), KasterenFormats, cells => cells[0]);
        List<Stay> activities = Read(Path.Combine(folder, "kasterenActData.txt"), KasterenFormats, cells => KasterenActivities.GetValueOrDefault(cells[0], ""));
        return Days("kasteren", sensors, activities);
    }

    /// <summary>Reads Ordonez's home A; a day is a person of the set.</summary>
    public static LabelledSet ReadOrdonez(string folder)
    {
        List<Stay> sensors = Read(Path.Combine(folder, "OrdonezA_Sensors.txt"), OrdonezFormats, cells => string.Join(' ', cells));
        List<Stay> activities = Read(Path.Combine(folder, "OrdonezA_ADLs.txt"), OrdonezFormats, cells => cells[0] switch
        {
            "Sleeping" => "sleep",
            "Leaving" => "away",
            "Toileting" => "toilet",
            "Showering" => "shower",
            "Spare_Time/TV" => "rest",
            string other => other.ToLowerInvariant(),
        });
        return Days("ordonez", sensors, activities);
    }

    internal static LabelledSet Days(string name, IReadOnlyList<Stay> sensors, IReadOnlyList<Stay> activities)
    {
        string[] sensorNames = [.. sensors.Select(stay => stay.Name).Distinct().Order(StringComparer.Ordinal)];
        string[] scenarios = [.. activities.Where(stay => stay.Name.Length > 0).Select(stay => stay.Name).Distinct().Order(StringComparer.Ordinal)];
        string[] baseNames = [.. sensorNames.SelectMany(sensor => new[] { $"{sensor}:on", $"{sensor}:age", $"{sensor}:last" }), "quiet", "hour_of_day"];
        int from = Math.Min(sensors.Min(stay => stay.From), activities.Min(stay => stay.From)) / 60, to = activities.Max(stay => stay.To) / 60;
        int[] labels = Labels(activities, scenarios, from, to);
        float[][] vectors = Vectors(sensors, sensorNames, baseNames.Length, from, to);

        return new LabelledSet(name, baseNames, [.. baseNames.Select(_ => (IReadOnlyList<string>)[])], scenarios, ByDay(from, vectors, labels));
    }

    /// <summary>The days of a home that have a label, each as a person of its own.</summary>
    internal static List<LabelledPerson> ByDay(int from, float[][] vectors, int[] labels)
    {
        List<LabelledPerson> days = [];
        for (int start = 0; start < labels.Length;)
        {
            int end = start + 1;
            while (end < labels.Length && (from + end) / 1440 == (from + start) / 1440) end++;
            if (labels.AsSpan(start, end - start).ContainsAnyExcept(-1))
                days.Add(new LabelledPerson($"day {(from + start) / 1440}", [.. Enumerable.Range(from + start, end - start)], vectors[start..end], labels[start..end]));
            start = end;
        }

        return days;
    }

    // Of two activities at once the shorter speaks: a visit to the bathroom inside a night.
    internal static int[] Labels(IReadOnlyList<Stay> activities, string[] scenarios, int from, int to)
    {
        int[] labels = new int[to - from + 1];
        Array.Fill(labels, -1);
        foreach (Stay stay in activities.Where(stay => stay.Name.Length > 0).OrderByDescending(stay => stay.To - stay.From))
        {
            int label = Array.IndexOf(scenarios, stay.Name);
            for (int minute = stay.From / 60; minute <= Math.Max(stay.From / 60, (stay.To - 30) / 60); minute++) labels[minute - from] = label;
        }

        return labels;
    }

    private static float[][] Vectors(IReadOnlyList<Stay> sensors, string[] names, int width, int from, int to)
    {
        List<(int Second, int Sensor, bool On)> changes = [.. sensors.SelectMany(stay => new[]
        {
            (stay.From, Array.IndexOf(names, stay.Name), true), (stay.To, Array.IndexOf(names, stay.Name), false),
        }).OrderBy(change => change.Item1)];
        int[] changed = new int[names.Length];
        bool[] on = new bool[names.Length], onNow = new bool[names.Length];
        Array.Fill(changed, int.MinValue / 2);
        int next = 0, last = -1, lastSecond = int.MinValue / 2;
        float[][] vectors = new float[to - from + 1][];
        for (int minute = from; minute <= to; minute++)
        {
            on.CopyTo(onNow, 0);
            for (; next < changes.Count && changes[next].Second < (minute + 1) * 60; next++)
            {
                (int second, int sensor, bool isOn) = changes[next];
                on[sensor] = isOn;
                onNow[sensor] |= isOn;
                changed[sensor] = lastSecond = second;
                last = sensor;
            }

            float[] vector = vectors[minute - from] = new float[width];
            for (int sensor = 0; sensor < names.Length; sensor++)
            {
                vector[3 * sensor] = onNow[sensor] ? 1 : 0;
                vector[(3 * sensor) + 1] = Age(minute, changed[sensor]);
                vector[(3 * sensor) + 2] = last == sensor ? 1 : 0;
            }

            vector[^2] = Age(minute, lastSecond);
            vector[^1] = minute % 1440 / 60f;
        }

        return vectors;
    }

    private static float Age(int minute, int second) => second < 0 ? float.NaN : MathF.Log(1 + (((minute + 1) * 60 - second) / 60f));

    internal static List<Stay> Read(string file, string[] formats, Func<string[], string> nameOf)
    {
        if (!File.Exists(file)) throw new InvalidDataException($"{file} is missing.");
        List<Stay> stays = [];
        foreach (string line in File.ReadLines(file))
        {
            string[] cells = line.Split('\t', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (cells.Length < 3 || !TryTime(cells[0], formats, out int from) || !TryTime(cells[1], formats, out int to)) continue; // headers and rules
            if (to >= from) stays.Add(new Stay(from, to, nameOf(cells[2..])));
        }

        if (stays.Count == 0) throw new InvalidDataException($"{file} holds no row of start, end and name.");
        return stays;
    }

    private static bool TryTime(string cell, string[] formats, out int second)
    {
        bool isTime = DateTime.TryParseExact(
            cell, formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTime time);
        second = isTime ? (int)(time - DateTime.UnixEpoch).TotalSeconds : 0;
        return isTime;
    }

    /// <summary>A sensor on, or an activity going on, from a second to a second.</summary>
    internal readonly record struct Stay(int From, int To, string Name);
}
