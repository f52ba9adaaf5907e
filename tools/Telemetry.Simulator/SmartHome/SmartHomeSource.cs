using System.Globalization;
using Telemetry.Simulator.Devices;
using Telemetry.Simulator.Sources;

namespace Telemetry.Simulator.SmartHome;

/// <summary>Room sensors of labelled homes as a fleet: the Ordonez (<c>*_Sensors.txt</c>) and Kasteren (<c>kasterenSenseData.txt</c>) formats. Each sensor one device, each home one resident.</summary>
/// <remarks>
/// The files list intervals. A sensor reports its state at the beginning, once a minute while it holds, and at the end; a movement sensor
/// counts instead. With each beginning it says its room. Local time is taken as UTC.
/// </remarks>
public sealed class SmartHomeSource : IFleetSource
{
    // Ids of the home-sensor profile.
    private const int RoomMotion = 1, Door = 2, Bed = 3, Appliance = 4, Room = 5;

    // Values of the room signal.
    private const int Bedroom = 1, Living = 2, Kitchen = 3, Bathroom = 4, Shower = 5, Entrance = 6;

    private const long MinuteMs = 60_000;

    // Doors stand open for days; longer than this, a sensor is taken for stuck.
    private const long LongestMs = 14 * 1440 * MinuteMs;

    // Sensor numbers of the Kasteren home that are doors people walk through, with the room behind; the others are cupboards and machines of the kitchen, but for the flush.
    private static readonly Dictionary<string, int> KasterenDoors = new(StringComparer.Ordinal) { ["5"] = Bathroom, ["6"] = Bathroom, ["12"] = Entrance, ["24"] = Bedroom };
    private const string KasterenFlush = "14";

    private static readonly string[] Formats = ["yyyy-MM-dd HH:mm:ss", "dd-MMM-yyyy HH:mm:ss"];

    private readonly string[] _files;
    private readonly string _brand;
    private readonly FaultLog _faults = new();

    private SmartHomeSource(string[] files, string brand) => (_files, _brand) = (files, brand);

    /// <inheritdoc/>
    public string Name => "adl";

    /// <inheritdoc/>
    public IReadOnlyList<string> Faults => _faults.Texts;

    /// <inheritdoc/>
    public long FaultCount => _faults.Count;

    /// <summary>Finds the files: <paramref name="path"/> itself, or those of a folder.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public static SmartHomeSource Open(string path, string brand)
    {
        if (File.Exists(path)) return new SmartHomeSource([path], brand);
        if (!Directory.Exists(path)) throw new InputException($"--path '{path}' does not exist; a folder with *_Sensors.txt or *SenseData.txt is expected.");
        string[] files = [.. Directory.EnumerateFiles(path, "*.txt")
            .Where(file => file.EndsWith("_Sensors.txt", StringComparison.Ordinal) || file.EndsWith("SenseData.txt", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        return files.Length > 0 ? new SmartHomeSource(files, brand) : throw new InputException($"--path '{path}' has no *_Sensors.txt or *SenseData.txt.");
    }

    /// <inheritdoc/>
    public IEnumerable<DeviceSource> Devices()
    {
        foreach (string file in _files)
        {
            string home = Path.GetFileNameWithoutExtension(file).Replace("_Sensors", "", StringComparison.Ordinal).Replace("SenseData", "", StringComparison.Ordinal).ToLowerInvariant();
            foreach ((string sensor, List<Interval> intervals) in Read(file))
            {
                yield return new DeviceSource(_brand, $"{home}-{sensor}", $"home-{home}", StandardProfiles.HomeSensor, Readings(intervals));
            }
        }
    }

    private SortedDictionary<string, List<Interval>> Read(string file)
    {
        SortedDictionary<string, List<Interval>> sensors = new(StringComparer.Ordinal);
        string name = Path.GetFileName(file);
        int rules = 0, line = 0;
        foreach (string text in File.ReadLines(file))
        {
            // One line of dashes stands before the rows, a footer tells their number.
            line++;
            if (text.StartsWith("----", StringComparison.Ordinal)) rules++;
            else if (rules == 1 && text.Trim().Length > 0 && !text.StartsWith("Length:", StringComparison.Ordinal)) Take(text, $"{name} line {line}", sensors);
        }

        if (rules == 0) _faults.Add($"{name}: no line of dashes behind a header; the file is left out.");
        foreach (List<Interval> intervals in sensors.Values) intervals.Sort((left, right) => left.StartMs.CompareTo(right.StartMs));
        return sensors;
    }

    private void Take(string text, string place, SortedDictionary<string, List<Interval>> sensors)
    {
        string[] cells = text.Split('\t', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (cells.Length < 4)
        {
            _faults.Add($"{place}: {cells.Length} columns, expected start, end, sensor and its kind or value");
            return;
        }

        if (!TryTime(cells[0], out long start) || !TryTime(cells[1], out long end) || end < start || end - start > LongestMs)
        {
            _faults.Add($"{place}: '{cells[0]}' to '{cells[1]}', expected two times in order, at most 14 days apart");
            return;
        }

        bool isKasteren = cells[3] == "1";
        int signal = isKasteren
            ? KasterenDoors.ContainsKey(cells[2]) ? Door : Appliance
            : (cells[2], cells[3]) switch
            {
                (_, "PIR") => RoomMotion,
                ("Bed" or "Seat", _) => Bed, // in another room than the bedroom it is a seat
                ("Maindoor", _) => Door,
                _ => Appliance,
            };
        string sensor = isKasteren ? $"sensor-{cells[2]}" : $"{cells[2]}-{cells[^1]}".ToLowerInvariant();
        if (!sensors.TryGetValue(sensor, out List<Interval>? intervals)) sensors[sensor] = intervals = [];
        int room = !isKasteren ? RoomOf(cells[2], cells[^1]) : cells[2] == KasterenFlush ? Bathroom : KasterenDoors.GetValueOrDefault(cells[2], Kitchen);
        intervals.Add(new Interval(start, end, signal, room));
    }

    private static int RoomOf(string location, string place) => location == "Shower" ? Shower : place switch
    {
        "Bedroom" => Bedroom,
        "Living" => Living,
        "Kitchen" => Kitchen,
        "Bathroom" => Bathroom,
        "Entrance" => Entrance,
        _ => 0,
    };

    private static IEnumerable<Reading> Readings(List<Interval> intervals)
    {
        long last = 0;
        foreach (Interval interval in intervals)
        {
            for (long at = interval.StartMs; at < interval.EndMs || at == interval.StartMs; at += MinuteMs)
            {
                // Overlapping intervals of one sensor are one.
                if (at <= last) continue;
                last = at;
                if (at == interval.StartMs) yield return new Reading(at, Room, interval.Room, 0);
                yield return new Reading(at, interval.Signal, 1, 0);
            }

            if (interval.Signal == RoomMotion || interval.EndMs <= last) continue;
            last = interval.EndMs;
            yield return new Reading(last, interval.Signal, 0, 0);
        }
    }

    private static bool TryTime(string text, out long unixMs)
    {
        bool isTime = DateTimeOffset.TryParseExact(text, Formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time);
        unixMs = time.ToUnixTimeMilliseconds();
        return isTime;
    }

    private readonly record struct Interval(long StartMs, long EndMs, int Signal, int Room);
}
