using Telemetry.Simulator.Devices;
using Telemetry.Simulator.Sources;

namespace Telemetry.Simulator.Fit;

/// <summary>FIT files as a fleet: each file one watch on one user.</summary>
/// <remarks>A damaged file becomes a fault, and what stands before its damage is replayed; the other files are not touched by it.</remarks>
public sealed class FitSource : IFleetSource
{
    // Ids of the fit-watch profile.
    private const int HeartRate = 1, Cadence = 2, Speed = 3, Distance = 4, Altitude = 5, Temperature = 6, Power = 7;

    private readonly string[] _files;
    private readonly string _brand;
    private readonly DeviceProfile _profile;
    private readonly FaultLog _faults = new();

    private FitSource(string[] files, string brand, DeviceProfile profile) => (_files, _brand, _profile) = (files, brand, profile);

    /// <inheritdoc/>
    public string Name => "fit";

    /// <inheritdoc/>
    public IReadOnlyList<string> Faults => _faults.Texts;

    /// <inheritdoc/>
    public long FaultCount => _faults.Count;

    /// <summary>Finds the files: <paramref name="path"/> itself, or every *.fit of a folder, by name.</summary>
    /// <exception cref="InputException">There is no such file or folder, or the folder has no FIT file.</exception>
    public static FitSource Open(string path, string brand, DeviceProfile profile)
    {
        if (File.Exists(path)) return new FitSource([path], brand, profile);
        if (!Directory.Exists(path)) throw new InputException($"--path '{path}' does not exist; a FIT file or a folder of *.fit files is expected.");
        string[] files = [.. Directory.EnumerateFiles(path).Where(file => file.EndsWith(".fit", StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal)];
        return files.Length > 0 ? new FitSource(files, brand, profile) : throw new InputException($"--path '{path}' has no file that ends in .fit.");
    }

    /// <inheritdoc/>
    public IEnumerable<DeviceSource> Devices()
    {
        HashSet<string> taken = new(StringComparer.Ordinal);
        foreach (string file in _files)
        {
            FitActivity? activity = TryRead(file);
            if (activity is null) continue;
            if (activity.Damage is { } damage) _faults.Add($"{file}: {damage}. {activity.Records.Count} records before it are kept.");
            List<Reading> readings = Readings(activity);
            if (readings.Count == 0) continue;
            string id = IdOf(file, taken);
            yield return new DeviceSource(_brand, $"watch-{id}", $"fit-{id}", _profile, readings) { SteadySignals = SteadyOf(readings, activity.Records.Count) };
        }
    }

    private FitActivity? TryRead(string file)
    {
        try
        {
            return FitReader.Read(file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            _faults.Add($"{file}: cannot be read: {fault.Message}");
            return null;
        }
    }

    // What a watch writes into nearly every record; sensors that were not paired, or failed, are missing from most.
    private static HashSet<int> SteadyOf(List<Reading> readings, int records) =>
        [.. readings.CountBy(reading => reading.Signal).Where(signal => signal.Value >= records * 0.95).Select(signal => signal.Key)];

    // Files repeat a record's second now and then, and some step back at a pause: times are kept, order is restored.
    private List<Reading> Readings(FitActivity activity)
    {
        List<Reading> readings = [];
        double lastDistance = 0;
        foreach (FitRecord record in activity.Records.OrderBy(record => record.UnixMs))
        {
            Add(readings, record.UnixMs, HeartRate, record.HeartRate);
            Add(readings, record.UnixMs, Cadence, record.Cadence);
            Add(readings, record.UnixMs, Speed, record.SpeedMetersPerSecond);
            Add(readings, record.UnixMs, Altitude, record.AltitudeMeters);
            Add(readings, record.UnixMs, Temperature, record.TemperatureCelsius);
            Add(readings, record.UnixMs, Power, record.PowerWatts);
            if (record.DistanceMeters is not double distance) continue;

            // The file has the running total; a counter carries what was added since the sample before. A new lap of a chained file starts over.
            Add(readings, record.UnixMs, Distance, distance >= lastDistance ? distance - lastDistance : distance);
            lastDistance = distance;
        }

        return readings;
    }

    private void Add(List<Reading> readings, long unixMs, int signal, double? value)
    {
        if (value is not double known) return;
        Wire.Profiles.SignalDefinition definition = _profile.Model.Find(signal)!;
        if (known < definition.Min || known > definition.Max) return;
        readings.Add(new Reading(unixMs, signal, (int)Math.Round(known / definition.Resolution), Reading.Worn));
    }

    // Device ids take letters, digits, '_' and '-' only, 64 with the prefix.
    private static string IdOf(string file, HashSet<string> taken)
    {
        string name = Path.GetFileNameWithoutExtension(file);
        string id = new([.. name.Take(40).Select(letter => char.IsAsciiLetterOrDigit(letter) ? char.ToLowerInvariant(letter) : '-')]);
        string free = id;
        for (int number = 2; !taken.Add(free); number++) free = $"{id}-{number}";
        return free;
    }
}
