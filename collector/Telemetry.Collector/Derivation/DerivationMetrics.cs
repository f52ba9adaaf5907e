using System.Diagnostics.Metrics;

namespace Telemetry.Collector.Derivation;

/// <summary>Counts of the derivation, as meter <c>Telemetry.Scenarios</c>.</summary>
public sealed class DerivationMetrics : IDisposable
{
    private readonly Meter _meter = new("Telemetry.Scenarios");

    internal DerivationMetrics(Func<long> lagBytes, Func<int> waiting)
    {
        Observe("telemetry.scenarios.batches", () => Batches, "{batch}", "Batches read from the log");
        Observe("telemetry.scenarios.samples", () => Samples, "{sample}", "Samples folded into minutes");
        Observe("telemetry.scenarios.minutes", () => Minutes, "{minute}", "Minute rows written");
        Observe("telemetry.scenarios.days", () => Days, "{day}", "User days whose segments were looked at again");
        Observe("telemetry.scenarios.batches_without_user", () => BatchesWithoutUser, "{batch}", "Batches of devices that no consenting user wears");
        Observe("telemetry.scenarios.batches_not_understood", () => BatchesNotUnderstood, "{batch}", "Batches whose profile or bytes are not known");
        Observe("telemetry.scenarios.batches_misplaced", () => BatchesMisplaced, "{batch}", "Batches whose clock puts them at an impossible time");
        _meter.CreateObservableGauge("telemetry.scenarios.lag_bytes", lagBytes, "By", "Durable bytes of the log not yet derived");
        _meter.CreateObservableGauge("telemetry.scenarios.batches_waiting", waiting, "{batch}", "Batches that wait for a clock of their boot");
    }

    /// <summary>Batches read from the log.</summary>
    public long Batches { get; internal set; }

    /// <summary>Samples folded into minutes.</summary>
    public long Samples { get; internal set; }

    /// <summary>Minute rows written; one that changes in two steps counts twice.</summary>
    public long Minutes { get; internal set; }

    /// <summary>User days whose segments were looked at again.</summary>
    public long Days { get; internal set; }

    /// <summary>Batches of devices that no consenting user wears.</summary>
    public long BatchesWithoutUser { get; internal set; }

    /// <summary>Batches whose profile or bytes are not known.</summary>
    public long BatchesNotUnderstood { get; internal set; }

    /// <summary>Batches whose clock puts them at an impossible time.</summary>
    public long BatchesMisplaced { get; internal set; }

    public void Dispose() => _meter.Dispose();

    private void Observe(string name, Func<long> read, string unit, string text) => _meter.CreateObservableCounter(name, read, unit, text);
}
