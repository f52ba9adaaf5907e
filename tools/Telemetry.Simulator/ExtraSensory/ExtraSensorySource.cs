using System.Globalization;
using System.IO.Compression;
using Telemetry.Simulator.Devices;
using Telemetry.Simulator.Sources;

namespace Telemetry.Simulator.ExtraSensory;

/// <summary>ExtraSensory (Vaizman, Ellis, Lanckriet 2017) as a fleet: a phone and, where it was worn, a watch a person; one row a minute.</summary>
/// <remarks>
/// The files hold features, not raw signals; those that a device could have reported are replayed. Wrist and pocket movement is the
/// deviation of the acceleration's magnitude, scaled to activity counts a minute. Self-reported labels are not replayed.
/// </remarks>
public sealed class ExtraSensorySource : IFleetSource
{
    // Ids of the phone-1 and watch-1 profiles.
    private const int Motion = 1, Speed = 2, Light = 3, Screen = 4, Charging = 5;

    // Walking has a deviation of about 0.3 g (phone, in g) and 300 mg (watch, in mg); both become about 450 counts a minute.
    private const double PhoneCountsPerG = 1500, WatchCountsPerMg = 1.5;

    private static readonly string[] Columns =
    [
        "timestamp", "raw_acc:magnitude_stats:std", "watch_acceleration:magnitude_stats:std", "location:max_speed", "lf_measurements:light",
        "lf_measurements:screen_brightness", "discrete:battery_state:is_charging",
    ];

    private readonly string[] _files;
    private readonly string _brand;
    private readonly FaultLog _faults = new();

    private ExtraSensorySource(string[] files, string brand) => (_files, _brand) = (files, brand);

    /// <inheritdoc/>
    public string Name => "extrasensory";

    /// <inheritdoc/>
    public IReadOnlyList<string> Faults => _faults.Texts;

    /// <inheritdoc/>
    public long FaultCount => _faults.Count;

    /// <summary>Finds the files: <paramref name="path"/> itself, or every UUID.csv.gz of a folder.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public static ExtraSensorySource Open(string path, string brand)
    {
        if (File.Exists(path)) return new ExtraSensorySource([path], brand);
        if (!Directory.Exists(path)) throw new InputException($"--path '{path}' does not exist; the folder of the UUID.csv.gz files is expected.");
        string[] files = [.. Directory.EnumerateFiles(path, "*-*-*-*-*.csv.gz").Order(StringComparer.Ordinal)];
        return files.Length > 0 ? new ExtraSensorySource(files, brand) : throw new InputException($"--path '{path}' has no file named UUID.csv.gz.");
    }

    /// <inheritdoc/>
    public IEnumerable<DeviceSource> Devices()
    {
        foreach (string file in _files)
        {
            string person = Path.GetFileName(file).Split('.')[0][..8].ToLowerInvariant();
            (List<Reading> phone, List<Reading> watch) = Read(file);
            if (phone.Count > 0) yield return new DeviceSource(_brand, $"phone-{person}", $"extrasensory-{person}", StandardProfiles.Phone, phone);
            if (watch.Count > 0) yield return new DeviceSource(_brand, $"watch-{person}", $"extrasensory-{person}", StandardProfiles.Watch, watch);
        }
    }

    private (List<Reading> Phone, List<Reading> Watch) Read(string file)
    {
        List<Reading> phone = [], watch = [];
        string name = Path.GetFileName(file);
        try
        {
            using StreamReader reader = new(new GZipStream(File.OpenRead(file), CompressionMode.Decompress));
            string[] header = (reader.ReadLine() ?? "").Split(',');
            int[] columns = [.. Columns.Select(column => Array.IndexOf(header, column))];
            int missing = Array.IndexOf(columns, -1);
            if (missing >= 0)
            {
                _faults.Add($"{name} line 1: column '{Columns[missing]}' is missing; the file is left out.");
                return (phone, watch);
            }

            long last = 0;
            for (int line = 2; reader.ReadLine() is { } text; line++)
            {
                string[] cells = text.Split(',');
                if (cells.Length != header.Length) _faults.Add($"{name} line {line}: {cells.Length} columns, expected {header.Length}");
                else if (!long.TryParse(cells[columns[0]], NumberStyles.None, CultureInfo.InvariantCulture, out long unix) || unix <= last)
                    _faults.Add($"{name} line {line}: timestamp '{cells[columns[0]]}', expected unix seconds after {last}");
                else Take(cells, columns, (last = unix) * 1000, phone, watch);
            }
        }
        catch (Exception fault) when (fault is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            _faults.Add($"{name}: cannot be read to its end: {fault.Message}");
        }

        return (phone, watch);
    }

    private static void Take(string[] cells, int[] columns, long unixMs, List<Reading> phone, List<Reading> watch)
    {
        Add(phone, unixMs, Motion, Value(1) * PhoneCountsPerG, most: 20_000);
        Add(watch, unixMs, Motion, Value(2) * WatchCountsPerMg, most: 20_000);
        Add(phone, unixMs, Speed, Value(3) * 100, most: 10_000); // -1 = not known
        Add(phone, unixMs, Light, Value(4), most: 200_000);
        Add(phone, unixMs, Screen, Value(5) is double brightness ? brightness > 0 ? 1 : 0 : null, most: 1);
        Add(phone, unixMs, Charging, Value(6), most: 1);

        double? Value(int column) =>
            double.TryParse(cells[columns[column]], NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value) ? value : null;
    }

    private static void Add(List<Reading> readings, long unixMs, int signal, double? scaled, int most)
    {
        if (scaled is double known && known >= 0 && known <= most) readings.Add(new Reading(unixMs, signal, (int)Math.Round(known), 0));
    }
}
