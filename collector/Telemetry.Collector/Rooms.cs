using Microsoft.Extensions.Logging;
using Telemetry.Collector.Derivation;
using Telemetry.Collector.Lifetime;
using Telemetry.Collector.Metrics;
using Telemetry.Collector.Options;
using Telemetry.Collector.Rights;
using Telemetry.Collector.Series;
using Telemetry.Collector.Upkeep;
using Telemetry.Influx;
using Telemetry.Ingest;
using Telemetry.Insights;
using Telemetry.Insights.Privacy;
using Telemetry.Insights.Store;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Scenarios.Model;
using Telemetry.Wire.V1;

namespace Telemetry.Collector;

/// <summary>The rooms of one collector, opened in the order they need each other and closed in the reverse.</summary>
internal sealed class Rooms : IAsyncDisposable
{
    private readonly ILoggerFactory _loggers;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<ConsumerTask> _consumers = [];
    private readonly List<IDisposable> _opened = [];
    private ReleaseSink? _releases;

    private Rooms(CollectorOptions options, DataFolder folder, ILoggerFactory loggers)
    {
        Folder = folder;
        _loggers = loggers;
        Metrics = Own(new MetricsExport(options.Otlp));
        Registry = Own(DeviceRegistry.Open(folder.RegistryFile, Time));
        Log = Own(BlockLog.Open(new BlockLogOptions { Folder = folder.LogFolder, Disk = options.LogDisk }, loggers.CreateLogger<BlockLog>(), Time));
        Ingest = Own(IngestService.Open(Log, Registry, new IngestOptions { ReconnectsPerSecond = options.ReconnectsPerSecond }, loggers.CreateLogger<IngestService>(), Time));
        InsightsStore store = Own(InsightsStore.Open(folder.InsightsFile));
        ScenarioModel model = options.ReadModel();
        Insights = Own(InsightsService.Open(store, Registry, folder.Path, PrivacyOptions.Default with { Threshold = options.ReleaseThreshold }, Time, model));
        Samples = new SampleQueries(Log, Registry);
        Export = new UserExport(Log, Registry, Insights);
        ScenarioConsumer scenarios = AddScenarios(store, model);
        InfluxErasure? influx = options.Influx is { } target ? AddInflux(target, store, scenarios) : null;
        Erasures = Own(new Erasures(folder.ErasuresFolder, Log, Registry, Ingest, store, influx, Time, loggers.CreateLogger<Erasures>()));
        _consumers.Add(new ConsumerTask("erasures", () => Log.DurablePosition, Erasures.RunAsync));
        LogUpkeep upkeep = new(Log, Registry, options, Time, loggers.CreateLogger<LogUpkeep>());
        _consumers.Add(new ConsumerTask("upkeep", () => Log.DurablePosition, upkeep.RunAsync));
        Readiness = new Readiness(Log, _consumers);
    }

    public TimeProvider Time { get; } = TimeProvider.System;
    public DataFolder Folder { get; }
    public MetricsExport Metrics { get; }
    public DeviceRegistry Registry { get; }
    public BlockLog Log { get; }
    public IngestService Ingest { get; }
    public InsightsService Insights { get; }
    public SampleQueries Samples { get; }
    public UserExport Export { get; }
    public Erasures Erasures { get; }
    public Readiness Readiness { get; }
    public IReadOnlyList<ConsumerTask> Consumers => _consumers;

    /// <summary>Opens every room. The folder belongs to the rooms from here on, also when opening fails.</summary>
    public static Rooms Open(CollectorOptions options, DataFolder folder, ILoggerFactory loggers) => new(options, folder, loggers);

    /// <summary>Query.Release; what is given out goes to InfluxDB too, where the operator asks for that.</summary>
    /// <exception cref="RegistryException">As <see cref="InsightsService.Release(ReleaseRequest)"/>.</exception>
    public ReleaseTable Release(ReleaseRequest question)
    {
        ReleaseTable release = Insights.Release(question);
        _releases?.Add(question, release);
        return release;
    }

    /// <summary>Lets the consumers begin at their places.</summary>
    public void StartConsumers()
    {
        foreach (ConsumerTask consumer in _consumers) consumer.Start(_stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (ConsumerTask consumer in _consumers) await consumer.EndAsync();
        for (int i = _opened.Count - 1; i >= 0; i--) _opened[i].Dispose();
        _stop.Dispose();
        _loggers.Dispose();
        Folder.Dispose();
    }

    private ScenarioConsumer AddScenarios(InsightsStore store, ScenarioModel model)
    {
        ScenarioConsumer scenarios = Own(new ScenarioConsumer(
            Log, Registry, Own(new RegistryUsers(Registry)), store, model, time: Time, logger: _loggers.CreateLogger<ScenarioConsumer>()));
        _consumers.Add(new ConsumerTask("scenarios", () => scenarios.Position, scenarios.RunAsync, () => scenarios.Trouble));
        return scenarios;
    }

    private InfluxErasure AddInflux(InfluxTarget target, InsightsStore store, ScenarioConsumer scenarios)
    {
        InfluxSink sink = Own(new InfluxSink(Log, Registry, target.ToSinkOptions(Folder.InfluxFolder), Time, _loggers.CreateLogger<InfluxSink>()));
        LogCursor cursor = Log.OpenCursor(target.CursorName);
        _consumers.Add(new ConsumerTask("influx", () => cursor.Position, sink.RunAsync));
        SegmentSink? segments = null;
        if (target.Segments)
        {
            segments = new SegmentSink(store, Insights, Derived(), Folder.InfluxFolder, () => scenarios.Position, () => sink.ServerProcess, Time, _loggers.CreateLogger<SegmentSink>());
            _consumers.Add(new ConsumerTask("influx-segments", () => segments.Position, segments.RunAsync));
        }

        if (target.Releases)
        {
            _releases = new ReleaseSink(Derived(), Time, _loggers.CreateLogger<ReleaseSink>());
            _consumers.Add(new ConsumerTask("influx-releases", () => Log.DurablePosition, _releases.RunAsync));
        }

        return new InfluxErasure(Derived(), Registry, () => cursor.Position, () => segments?.Revision ?? long.MaxValue);

        InfluxDerived Derived() => Own(new InfluxDerived(target.ToSinkOptions(Folder.InfluxFolder), Time, _loggers.CreateLogger<InfluxDerived>(), sink: sink));
    }

    private T Own<T>(T room)
        where T : IDisposable
    {
        _opened.Add(room);
        return room;
    }
}
