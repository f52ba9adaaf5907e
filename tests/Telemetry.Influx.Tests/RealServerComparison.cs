namespace Telemetry.Influx.Tests;

/// <summary>A log of temperatures, and the rows that a real server has of it.</summary>
public abstract class RealServerComparison : IDisposable
{
    private protected readonly TestLog _log = new();

    public void Dispose()
    {
        _log.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Temperatures in hundredths from a seeded walk, a hundred rows a batch, four devices.</summary>
    private protected async Task<List<(string Device, long Time, double Value)>> AppendManyAsync(int firstSeq = 0, int batches = 40)
    {
        Random random = new(5 + firstSeq);
        List<(string, long, double)> expected = [];
        for (int seq = firstSeq; seq < firstSeq + batches; seq++)
        {
            uint device = (uint)(seq % 4) + 1;
            long[] values = [.. Enumerable.Range(0, 100).Select(_ => random.NextInt64(-4000, 8500))];
            await _log.AppendAsync(device, (ulong)seq + 1, TestLog.Block(seq * 100_000, 1000, (2, values)));
            expected.AddRange(values.Select((value, row) => ($"d{device}", (TestLog.BootUnixMs + (seq * 100_000) + (row * 1000)) * 1_000_000, (double)(value / 100m))));
        }

        return expected;
    }

    // Awaits what a real server and the sink do in their own time.
    private protected static async Task UntilAsync(Func<bool> isSo)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(2));
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(20));
        while (!isSo()) await look.WaitForNextTickAsync(limit.Token);
    }

    private protected static async Task<IEnumerable<(string, long, double)>> VictoriaRowsAsync(RealVictoria victoria) =>
        (await victoria.ExportAsync("{__name__=\"temperature_value\"}")).Select(sample => (sample.Labels["device"], sample.UnixMs * 1_000_000, sample.Value)).Order();

    private protected static async Task<IEnumerable<(string, long, double)>> InfluxRowsAsync(RealInflux influx, string measurement) =>
        (await influx.QueryAsync($"SELECT device, value FROM {measurement}"))
            .Select(row => (row["device"].GetString()!, row["time"].GetInt64(), row["value"].GetDouble())).Order();
}
