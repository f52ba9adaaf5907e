using Microsoft.Extensions.Logging;

namespace Telemetry.Mqtt;

/// <summary>Log events of the endpoint, 1200-1299. No payload, secret or user name.</summary>
internal static partial class MqttLog
{
    [LoggerMessage(1200, LogLevel.Debug, "Connection {ConnectionId} ended: {Reason}")]
    public static partial void Ended(ILogger logger, string connectionId, string reason);

    [LoggerMessage(1201, LogLevel.Error, "Connection {ConnectionId} failed")]
    public static partial void Failed(ILogger logger, Exception exception, string connectionId);

    [LoggerMessage(1202, LogLevel.Warning, "Batches of connection {ConnectionId} could not be made durable; none of them is acknowledged")]
    public static partial void NotDurable(ILogger logger, Exception exception, string connectionId);

    [LoggerMessage(1203, LogLevel.Warning, "Credentials of connection {ConnectionId} could not be checked")]
    public static partial void NotAuthenticated(ILogger logger, Exception exception, string connectionId);
}
