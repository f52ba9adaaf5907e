using System.Text.Json;

namespace Telemetry.Bench.Device;

/// <summary><c>tools/bench clock</c>: seven days offline at 1 Hz with a crystal 50 ppm slow and two losses of the battery-backed clock.</summary>
internal static class ClockBench
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static int Run(BenchOptions options)
    {
        ClockResult result = new ClockTrial(stepMs: 1000, options.Number("--ppm", 50), seed: 20261122).Run();
        if (options.Json) Console.WriteLine(JsonSerializer.Serialize(result, Json));
        else
        {
            Console.WriteLine($"{result.Recorded:N0} recorded, {result.Arrived:N0} arrived, {result.Placed:N0} placed, {result.Flagged:N0} flagged as of unknown time");
            Console.WriteLine($"error of the placed: p99 {result.P99ErrorMs} ms, at most {result.MaxErrorMs} ms; {result.WrongAndNotFlagged} wrong and not flagged");
        }

        return result.WrongAndNotFlagged == 0 && result.P99ErrorMs <= 1000 ? 0 : 1;
    }
}
