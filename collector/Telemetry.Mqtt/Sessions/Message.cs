using Telemetry.Wire.Ingest;

namespace Telemetry.Mqtt.Sessions;

/// <summary>A message on its way to subscribers; shared by all of them, never changed.</summary>
/// <param name="Topic">UTF-8 topic name.</param>
/// <param name="Payload">Application payload.</param>
/// <param name="Properties">MQTT 5.0 property bytes that are forwarded unaltered; empty for a 3.1.1 publisher.</param>
/// <param name="Qos">QoS it was published with.</param>
/// <param name="Retain">RETAIN as published.</param>
/// <param name="ExpiresAtMs">Endpoint time at which it is deleted (MQTT 5.0 [MQTT-3.3.2-5]); <see cref="long.MaxValue"/> = never.</param>
/// <param name="Source">Session that published it, for No Local; null for the collector itself.</param>
internal sealed record Message(byte[] Topic, ReadOnlyMemory<byte> Payload, byte[] Properties, int Qos, bool Retain, long ExpiresAtMs, Session? Source)
{
    /// <summary>The device that is told by this Command and will itself acknowledge it; null for every other message.</summary>
    public IngestSession? Told { get; init; }
}

/// <summary>A will and when it is due.</summary>
/// <param name="Message">What to publish.</param>
/// <param name="DelaySeconds">Will Delay Interval of MQTT 5.0; 0 in 3.1.1.</param>
internal sealed record Will(Message Message, uint DelaySeconds);
