using Telemetry.Mqtt.Packets;

namespace Telemetry.Mqtt;

/// <summary>Why a connection ends: one ending, one reason, for the reply, the log, the count and the tests alike.</summary>
/// <param name="Name">Label of the count, stable.</param>
/// <param name="Code">What the peer is told in MQTT 5.0; in 3.1.1 only a refused CONNECT is answered.</param>
/// <param name="Text">What was found, what is expected, which statement says so; sent as Reason String.</param>
internal sealed record EndReason(string Name, ReasonCode Code, string Text)
{
    /// <summary>The fault is ours and passes: a 5.0 client is told when to come back.</summary>
    public bool NamesSlot => Code is ReasonCode.ServerBusy or ReasonCode.ServerUnavailable or ReasonCode.ServerShuttingDown;
}

/// <summary>A peer broke the protocol or may not go on. Thrown anywhere below the connection, caught once, in <c>MqttConnection.RunAsync</c>.</summary>
internal sealed class MqttProtocolException(EndReason reason) : Exception(reason.Text)
{
    public EndReason Reason { get; } = reason;
}
