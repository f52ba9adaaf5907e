using System.Text.Json;

namespace Telemetry.Bench.Device;

/// <summary><c>tools/bench herd</c>: 1 M devices, 10 k accepts a second, four outages.</summary>
internal static class HerdBench
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static int Run(BenchOptions options)
    {
        List<HerdRun> runs = [];
        foreach (int outage in (int[])[2, 30, 600, 2700]) runs.Add(HerdModel.Run(1_000_000, 10_000, outage, 0.05, 20261122));
        if (options.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { runs }, Json));
            return 0;
        }

        Console.WriteLine("outage s   peak / capacity   refused / device   99.9 % within s");
        foreach (HerdRun run in runs) Console.WriteLine($"{run.OutageSeconds,8}   {run.PeakOverCapacity,15:F2}   {run.RefusedPerDevice,16:F3}   {run.P999Seconds,15:F0}");
        return 0;
    }
}
