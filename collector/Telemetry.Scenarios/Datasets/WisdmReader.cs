using System.Globalization;
using System.IO.Compression;
using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Training;

namespace Telemetry.Scenarios.Datasets;

/// <summary>
/// Reads WISDM v1.1 (Kwapisz, Weiss, Moore 2010): raw phone acceleration at 20 Hz, cut into 5 s windows of device-side integer features. A window takes the
/// place of a minute: the filter steps from window to window. Clocks that restart or repeat begin a new stretch.
/// </summary>
public static class WisdmReader
{
    private const int WindowSamples = 100;
    private const int LongestGapMs = 1000;
    private const int StretchGap = 1000; // windows: longer than any gap the filter bridges
    private static readonly string[] Activities = ["Walking", "Jogging", "Upstairs", "Downstairs", "Sitting", "Standing"];

    /// <summary>Reads the set's folder.</summary>
    /// <exception cref="InvalidDataException">The file is missing or is not the set's.</exception>
    public static LabelledSet Read(string folder)
    {
        string file = Path.Combine(folder, "wisdm_v1_raw.csv.gz");
        if (!File.Exists(file)) throw new InvalidDataException($"{folder} holds no wisdm_v1_raw.csv.gz.");
        using StreamReader reader = new(new GZipStream(File.OpenRead(file), CompressionMode.Decompress));
        return Read(reader);
    }

    internal static LabelledSet Read(TextReader reader)
    {
        if (reader.ReadLine() != "user,activity,t_ms,x,y,z") throw new InvalidDataException("The header is not 'user,activity,t_ms,x,y,z'.");
        SortedDictionary<int, WindowList> people = [];
        MotionWindow window = new(WindowSamples);
        (int User, int Activity, long TimeMs) before = (-1, -1, 0);
        while (reader.ReadLine() is { } line)
        {
            string[] cells = line.Split(',');
            int user = int.Parse(cells[0], CultureInfo.InvariantCulture), activity = Array.IndexOf(Activities, cells[1]);
            long timeMs = (long)double.Parse(cells[2], CultureInfo.InvariantCulture);
            bool goesOn = user == before.User && activity == before.Activity && timeMs >= before.TimeMs && timeMs - before.TimeMs <= LongestGapMs;
            if (!people.TryGetValue(user, out WindowList? windows)) people[user] = windows = new WindowList();
            if (!goesOn)
            {
                window.Clear();
                if (user != before.User || timeMs < before.TimeMs || timeMs - before.TimeMs > LongestGapMs) windows.Next += StretchGap;
            }

            before = (user, activity, timeMs);
            window.Add(Hundredths(cells[3]), Hundredths(cells[4]), Hundredths(cells[5]));
            if (!window.IsFull) continue;
            windows.Add(window, activity);
            window.Clear();
        }

        return new LabelledSet(
            "wisdm", MotionWindow.Names, [.. MotionWindow.Names.Select(_ => (IReadOnlyList<string>)[])], [.. Activities.Select(name => name.ToLowerInvariant())],
            [.. people.Select(pair => pair.Value.Person($"user {pair.Key}"))]);
    }

    private static int Hundredths(string cell) =>
        (int)Math.Round(Math.Clamp(double.Parse(cell, CultureInfo.InvariantCulture), -40, 40) * 100, MidpointRounding.AwayFromZero);

    private sealed class WindowList
    {
        private readonly List<int> _times = [];
        private readonly List<float[]> _vectors = [];
        private readonly List<int> _labels = [];

        public int Next { get; set; }

        public void Add(MotionWindow window, int label)
        {
            int[] features = new int[MotionWindow.FeatureCount];
            window.Read(features);
            _times.Add(Next++);
            _vectors.Add([.. features.Select(value => (float)value)]);
            _labels.Add(label);
        }

        public LabelledPerson Person(string name) => new(name, [.. _times], [.. _vectors], [.. _labels]);
    }
}
