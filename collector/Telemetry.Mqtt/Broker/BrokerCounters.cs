using System.Diagnostics.Metrics;

namespace Telemetry.Mqtt.Broker;

/// <summary>What the link counts: plain fields, read by observable instruments of the meter "Telemetry.Broker".</summary>
internal sealed class BrokerCounters : IDisposable
{
    private readonly Meter _meter = new("Telemetry.Broker");

    public long Connects;
    public long SessionsLost;
    public long Batches;
    public long Acks;
    public long Refused;
    public long Unknown;

    public BrokerCounters(BrokerLink link)
    {
        _meter.CreateObservableGauge("telemetry.broker.connected", () => link.Health.IsConnected ? 1 : 0, description: "1 while the subscription at the broker stands.");
        _meter.CreateObservableCounter("telemetry.broker.connects", () => Volatile.Read(ref Connects), description: "Connections the broker accepted.");
        _meter.CreateObservableCounter("telemetry.broker.sessions.lost", () => Volatile.Read(ref SessionsLost), description: "Reconnects after which the broker had forgotten our session.");
        _meter.CreateObservableCounter("telemetry.broker.batches", () => Volatile.Read(ref Batches), description: "Batches taken from the broker, duplicates and dead letters included.");
        _meter.CreateObservableCounter("telemetry.broker.acks", () => Volatile.Read(ref Acks), description: "PUBACK packets sent to the broker.");
        _meter.CreateObservableCounter("telemetry.broker.refused", () => Volatile.Read(ref Refused), description: "Times a batch was refused, now or for good; refused for now it is tried again.");
        _meter.CreateObservableCounter("telemetry.broker.unknown", () => Volatile.Read(ref Unknown), description: "Messages of devices that are not in the registry.");
    }

    public void Dispose() => _meter.Dispose();
}
