using Telemetry.Simulator.Replay;
using Telemetry.Wire.V1;

namespace Telemetry.Simulator.Api;

/// <summary>Holds what devices recorded against what the collector stored, device by device and signal by signal.</summary>
public sealed class Reconciler(CollectorApi api, TimeProvider time)
{
    // A consumer that does not move for this long will not: the run says so instead of waiting on.
    private const int MostSecondsWithoutProgress = 120;

    private const long MinuteMs = 60_000;
    private const int CallsAtOnce = 8;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Waits until every consumer of the log has read what is durable now.</summary>
    /// <returns>That position: the bytes the log has taken so far.</returns>
    /// <exception cref="CollectorApiException">The collector does not answer, or a consumer stands still.</exception>
    public async Task<long> WaitForConsumersAsync(CancellationToken cancellation)
    {
        long target = (await api.StatusAsync(cancellation)).DurablePosition;
        long lastSum = -1, lastMove = time.GetTimestamp();
        while (true)
        {
            CollectorStatus status = await api.StatusAsync(cancellation);
            if (status.Consumers.All(consumer => consumer.Position >= target)) return target;
            long sum = status.Consumers.Sum(consumer => consumer.Position);
            if (sum != lastSum) (lastSum, lastMove) = (sum, time.GetTimestamp());
            if (time.GetElapsedTime(lastMove) > TimeSpan.FromSeconds(MostSecondsWithoutProgress))
            {
                string behind = string.Join(", ", status.Consumers.Where(consumer => consumer.Position < target).Select(consumer => $"{consumer.Name} at {consumer.Position}"));
                throw new CollectorApiException(
                    System.Net.HttpStatusCode.ServiceUnavailable, $"A consumer of the log stood still for {MostSecondsWithoutProgress} s before position {target}: {behind}. Its log tells why.");
            }

            await Task.Delay(PollInterval, time, cancellation);
        }
    }

    /// <summary>Counts what is stored of each device.</summary>
    public async Task<StoredCounts> CountAsync(IReadOnlyList<DeviceTally> devices, CancellationToken cancellation)
    {
        StoredCounts total = new(0, 0, 0);
        foreach (DeviceTally[] some in devices.Chunk(CallsAtOnce))
        {
            SampleCountList[] answers = await Task.WhenAll(some.Select(device => api.QueryAsync<SampleCountList>(
                "SampleCounts", new SamplesRequest { Brand = device.Brand, Device = device.Device }, cancellation)));
            foreach ((DeviceTally device, SampleCountList stored) in some.Zip(answers)) total += Compare(device, stored);
        }

        return total;
    }

    /// <summary>The segments of a user over all time, in order.</summary>
    public async Task<IReadOnlyList<Segment>> SegmentsAsync(string user, CancellationToken cancellation) =>
        (await api.QueryAsync<SegmentList>("Scenarios", new ScenariosRequest { User = user }, cancellation)).Segments;

    /// <summary>Minutes by scenario of each user.</summary>
    public async Task<IReadOnlyList<UserSummary>> ScenariosAsync(IEnumerable<string> users, CancellationToken cancellation)
    {
        List<UserSummary> summaries = [];
        foreach (string[] some in users.Chunk(CallsAtOnce))
        {
            IReadOnlyList<Segment>[] segments = await Task.WhenAll(some.Select(user => SegmentsAsync(user, cancellation)));
            summaries.AddRange(some.Zip(segments, (user, list) => new UserSummary(user, MinutesOf(list))));
        }

        return summaries;
    }

    /// <summary>Adds segments up, by scenario.</summary>
    public static IReadOnlyDictionary<string, long> MinutesOf(IEnumerable<Segment> segments)
    {
        SortedDictionary<string, long> minutes = new(StringComparer.Ordinal);
        foreach (Segment segment in segments)
        {
            minutes[segment.Scenario] = minutes.GetValueOrDefault(segment.Scenario) + ((segment.EndUnixMs - segment.StartUnixMs) / MinuteMs);
        }

        return minutes;
    }

    // A device id is fresh in every run, so all that is stored under it is of this run.
    private static StoredCounts Compare(DeviceTally device, SampleCountList stored)
    {
        Dictionary<string, SampleCount> bySignal = stored.Counts.ToDictionary(count => count.Signal, StringComparer.Ordinal);
        StoredCounts sum = new(0, 0, 0);
        foreach (string signal in device.RecordedBySignal.Keys.Union(bySignal.Keys, StringComparer.Ordinal))
        {
            long recorded = device.RecordedBySignal.GetValueOrDefault(signal);
            SampleCount? count = bySignal.GetValueOrDefault(signal);
            long samples = (long)(count?.Samples ?? 0);
            long repeated = (long)(count?.Duplicated ?? 0);
            long once = samples - repeated;
            sum += new StoredCounts(samples, Math.Max(0, recorded - once), repeated + Math.Max(0, once - recorded));
        }

        return sum;
    }
}

/// <summary>Stored samples against recorded ones.</summary>
/// <param name="Stored">Samples in the log.</param>
/// <param name="Lost">Recorded, not stored.</param>
/// <param name="Duplicated">Stored beyond what was recorded.</param>
public readonly record struct StoredCounts(long Stored, long Lost, long Duplicated)
{
    public static StoredCounts operator +(StoredCounts left, StoredCounts right) =>
        new(left.Stored + right.Stored, left.Lost + right.Lost, left.Duplicated + right.Duplicated);
}
