using System.Globalization;
using System.IO.Compression;
using Telemetry.Scenarios.Training;

namespace Telemetry.Scenarios.Datasets;

/// <summary>
/// Reads ExtraSensory (Vaizman, Ellis, Lanckriet 2017): one gzipped CSV a person, a row a minute, phone and watch features and self-reported
/// labels. Seven scenarios by the mapping that stands in the set's README; the last that fits wins.
/// </summary>
public static class ExtraSensoryReader
{
    private const int RestHome = 0, Desk = 1, Walk = 2, Workout = 3, Cycle = 4, Vehicle = 5, Sleep = 6;
    private static readonly string[] Scenarios = ["rest_home", "desk", "walk", "workout", "cycle", "vehicle", "sleep"];

    // Heavy tails: means over time are taken of their logarithms.
    private static readonly string[] LogParts = [":std", "energy_band", "speed", "diameter", "light", "std_", "range", "deriv"];

    // These tell which phone or town it is, or what its owner is used to, rather than what is being done: trees would learn people by heart.
    private static readonly string[] LeftOut = ["ringer_mode", "battery_plugged", "altitude", "vertical_accuracy", "pressure", "relative_humidity", "temperature_ambient", ":missing", "is_unknown"];

    // How still is this phone against its own day: people carry, wear and set up their devices each in their own way.
    private static readonly string[] PersonRelative =
    [
        "raw_acc:magnitude_stats:std", "raw_acc:magnitude_stats:mean", "raw_acc:magnitude_spectrum:log_energy_band2", "proc_gyro:magnitude_stats:std",
        "watch_acceleration:magnitude_stats:std", "watch_acceleration:magnitude_spectrum:log_energy_band1", "location:log_diameter",
        "location:best_horizontal_accuracy", "lf_measurements:light", "lf_measurements:screen_brightness", "lf_measurements:battery_level",
    ];

    /// <summary>Reads every person of a folder.</summary>
    /// <exception cref="InvalidDataException">No file of the set is there, or one has other columns.</exception>
    public static LabelledSet Read(string folder)
    {
        string[] files = [.. Directory.EnumerateFiles(folder, "*-*-*.csv.gz").Order(StringComparer.Ordinal)];
        if (files.Length == 0) throw new InvalidDataException($"{folder} holds no ExtraSensory file; names like 00EABED2-271D-....csv.gz are expected.");
        List<LabelledPerson> people = [];
        string[]? names = null;
        foreach (string file in files)
        {
            using StreamReader reader = new(new GZipStream(File.OpenRead(file), CompressionMode.Decompress));
            people.Add(ReadPerson(reader, Path.GetFileName(file)[..8], out string[] columns));
            names ??= columns;
            if (!names.AsSpan().SequenceEqual(columns)) throw new InvalidDataException($"{Path.GetFileName(file)} has other columns than {Path.GetFileName(files[0])}.");
        }

        IReadOnlyList<string>[] derived = [.. names!.Select(name => PersonRelative.Contains(name) ? (IReadOnlyList<string>)["z1440"] : [])];
        return new LabelledSet("extrasensory", names!, derived, Scenarios, people);
    }

    internal static LabelledPerson ReadPerson(TextReader reader, string name, out string[] baseNames)
    {
        string[] header = (reader.ReadLine() ?? throw new InvalidDataException($"{name} is empty; a header is expected.")).Split(',');
        if (header[0] != "timestamp") throw new InvalidDataException($"The first column of {name} is '{header[0]}'; 'timestamp' is expected.");
        int[] features = [.. Enumerable.Range(1, header.Length - 1).Where(i => !header[i].StartsWith("label", StringComparison.Ordinal) && !LeftOut.Any(part => header[i].Contains(part, StringComparison.Ordinal)))];
        bool[] isLog = [.. features.Select(i => LogParts.Any(part => header[i].Contains(part, StringComparison.Ordinal)))];
        LabelColumns labels = new(header);
        baseNames = [.. features.Select(i => header[i]), "hour_of_day", "weekend"];

        SortedDictionary<int, (float[] Vector, int Label)> rows = [];
        while (reader.ReadLine() is { } line)
        {
            string[] cells = line.Split(',');
            if (cells.Length != header.Length) throw new InvalidDataException($"A row of {name} has {cells.Length} cells; {header.Length} are expected.");
            long unix = long.Parse(cells[0], CultureInfo.InvariantCulture);
            float[] vector = new float[baseNames.Length];
            for (int i = 0; i < features.Length; i++) vector[i] = Value(cells[features[i]], isLog[i]);
            long local = unix + (60 * LosAngelesOffsetMinutes(unix));
            vector[^2] = local % 86_400 / 3600f;
            vector[^1] = (local / 86_400 + 4) % 7 is 0 or 6 ? 1 : 0; // 1970-01-01 was a Thursday
            rows[(int)(unix / 60)] = (vector, labels.Scenario(cells));
        }

        Movement movement = new(baseNames);
        return new LabelledPerson(
            name, [.. rows.Keys], [.. rows.Values.Select(row => row.Vector)], [.. rows.Values.Select(row => row.Label)], [.. rows.Values.Select(row => movement.Contradicts(row.Vector, row.Label))]);
    }

    private static float Value(string cell, bool isLog)
    {
        if (cell.Length == 0 || !float.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out float value) || float.IsNaN(value)) return float.NaN;
        if (!isLog) return value;
        return value < 0 ? float.NaN : Logarithm(value); // a speed of -1 means not known
    }

    private static float Logarithm(float value) => MathF.Log(value + 1e-6f);

    // All people lived in California. Daylight saving: second Sunday of March to first Sunday of November, at 2:00.
    private static int LosAngelesOffsetMinutes(long unix)
    {
        DateTime utc = DateTime.UnixEpoch.AddSeconds(unix);
        DateTime begin = Sunday(utc.Year, 3, 2).AddHours(10), end = Sunday(utc.Year, 11, 1).AddHours(9);
        return utc >= begin && utc < end ? -7 * 60 : -8 * 60;
    }

    private static DateTime Sunday(int year, int month, int number)
    {
        DateTime first = new(year, month, 1, 0, 0, 0, DateTimeKind.Utc);
        return first.AddDays(((7 - (int)first.DayOfWeek) % 7) + (7 * (number - 1)));
    }

    /// <summary>The mapping from self-reported labels to scenarios.</summary>
    private sealed class LabelColumns(string[] header)
    {
        private readonly Dictionary<string, int> _columns = header.Select((name, i) => (name, i)).Where(pair => pair.name.StartsWith("label:", StringComparison.Ordinal))
            .ToDictionary(pair => pair.name["label:".Length..], pair => pair.i, StringComparer.Ordinal);

        public int Scenario(string[] cells)
        {
            int scenario = -1;
            if (Any(cells, "LOC_home") && Any(cells, "SITTING", "LYING_DOWN")) scenario = RestHome;
            if (Any(cells, "COMPUTER_WORK", "LAB_WORK", "IN_CLASS", "IN_A_MEETING", "LOC_main_workplace", "AT_SCHOOL") && Any(cells, "SITTING", "OR_standing")) scenario = Desk;
            if (Any(cells, "FIX_walking", "STROLLING")) scenario = Walk;
            if (Any(cells, "FIX_running", "OR_exercise", "AT_THE_GYM")) scenario = Workout;
            if (Any(cells, "BICYCLING")) scenario = Cycle;
            if (Any(cells, "IN_A_CAR", "ON_A_BUS", "DRIVE_-_I_M_THE_DRIVER", "DRIVE_-_I_M_A_PASSENGER")) scenario = Vehicle;
            return Any(cells, "SLEEPING") ? Sleep : scenario;
        }

        private bool Any(string[] cells, params ReadOnlySpan<string> labels)
        {
            foreach (string label in labels)
            {
                if (_columns.TryGetValue(label, out int column) && cells[column] is "1" or "1.0") return true;
            }

            return false;
        }
    }

    /// <summary>
    /// What a minute's motion rules out. People name stretches, hours after the fact: a run goes on with the phone on a table, a night with the first steps of the morning. Trees
    /// that learn from such minutes take other people's tables for a run.
    /// </summary>
    /// <remarks>Reads the spread of the acceleration within a minute's 20 seconds. The limits were set beforehand, not searched for (MODEL.md).</remarks>
    private sealed class Movement(string[] names)
    {
        // The phone in g, the watch in mg, as in the set; at rest they show about 0.002 g and 17 mg, walking 0.12 g and 135 mg.
        private static readonly float PhoneStill = Logarithm(0.02f), PhoneMoved = Logarithm(0.1f), WatchStill = Logarithm(50), WatchMoved = Logarithm(150);
        private readonly int _phone = Array.IndexOf(names, "raw_acc:magnitude_stats:std"), _watch = Array.IndexOf(names, "watch_acceleration:magnitude_stats:std");

        /// <summary>Whether nothing moved in a minute named for moving, or something walked about in one named sleep. A device that is missing says neither.</summary>
        public bool Contradicts(float[] vector, int scenario)
        {
            float phone = _phone < 0 ? float.NaN : vector[_phone], watch = _watch < 0 ? float.NaN : vector[_watch];
            return scenario switch
            {
                Walk or Workout or Cycle or Vehicle => float.IsNaN(phone) ? watch < WatchStill : phone < PhoneStill && !(watch > WatchStill),
                Sleep => phone > PhoneMoved || watch > WatchMoved,
                _ => false,
            };
        }
    }
}
