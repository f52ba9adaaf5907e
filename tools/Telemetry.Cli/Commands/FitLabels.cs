using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Training;
using Telemetry.Simulator.Fit;

namespace Telemetry.Cli.Commands;

/// <summary>Activity files as labelled minutes: what the watch measured, and the sport it was told.</summary>
internal static class FitLabels
{
    private const int Running = 1, Cycling = 2, Walking = 11;
    private static readonly string[] s_scenarios = ["run", "cycle", "walk"];

    /// <summary>Reads every .fit file of a folder; a file is a person of the set. Files without a record or a known sport are left out.</summary>
    public static LabelledSet Read(string folder)
    {
        if (!Directory.Exists(folder)) throw new InvalidDataException("it is not a folder");
        LabelledPerson[] people = [.. Directory.EnumerateFiles(folder, "*.fit").Order(StringComparer.Ordinal).Select(Person).OfType<LabelledPerson>()];
        if (people.Length == 0) throw new InvalidDataException("no activity with a known sport is in it");
        return new LabelledSet("fit", FeatureCatalog.Names, [.. FeatureCatalog.Names.Select(_ => (IReadOnlyList<string>)[])], s_scenarios, people);
    }

    private static LabelledPerson? Person(string file)
    {
        FitActivity activity = FitReader.Read(file);
        SortedDictionary<int, MinuteRow> rows = [];
        foreach (FitRecord record in activity.Records)
        {
            int minute = (int)(record.UnixMs / 60_000);
            if (!rows.TryGetValue(minute, out MinuteRow? row)) rows[minute] = row = new MinuteRow();
            DeviceMinute watch = row.Device(1)!;
            Add(watch, SignalSlot.HeartRate, record.HeartRate);
            Add(watch, SignalSlot.Cadence, record.Cadence);
            Add(watch, SignalSlot.Speed, record.SpeedMetersPerSecond);
            Add(watch, SignalSlot.Altitude, record.AltitudeMeters);
            Add(watch, SignalSlot.Power, record.PowerWatts);
        }

        FeatureExtractor extractor = new(0);
        List<float[]> vectors = [];
        List<int> labels = [];
        foreach ((int minute, MinuteRow row) in rows)
        {
            float[] vector = new float[FeatureCatalog.Count];
            extractor.Read(minute, row, vector);
            vectors.Add(vector);
            labels.Add(Label(activity, minute * 60_000L));
        }

        return labels.Any(label => label >= 0) ? new LabelledPerson(Path.GetFileName(file), [.. rows.Keys], [.. vectors], [.. labels]) : null;
    }

    private static void Add(DeviceMinute watch, SignalSlot slot, double? value)
    {
        if (value is { } present) watch.Cell(slot).Add((int)Math.Round(present * SlotCatalog.Of(slot).Scale));
    }

    private static int Label(FitActivity activity, long unixMs)
    {
        FitSpan? span = activity.Sessions.FirstOrDefault(session => session.StartUnixMs <= unixMs + 59_999 && session.UnixMs >= unixMs) ?? activity.Sessions.FirstOrDefault();
        return span?.Sport switch { Running => 0, Cycling => 1, Walking => 2, _ => -1 };
    }
}
