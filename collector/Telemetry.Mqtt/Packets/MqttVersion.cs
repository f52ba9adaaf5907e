namespace Telemetry.Mqtt.Packets;

/// <summary>Protocol Level (3.1.1) or Protocol Version (5.0) of the CONNECT packet, section 3.1.2.2 of both standards.</summary>
internal enum MqttVersion : byte
{
    /// <summary>No CONNECT was read yet.</summary>
    Unknown = 0,

    V311 = 4,
    V5 = 5,
}
