using System.Globalization;
using System.IO.Compression;
using Telemetry.Scenarios.Training;

namespace Telemetry.Scenarios.Datasets;

/// <summary>Reads the occupancy set (Candanedo and Feldheim 2016): a room's air and light a minute, somebody there or not. A day is a person of the set.</summary>
public static class OccupancyReader
{
    private static readonly string[] BaseNames = ["temperature", "humidity", "light", "co2", "humidity_ratio", "hour_of_day"];
    private static readonly string[] Files = ["datatraining.txt.gz", "datatest.txt.gz"];

    /// <summary>Reads the set's folder.</summary>
    public static LabelledSet Read(string folder)
    {
        List<LabelledPerson> days = [];
        foreach (string file in Files.Select(name => Path.Combine(folder, name)))
        {
            if (!File.Exists(file)) throw new InvalidDataException($"{file} is missing.");
            using StreamReader reader = new(new GZipStream(File.OpenRead(file), CompressionMode.Decompress));
            days.AddRange(ReadDays(reader, Path.GetFileName(file)));
        }

        return new LabelledSet("occupancy", BaseNames, [[], [], ["m15"], ["m15"], [], []], ["away", "at_home"], days);
    }

    internal static IEnumerable<LabelledPerson> ReadDays(TextReader reader, string name)
    {
        SortedDictionary<int, (float[] Vector, int Label)> rows = [];
        reader.ReadLine();
        while (reader.ReadLine() is { } line)
        {
            string[] cells = line.Replace("\"", "", StringComparison.Ordinal).Split(',');
            DateTime time = DateTime.Parse(cells[1], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
            int minute = (int)((time - DateTime.UnixEpoch).TotalSeconds / 60);
            float[] vector = [.. cells[2..7].Select(cell => float.Parse(cell, CultureInfo.InvariantCulture)), minute % 1440 / 60f];
            rows[minute] = (vector, cells[7] == "1" ? 1 : 0);
        }

        return rows.GroupBy(row => row.Key / 1440).Select(day => new LabelledPerson(
            $"{name} {day.Key}", [.. day.Select(row => row.Key)], [.. day.Select(row => row.Value.Vector)], [.. day.Select(row => row.Value.Label)]));
    }
}
