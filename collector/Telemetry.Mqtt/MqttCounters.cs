using System.Diagnostics.Metrics;

namespace Telemetry.Mqtt;

/// <summary>What the endpoint counts: plain fields, read by observable instruments of the meter "Telemetry.Mqtt".</summary>
internal sealed class MqttCounters : IDisposable
{
    private readonly Meter _meter = new("Telemetry.Mqtt");
    private readonly long[] _ended = new long[EndReasons.All.Length];

    public long Connections;
    public long Publishes;
    public long Acks;
    public long Refused;
    public long Foreign;
    public long Dropped;
    public long TapDropped;

    public MqttCounters()
    {
        _meter.CreateObservableGauge("telemetry.mqtt.connections", () => Volatile.Read(ref Connections), description: "Open sockets.");
        _meter.CreateObservableCounter("telemetry.mqtt.publishes", () => Volatile.Read(ref Publishes), description: "PUBLISH packets received.");
        _meter.CreateObservableCounter("telemetry.mqtt.acks", () => Volatile.Read(ref Acks), description: "PUBACK and PUBREC packets sent.");
        _meter.CreateObservableCounter("telemetry.mqtt.refused", () => Volatile.Read(ref Refused), description: "Batches refused.");
        _meter.CreateObservableCounter("telemetry.mqtt.foreign", () => Volatile.Read(ref Foreign), description: "Publishes to topics the session may not use.");
        _meter.CreateObservableCounter("telemetry.mqtt.dropped", () => Volatile.Read(ref Dropped), description: "Messages dropped for a slow or absent subscriber.");
        _meter.CreateObservableCounter("telemetry.mqtt.tap.dropped", () => Volatile.Read(ref TapDropped), description: "Live messages a slow operator missed.");
        _meter.CreateObservableCounter("telemetry.mqtt.sessions.ended", ReadEnded, description: "Connections ended, by reason.");
    }

    public void CountEnd(EndReason reason) => Interlocked.Increment(ref _ended[Array.IndexOf(EndReasons.All, reason)]);

    /// <summary>Connections that ended for <paramref name="reason"/>.</summary>
    public long Ended(EndReason reason) => Volatile.Read(ref _ended[Array.IndexOf(EndReasons.All, reason)]);

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> ReadEnded()
    {
        foreach (EndReason reason in EndReasons.All)
        {
            if (Ended(reason) is > 0 and long count) yield return new Measurement<long>(count, new KeyValuePair<string, object?>("reason", reason.Name));
        }
    }
}
