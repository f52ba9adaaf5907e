using Telemetry.Mqtt.Packets;
using Telemetry.Wire.Ingest;

namespace Telemetry.Mqtt.Sessions;

/// <summary>One subscription of a session. Identified by <see cref="Filter"/>, byte for byte (MQTT 5.0 [MQTT-3.8.4-3], [MQTT-3.10.4-1]).</summary>
/// <param name="Filter">As the client sent it, with <c>$share/...</c> if shared.</param>
/// <param name="Options">As granted.</param>
/// <param name="Identifier">Subscription Identifier of MQTT 5.0; 0 = none.</param>
/// <param name="Commands">The device whose Commands it delivers; null for lab and tap subscriptions.</param>
internal sealed record Subscription(byte[] Filter, SubscriptionOptions Options, int Identifier, IngestSession? Commands)
{
    /// <summary>The watch on the device's Command while a connection is there.</summary>
    public IDisposable? Watch { get; set; }

    /// <summary>Ends the watch; not under the session's gate, because the collector may be calling back.</summary>
    public void StopWatch()
    {
        Watch?.Dispose();
        Watch = null;
    }

    /// <summary>QoS the client is granted: the tap is QoS 0, Commands at most 1.</summary>
    public int Qos => Options.Qos;
}
