using System.Globalization;
using System.Text.Json;
using Telemetry.Bench.Grpc;
using Telemetry.Influx;
using Telemetry.Influx.LineProtocol;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Profiles;

namespace Telemetry.Bench;

/// <summary>Line protocol points a second and core, and bytes allocated a point, from decoded blocks of the real wearable data (the sink's inner loop, without HTTP).
/// Options: <c>--points N</c> (default 20,000,000).</summary>
internal static class LinesBench
{
    public static int Run(BenchOptions options)
    {
        long points = options.Number("--points", 20_000_000);
        ModelProfile profile = ProfileReader.Read(System.Text.Encoding.UTF8.GetBytes(WearableRows.ProfileJson)).Profile!;
        DeviceSeries series = new(new DeviceDescription(1, 1, "brand", "device-0001", profile.Model), profile, new InfluxOptions());
        List<(byte[] Block, int Rows)> blocks = WearableRows.Read(options.DataPath).Blocks(600);
        List<LinesRun> runs = [];
        foreach (bool decodes in (bool[])[false, true])
        {
            LineBatch batch = new(maxLines: 5_000, maxBytes: 1 << 20);
            Write(blocks, series, batch, points / 10, decodes); // the buffer grows to the size of a request once
            runs.Add(Write(blocks, series, batch, points, decodes));
        }

        if (options.Json) Console.WriteLine(JsonSerializer.Serialize(new { runs }, JsonSerializerOptions.Web));
        else foreach (LinesRun run in runs) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(run.WithDecoding ? "decode and write" : "write"),-16}  {run.PointsPerCoreSecond:N0} points/core-s  {run.AllocatedBytesPerPoint:F4} B/point  {run.BytesPerPoint:F1} bytes/line"));
        return 0;
    }

    private static LinesRun Write(List<(byte[] Block, int Rows)> blocks, DeviceSeries series, LineBatch batch, long points, bool decodes)
    {
        BlockDecoder decoder = new();
        BlockLines lines = new(new InfluxOptions());
        batch.Clear();
        long written = 0, bytes = 0;
        decoder.Decode(blocks[0].Block);
        lines.BeginBatch(series, 0);
        lines.Begin(decoder);
        long allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
        TimeSpan before = Environment.CpuUsage.TotalTime;
        for (int i = 0; written < points; i++)
        {
            if (decodes) decoder.Decode(blocks[i % blocks.Count].Block);
            lines.BeginBatch(series, 0);
            lines.Begin(decoder);
            while (!lines.Write(batch))
            {
                written += batch.LineCount;
                bytes += batch.ByteCount;
                batch.Clear();
            }
        }

        double cpu = (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        return new LinesRun(decodes, written / cpu, (GC.GetAllocatedBytesForCurrentThread() - allocatedBefore) / (double)written, bytes / (double)written);
    }

    private sealed record LinesRun(bool WithDecoding, double PointsPerCoreSecond, double AllocatedBytesPerPoint, double BytesPerPoint);
}
