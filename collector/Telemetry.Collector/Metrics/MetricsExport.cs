using System.Diagnostics;
using System.Diagnostics.Metrics;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace Telemetry.Collector.Metrics;

/// <summary>Aggregates every room's instruments once, for <c>/metrics</c> and, where asked, for OTLP.</summary>
internal sealed class MetricsExport : IDisposable
{
    // From a flush on a fast disk to one that hangs; the SDK's own bounds are meant for milliseconds.
    private static readonly ExplicitBucketHistogramConfiguration s_seconds = new()
    {
        Boundaries = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    // By name, not "Telemetry.*": a pattern costs a compiled regular expression of every process that runs a collector.
    private static readonly string[] s_meters =
    [
        "Telemetry.Collector", "Telemetry.Log", "Telemetry.Ingest", "Telemetry.Mqtt", "Telemetry.Broker", "Telemetry.Grpc", "Telemetry.Influx", "Telemetry.Scenarios",
    ];

    private readonly Meter _meter = new("Telemetry.Collector");
    private readonly MeterProvider _provider;
    private readonly PrometheusText _text = new();
    private readonly BaseExportingMetricReader _reader;

    public MetricsExport(Uri? otlp)
    {
        _meter.CreateObservableCounter("process.cpu.time", static () => ProcessNow(process => process.TotalProcessorTime.TotalSeconds), "s", "User and system CPU time of the collector.");
        _meter.CreateObservableGauge("process.memory.resident", static () => ProcessNow(process => (double)process.WorkingSet64), "By", "Resident memory of the collector.");
        _meter.CreateObservableGauge("process.heap", static () => GC.GetTotalMemory(forceFullCollection: false), "By", "Managed heap in use.");
        _reader = new BaseExportingMetricReader(_text);
        MeterProviderBuilder builder = Sdk.CreateMeterProviderBuilder().AddMeter(s_meters).AddReader(_reader)
            .SetResourceBuilder(ResourceBuilder.CreateEmpty().AddService("telemetry-collector"))
            .AddView(static instrument => instrument is Histogram<double> && instrument.Unit == "s" ? s_seconds : null);
        if (otlp is not null) builder = builder.AddOtlpExporter(exporter => (exporter.Endpoint, exporter.Protocol) = (otlp, OtlpExportProtocol.Grpc));
        _provider = builder.Build();
    }

    /// <summary>Prometheus text of every instrument, collected now.</summary>
    public string Scrape() => _text.Scrape(_reader);

    public void Dispose()
    {
        _provider.Dispose();
        _meter.Dispose();
    }

    private static double ProcessNow(Func<Process, double> read)
    {
        using Process self = Process.GetCurrentProcess();
        return read(self);
    }
}
