using System.Globalization;
using System.IO.Compression;

namespace Telemetry.Bench.Codec;

/// <summary>Recorded series that share one table shape.</summary>
/// <param name="Name">Folder of the shared data, and part.</param>
/// <param name="Signals">Names of the columns.</param>
/// <param name="Series">One per person or activity.</param>
internal sealed record CodecSet(string Name, string[] Signals, IReadOnlyList<CodecSeries> Series)
{
    public long Samples => Series.Sum(series => (long)series.TimesMs.Length * Signals.Length);

    /// <summary>The sets of issue 3 that are in the data folder.</summary>
    public static IReadOnlyList<CodecSet> Load(string data)
    {
        List<CodecSet> sets = [];
        string wearable = Path.Combine(data, "wearable_1hz");
        if (Directory.Exists(wearable))
        {
            string[] files = [.. Directory.GetFiles(wearable, "*.csv.gz").Order(StringComparer.Ordinal)];
            sets.Add(new CodecSet("wearable_1hz", ["heart_rate", "cadence", "temperature"], [.. files.SelectMany(file => Read(file, -1, 0, [1, 2, 3]))]));
        }

        string fitabase = Path.Combine(data, "fitabase");
        if (Directory.Exists(fitabase))
        {
            sets.Add(new CodecSet("fitabase_heart_rate", ["heart_rate"], Read(Path.Combine(fitabase, "heartrate_5s.csv.gz"), 0, 1, [2])));
            sets.Add(new CodecSet("fitabase_minutes", ["steps", "intensity"], Read(Path.Combine(fitabase, "minute_long.csv.gz"), 0, 1, [2, 3])));
        }

        return sets;
    }

    // Device uptime counts from the first row of a series, as if the device had started then.
    private static List<CodecSeries> Read(string path, int idColumn, int timeColumn, int[] columns)
    {
        using StreamReader reader = new(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        reader.ReadLine();
        List<CodecSeries> series = [];
        List<long> times = [];
        List<int>[] values = [.. columns.Select(_ => new List<int>())];
        string? id = null;
        long first = 0;
        while (reader.ReadLine() is { } line)
        {
            string[] cells = line.Split(',');
            if (idColumn >= 0 && cells[idColumn] != id && id is not null) Close();
            if (idColumn >= 0) id = cells[idColumn];
            long seconds = (long)double.Parse(cells[timeColumn], CultureInfo.InvariantCulture);
            if (times.Count == 0) first = seconds;
            times.Add((seconds - first) * 1000);
            for (int i = 0; i < columns.Length; i++) values[i].Add((int)double.Parse(cells[columns[i]], CultureInfo.InvariantCulture));
        }

        Close();
        return series;

        void Close()
        {
            if (times.Count > 0) series.Add(new CodecSeries([.. times], [.. values.Select(column => column.ToArray())]));
            times.Clear();
            foreach (List<int> column in values) column.Clear();
        }
    }
}

/// <summary>One recorded series.</summary>
internal sealed record CodecSeries(long[] TimesMs, int[][] Columns);
