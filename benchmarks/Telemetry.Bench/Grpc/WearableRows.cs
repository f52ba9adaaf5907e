using System.Globalization;
using System.IO.Compression;
using Telemetry.Device.Sampling;

namespace Telemetry.Bench.Grpc;

/// <summary>The real one-second activity files: time, heart rate, cadence, temperature.</summary>
internal sealed class WearableRows
{
    public const int Columns = 3;

    public const string ProfileJson = """
        {"model":"wearable","version":1,"signals":[
          {"id":1,"key":"heart_rate","unit":"/min","kind":"gauge","resolution":1,"min":0,"max":300,"privacy":"health","periodMs":1000},
          {"id":2,"key":"cadence","unit":"/min","kind":"gauge","resolution":1,"min":0,"max":300,"privacy":"activity","periodMs":1000},
          {"id":3,"key":"temperature","unit":"Cel","kind":"gauge","resolution":1,"min":-40,"max":85,"privacy":"ambient","periodMs":1000}]}
        """;

    private readonly List<(long TimeS, int[] Values)> _rows = [];

    private WearableRows()
    {
    }

    /// <exception cref="DirectoryNotFoundException">The data folder is not there.</exception>
    public static WearableRows Read(string dataPath)
    {
        WearableRows rows = new();
        foreach (string file in Directory.GetFiles(Path.Combine(dataPath, "wearable_1hz"), "*.csv.gz").Order(StringComparer.Ordinal))
        {
            using StreamReader reader = new(new GZipStream(File.OpenRead(file), CompressionMode.Decompress));
            reader.ReadLine();
            while (reader.ReadLine() is { } line)
            {
                string[] cells = line.Split(',');
                rows._rows.Add((long.Parse(cells[0], CultureInfo.InvariantCulture), [.. cells.Skip(1).Select(cell => int.Parse(cell, CultureInfo.InvariantCulture))]));
            }
        }

        return rows;
    }

    /// <summary>The series without end: its values again and again, with the seconds since the row before (1 where a file begins or stands still for over a minute).</summary>
    public (int DeltaS, int[] Values) Cycle(int at)
    {
        int index = at % _rows.Count;
        long delta = index == 0 ? 1 : _rows[index].TimeS - _rows[index - 1].TimeS;
        return (delta is > 0 and <= 60 ? (int)delta : 1, _rows[index].Values);
    }

    /// <summary>Blocks as the device SDK packs them, with their row counts.</summary>
    public List<(byte[] Block, int Rows)> Blocks(int rowsPerBlock)
    {
        List<(byte[], int)> blocks = [];
        BlockEncoder encoder = new([1, 2, 3], [BlockEncoder.KindInteger, BlockEncoder.KindInteger, BlockEncoder.KindInteger], rowsPerBlock, 64 * 1024);
        byte[] output = new byte[64 * 1024];
        foreach ((long time, int[] values) in _rows)
        {
            for (int column = 0; column < Columns; column++) encoder.Set(column, values[column]);
            if (encoder.TryAddRow(time * 1000, 0)) continue;
            int count = encoder.RowCount;
            if (count == rowsPerBlock) blocks.Add((output[..encoder.Finish(output, 0, output.Length)], count));
            encoder.Reset();
            for (int column = 0; column < Columns; column++) encoder.Set(column, values[column]);
            encoder.TryAddRow(time * 1000, 0);
        }

        return blocks;
    }
}
