using Telemetry.Simulator.Replay;
using Telemetry.Simulator.Sources;

namespace Telemetry.Simulator.Api;

/// <summary>One whole run against a collector: register, replay, wait for derivation, account for every sample.</summary>
/// <param name="api">The collector.</param>
/// <param name="options">How the fleet is driven.</param>
/// <param name="time">Real time.</param>
public sealed class FleetRun(CollectorApi api, ReplayOptions options, TimeProvider time)
{
    /// <summary>Runs a fleet to its end and accounts for it.</summary>
    /// <param name="source">The devices.</param>
    /// <param name="report">Progress, about ten times a second; null = not.</param>
    /// <param name="phase">Told what is done beyond sending; null = not.</param>
    /// <param name="cancellation">Ends the run.</param>
    /// <exception cref="InputException">The source cannot be read.</exception>
    /// <exception cref="CollectorApiException">The collector refused or does not answer.</exception>
    public async Task<ReplaySummary> RunAsync(IFleetSource source, Action<ReplayProgress>? report, Action<string>? phase, CancellationToken cancellation)
    {
        long begin = time.GetTimestamp();
        TimeSpan cpuBefore = Environment.CpuUsage.TotalTime;
        long logBefore = (await api.StatusAsync(cancellation)).DurablePosition;
        ReplayEngine engine = new(options, new FleetRegistrar(api), time);
        IReadOnlyList<DeviceTally> devices = await engine.RunAsync(source, report, cancellation);

        phase?.Invoke("deriving scenarios");
        Reconciler reconciler = new(api, time);
        long logAfter = await reconciler.WaitForConsumersAsync(cancellation);
        double seconds = time.GetElapsedTime(begin).TotalSeconds;
        double cpuSeconds = (Environment.CpuUsage.TotalTime - cpuBefore).TotalSeconds;

        phase?.Invoke("counting what is stored");
        StoredCounts stored = await reconciler.CountAsync(devices, cancellation);
        IReadOnlyList<UserSummary> users = await reconciler.ScenariosAsync(devices.Select(device => device.User).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal), cancellation);
        return new ReplaySummary
        {
            SamplesRecorded = devices.Sum(device => device.Recorded),
            SamplesStored = stored.Stored,
            SamplesLost = stored.Lost,
            SamplesDuplicated = stored.Duplicated,
            Batches = devices.Sum(device => device.Batches),
            WireBytes = devices.Sum(device => device.SentBytes + device.ReceivedBytes),
            WireBytesUp = devices.Sum(device => device.SentBytes),
            DiskBytes = logAfter - logBefore,
            Seconds = Math.Round(seconds, 3),
            CpuSeconds = Math.Round(cpuSeconds, 3),
            BatchesSentAgain = devices.Sum(device => device.SentBatches - device.Batches),
            Connects = devices.Sum(device => device.Connects),
            Devices = devices.Count,
            InputFaults = source.FaultCount,
            Users = users,
        };
    }
}
