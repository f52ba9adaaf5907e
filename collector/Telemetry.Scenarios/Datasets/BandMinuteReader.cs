using System.Globalization;
using System.IO.Compression;
using Telemetry.Scenarios.Minutes;

namespace Telemetry.Scenarios.Datasets;

/// <summary>A minute of one person's wristband, as a set has it.</summary>
/// <param name="Band">What the set calls the band.</param>
/// <param name="Person">Who wore it, in the set's words.</param>
/// <param name="Minute">Ascending for one band and person.</param>
/// <param name="Row">Steps, and the heart rate where the minute has one.</param>
public sealed record BandMinute(string Band, string Person, int Minute, DeviceMinute Row);

/// <summary>Reads unlabelled minutes of wristbands: what the quality gate is judged on.</summary>
public static class BandMinuteReader
{
    /// <summary>The names <see cref="Read"/> knows.</summary>
    public static IReadOnlyList<string> Sources { get; } = ["applewatch_fitbit", "fitabase"];

    /// <summary>Reads a set, minute by minute as it is enumerated.</summary>
    /// <param name="source">One of <see cref="Sources"/>.</param>
    /// <param name="folder">The set's folder.</param>
    /// <exception cref="InvalidDataException">The source is not known, or the set's file is missing or has other columns.</exception>
    public static IEnumerable<BandMinute> Read(string source, string folder) => source switch
    {
        "applewatch_fitbit" => ReadTwoBrands(Lines(folder, "aw_fb_data.csv.gz", "Instance,", cells: 19)),
        "fitabase" => ReadFitabase(Lines(folder, "minute_long.csv.gz", "id,local_unix,steps,", cells: 8)),
        _ => throw new InvalidDataException($"The source '{source}' is not known; one of {string.Join(", ", Sources)} is expected."),
    };

    // Fuller et al. 2020: a row is the next minute of a person with one of two bands, without a time.
    private static IEnumerable<BandMinute> ReadTwoBrands(IEnumerable<string[]> lines)
    {
        Dictionary<(string, string), int> minutes = [];
        foreach (string[] cells in lines)
        {
            (string band, string person) = (cells[17], cells[0]);
            int minute = minutes[(band, person)] = minutes.GetValueOrDefault((band, person)) + 1;
            yield return new BandMinute(band, person, minute, Row(cells[5], cells[6]));
        }
    }

    // Furberg et al. 2016: steps of each minute; of the heart rate mean, least, greatest and number of readings where the band gave any.
    private static IEnumerable<BandMinute> ReadFitabase(IEnumerable<string[]> lines)
    {
        foreach (string[] cells in lines)
        {
            int minute = (int)(long.Parse(cells[1], CultureInfo.InvariantCulture) / 60);
            DeviceMinute row = cells[7] switch
            {
                "" or "0" => Row(cells[2]),
                "1" => Row(cells[2], cells[5]),
                _ => Row(cells[2], cells[5], cells[6]), // least and greatest are all the gate looks at
            };
            yield return new BandMinute("fitbit", cells[0], minute, row);
        }
    }

    private static DeviceMinute Row(string steps, params ReadOnlySpan<string> heartRates)
    {
        DeviceMinute row = new(1);
        row.Cell(SignalSlot.Steps).Add(Scaled(SignalSlot.Steps, steps));
        foreach (string reading in heartRates) row.Cell(SignalSlot.HeartRate).Add(Scaled(SignalSlot.HeartRate, reading));
        return row;
    }

    private static int Scaled(SignalSlot slot, string cell) =>
        (int)Math.Round(double.Parse(cell, CultureInfo.InvariantCulture) * SlotCatalog.Of(slot).Scale, MidpointRounding.AwayFromZero);

    private static IEnumerable<string[]> Lines(string folder, string file, string header, int cells)
    {
        string path = Path.Combine(folder, file);
        if (!File.Exists(path)) throw new InvalidDataException($"{path} is missing.");
        using StreamReader reader = new(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        if (reader.ReadLine() is not { } first || !first.StartsWith(header, StringComparison.Ordinal)) throw new InvalidDataException($"{file} does not begin with '{header}'.");
        while (reader.ReadLine() is { } line)
        {
            string[] row = line.Split(',');
            if (row.Length != cells) throw new InvalidDataException($"A row of {file} has {row.Length} cells; {cells} are expected.");
            yield return row;
        }
    }
}
