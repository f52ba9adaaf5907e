using System.Globalization;
using System.Text.Json;

namespace Telemetry.Bench.Codec;

/// <summary>
/// <c>bench codec-roundtrip [--series N] [--seed S]</c>: packs and unpacks N generated series (default 10,000,000) and compares every row.
/// Stops at the first that differs and prints the command that repeats it.
/// </summary>
internal static class RoundTripBench
{
    public static int Run(BenchOptions options)
    {
        long count = Number(options, "--series", 10_000_000);
        long seed = Number(options, "--seed", 1);
        GeneratedSeries series = new();
        SeriesRoundTrip trip = new();
        long rows = 0, empty = 0, single = 0;
        long[] shapes = new long[GeneratedSeries.Shapes.Length];
        for (long i = 0; i < count; i++)
        {
            series.Fill(seed + i);
            if (!trip.ComesBack(series))
            {
                Console.Error.WriteLine($"Series {i} does not come back equal. Repeat: tools/bench codec-roundtrip --series 1 --seed {seed + i}");
                return 1;
            }

            rows += series.Count;
            shapes[series.Shape]++;
            if (series.Count == 0) empty++;
            if (series.Count == 1) single++;
        }

        double seconds = Environment.CpuUsage.TotalTime.TotalSeconds;
        Dictionary<string, long> byShape = GeneratedSeries.Shapes.Zip(shapes).ToDictionary(pair => pair.First, pair => pair.Second);
        Console.WriteLine(options.Json
            ? JsonSerializer.Serialize(new { series = count, seed, rows, blocks = trip.Blocks, empty, single, shapes = byShape, cpuSeconds = seconds, failed = 0 })
            : string.Create(CultureInfo.InvariantCulture, $"{count} series ({empty} empty, {single} of one row), {rows} rows in {trip.Blocks} blocks, seed {seed}: all equal; {seconds:F0} s of CPU\n{string.Join(", ", byShape.Select(shape => $"{shape.Key} {shape.Value}"))}"));
        return 0;
    }

    internal static long Number(BenchOptions options, string name, long otherwise) =>
        options.Text(name) is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
