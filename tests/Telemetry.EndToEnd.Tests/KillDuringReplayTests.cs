using Telemetry.Simulator.Api;
using Telemetry.Simulator.People;
using Telemetry.Simulator.Replay;
using Telemetry.Simulator.Sources;

namespace Telemetry.EndToEnd.Tests;

/// <summary>Promise 1 on real processes and sockets: kill -9 of the collector, at moments nobody chose, costs nothing and doubles nothing.</summary>
public sealed class KillDuringReplayTests
{
    private const int Kills = 20;
    private const int People = 4;
    private const int Seed = 20261122;

    [Fact]
    public async Task Replay_CollectorKilledTwentyTimes_EverySampleIsStoredOnce()
    {
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(5));
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        using CollectorApi api = new(new Uri($"http://127.0.0.1:{collector.HttpPort}/"), collector.OperatorToken, TimeProvider.System);
        EndlessFleet fleet = new(HouseholdFleet.Create(new FleetOptions(Seed, People, Minutes: 60 * DayPlan.MinutesPerDay)));
        ReplayOptions options = new()
        {
            Host = "127.0.0.1",
            Port = collector.MqttPort,
            Seed = Seed,
            StartUnixMs = fleet.StartUnixMs,
            SealIntervalMs = 300_000,
            BatchBytes = 512, // many batches: something is always on its way when the kill comes
        };

        AckWatch acks = new();
        Task<ReplaySummary> replay = new FleetRun(api, options, TimeProvider.System).RunAsync(fleet, acks.Report, phase: null, limit.Token);
        Random random = new(Seed);
        for (int kill = 0; kill < Kills; kill++)
        {
            await Task.WhenAny(replay, acks.MoreAsync(random.Next(1, 400), limit.Token));
            Assert.False(replay.IsCompleted, $"the replay ended before kill {kill}: {replay.Exception}");
            await collector.KillAsync();
            await collector.StartAgainAsync();
        }

        fleet.End();
        ReplaySummary summary = await replay;

        Assert.True(summary.SamplesRecorded > 10_000, $"only {summary.SamplesRecorded} samples");
        Assert.True(summary.Connects >= Kills, $"{summary.Connects} sessions over {Kills} kills");
        Assert.Equal((0, 0), (summary.SamplesLost, summary.SamplesDuplicated));
        Assert.Equal(summary.SamplesRecorded, summary.SamplesStored);
    }

    /// <summary>Lets a test wait for acks instead of for time.</summary>
    private sealed class AckWatch
    {
        private readonly Lock _lock = new();
        private TaskCompletionSource? _waiting;
        private long _acked, _target;

        public void Report(ReplayProgress progress)
        {
            lock (_lock)
            {
                _acked = progress.Acked;
                if (_acked >= _target) _waiting?.TrySetResult();
            }
        }

        public async Task MoreAsync(long samples, CancellationToken cancellation)
        {
            TaskCompletionSource waiting = new(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (_lock)
            {
                _target = _acked + samples;
                _waiting = waiting;
            }

            await waiting.Task.WaitAsync(cancellation);
        }
    }

    /// <summary>A fleet that measures until it is told to end.</summary>
    private sealed class EndlessFleet(HouseholdFleet fleet) : IFleetSource
    {
        private volatile bool _hasEnded;

        public long StartUnixMs => fleet.Options.StartUnixMs;
        public string Name => fleet.Name;
        public IReadOnlyList<string> Faults => [];
        public long FaultCount => 0;

        public void End() => _hasEnded = true;

        public IEnumerable<DeviceSource> Devices() => fleet.Devices().Select(device => device with { Readings = Until(device.Readings) });

        private IEnumerable<Reading> Until(IEnumerable<Reading> readings) => readings.TakeWhile(_ => !_hasEnded);
    }
}
