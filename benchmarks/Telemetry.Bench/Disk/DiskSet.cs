using Telemetry.Bench.Codec;
using Telemetry.Device.Sampling;

namespace Telemetry.Bench.Disk;

/// <summary>Series of 100 devices as the SDK seals them: blocks of up to 600 rows, a batch at most every sealing interval.</summary>
/// <param name="Name">In the answer.</param>
/// <param name="ProfileJson">Its signals: ids 1, 2, ...</param>
/// <param name="Series">Series by device; a device takes the one of its number, in turn.</param>
internal sealed record DiskSet(string Name, string ProfileJson, IReadOnlyList<CodecSeries> Series)
{
    public const int Devices = 100;
    public const long StartUnixMs = 1_790_000_000_000;
    private const int PauseMs = 600_000;

    private const double FirstHeartRate = 70, HeartRateWalk = 0.5, HeartRateNoise = 1.5;
    private const double FirstTemperature = 3300, TemperatureWalk = 0.3, TemperatureNoise = 4;
    private const double Motion = 1000, MotionNoise = 60, Light = 400, LightNoise = 25;

    private const string NoisyProfileJson =
        """
        {"model":"noisy","version":1,"signals":[
          {"id":1,"key":"heart_rate","unit":"/min","kind":"gauge","resolution":1,"min":0,"max":300,"privacy":"health","periodMs":1000},
          {"id":2,"key":"temperature","unit":"Cel","kind":"gauge","resolution":0.01,"min":-40,"max":85,"privacy":"health","periodMs":1000},
          {"id":3,"key":"motion","unit":"g","kind":"gauge","resolution":0.001,"min":0,"max":16,"privacy":"activity","periodMs":1000},
          {"id":4,"key":"light","unit":"lx","kind":"gauge","resolution":1,"min":0,"max":100000,"privacy":"ambient","periodMs":1000}]}
        """;

    /// <summary>The three recorded activities in turn over the devices; every row is a reading of a person.</summary>
    /// <param name="dataPath">The shared data.</param>
    /// <param name="activities">How many a device records, one after the other, 1 to 3.</param>
    public static DiskSet Wearable(string dataPath, int activities)
    {
        CodecSeries[] files = [.. CodecSet.Load(dataPath).First(set => set.Name == "wearable_1hz").Series];
        return new DiskSet("wearable_1hz x 100 devices", Grpc.WearableRows.ProfileJson, [.. files.Select((_, first) => Joined([.. files[first..].Concat(files[..first]).Take(activities)]))]);
    }

    /// <summary>Sensors with noise in every reading: heart rate, skin temperature in 0.01, motion in 0.001, light. Another seed for each device.</summary>
    public static DiskSet Noisy(int rows)
    {
        CodecSeries[] series = [.. Enumerable.Range(1, Devices).Select(seed => NoisySeries(seed, rows))];
        double bits = series.Sum(one => NoiseBound.Bits(one.Columns[0], FirstHeartRate, HeartRateWalk, HeartRateNoise)
            + NoiseBound.Bits(one.Columns[1], FirstTemperature, TemperatureWalk, TemperatureNoise)
            + NoiseBound.Bits(one.Columns[2], Motion, 0, MotionNoise) + NoiseBound.Bits(one.Columns[3], Light, 0, LightNoise));
        return new DiskSet("noisy synthetic x 100 devices", NoisyProfileJson, series) { BoundBytesPerSample = bits / 8 / (4.0 * rows * Devices) };
    }

    /// <summary>Bytes a sample that no lossless store goes below on average; null where nobody knows. Of <see cref="Noisy"/> only.</summary>
    public double? BoundBytesPerSample { get; private init; }

    /// <summary>Samples of all devices.</summary>
    public long Samples => SamplesOf(Devices);

    /// <summary>Samples of the first so many devices.</summary>
    public long SamplesOf(int devices) => Enumerable.Range(0, devices).Sum(device => (long)SeriesOf(device).TimesMs.Length * SeriesOf(device).Columns.Length);

    /// <summary>Every device's batches in the order in which a collector receives them.</summary>
    public IEnumerable<(int Device, long ReceivedUnixMs, byte[] Batch)> Batches(uint profileHash, int sealIntervalMs) =>
        Enumerable.Range(0, Devices).SelectMany(device => BatchesOf(device, profileHash, sealIntervalMs)).OrderBy(batch => batch.ReceivedUnixMs);

    private CodecSeries SeriesOf(int device) => Series[device % Series.Count];

    private IEnumerable<(int Device, long ReceivedUnixMs, byte[] Batch)> BatchesOf(int device, uint profileHash, int sealIntervalMs)
    {
        CodecSeries series = SeriesOf(device);
        long bootUnixMs = StartUnixMs + (device * 2_718L);
        return SealedSeries.Of(series, 0xD15C0000u + (uint)device, profileHash, bootUnixMs, sealIntervalMs)
            .Select(batch => (device, bootUnixMs + batch.UptimeMs + 40 + (batch.UptimeMs % 50), batch.Bytes));
    }

    private static CodecSeries Joined(CodecSeries[] parts)
    {
        List<long> times = [];
        foreach (CodecSeries part in parts)
        {
            long from = times.Count == 0 ? 0 : times[^1] + PauseMs;
            times.AddRange(part.TimesMs.Select(time => from + time));
        }

        return new CodecSeries([.. times], [.. Enumerable.Range(0, parts[0].Columns.Length).Select(column => parts.SelectMany(part => part.Columns[column]).ToArray())]);
    }

    private static CodecSeries NoisySeries(int seed, int rows)
    {
        Random random = new(seed);
        (double heartRate, double temperature) = (FirstHeartRate, FirstTemperature);
        int[][] columns = [new int[rows], new int[rows], new int[rows], new int[rows]];
        for (int row = 0; row < rows; row++)
        {
            heartRate = Math.Clamp(heartRate + (HeartRateWalk * Normal(random)), 45, 180);
            temperature += TemperatureWalk * Normal(random);
            columns[0][row] = (int)Math.Round(heartRate + (HeartRateNoise * Normal(random)));
            columns[1][row] = (int)Math.Round(temperature + (TemperatureNoise * Normal(random)));
            columns[2][row] = (int)Math.Round(Math.Abs(Motion + (MotionNoise * Normal(random))));
            columns[3][row] = (int)Math.Round(Light + (LightNoise * Normal(random)));
        }

        return new CodecSeries([.. Enumerable.Range(0, rows).Select(row => row * 1000L)], columns);
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}

/// <summary>A series as the SDK seals it.</summary>
internal static class SealedSeries
{
    private const int RowsPerBlock = 600;
    private const int BatchBytes = 32_768;

    /// <summary>Batches of a series, sealed <paramref name="sealIntervalMs"/> after their first row.</summary>
    public static IEnumerable<(long UptimeMs, byte[] Bytes)> Of(CodecSeries series, uint epoch, uint profileHash, long bootUnixMs, int sealIntervalMs)
    {
        int columns = series.Columns.Length;
        BlockEncoder encoder = new([.. Enumerable.Range(1, columns)], new byte[columns], RowsPerBlock, 32 * 1024);
        byte[] buffer = new byte[BatchBytes];
        byte[] blocks = new byte[BatchBytes];
        int blockBytes = 0;
        ulong seq = 0;
        long begun = series.TimesMs[0];
        for (int row = 0; row < series.TimesMs.Length; row++)
        {
            long time = series.TimesMs[row];
            if (time - begun >= sealIntervalMs)
            {
                yield return Seal(series.TimesMs[row - 1]);
                begun = time;
            }

            for (int column = 0; column < columns; column++) encoder.Set(column, series.Columns[column][row]);
            if (encoder.TryAddRow(time, 0)) continue;
            blockBytes = BatchWriter.WriteBlock(blocks, blockBytes, encoder);
            encoder.TryAddRow(time, 0);
        }

        yield return Seal(series.TimesMs[^1]);

        (long, byte[]) Seal(long lastRowMs)
        {
            blockBytes = BatchWriter.WriteBlock(blocks, blockBytes, encoder);
            long uptime = lastRowMs + 7 + (long)(seq % 13); // the pump seals a moment after the row
            int end = BatchWriter.WriteHead(buffer, 0, epoch, ++seq, 1, profileHash, (ulong)(bootUnixMs + uptime), (ulong)uptime, 50, 3);
            blocks.AsSpan(0, blockBytes).CopyTo(buffer.AsSpan(end));
            end += blockBytes;
            end = BatchWriter.WriteTrailer(buffer, end, Crc32c.Update(0, buffer, 0, end));
            byte[] batch = buffer.AsSpan(0, end).ToArray();
            blockBytes = 0;
            return (uptime, batch);
        }
    }
}
