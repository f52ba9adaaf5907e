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

    [LoggerMessage(1204, LogLevel.Warning, "A connection could not be accepted ({Error}); trying again. With TooManyOpenSockets raise the limit of open files")]
    public static partial void NotAccepted(ILogger logger, System.Net.Sockets.SocketError error);

    [LoggerMessage(1250, LogLevel.Information, "Broker {Address}: connected; stored session present: {IsSessionPresent}")]
    public static partial void BrokerConnected(ILogger logger, string address, bool isSessionPresent);

    [LoggerMessage(1251, LogLevel.Warning, "Broker {Address}: {Reason} Batches wait there; next attempt in {PauseMs} ms")]
    public static partial void BrokerLost(ILogger logger, string address, string reason, int pauseMs);

    [LoggerMessage(1252, LogLevel.Error, "Broker {Address}: the session it kept for us is gone, and with it what waited in it. Look at its persistence and its session expiry")]
    public static partial void BrokerSessionLost(ILogger logger, string address);

    [LoggerMessage(1253, LogLevel.Warning, "Broker {Address}: a batch came for {Device}, which is not in the registry; it is acknowledged and dropped. Further ones are only counted (telemetry.broker.unknown)")]
    public static partial void BrokerDeviceUnknown(ILogger logger, string address, string device);
}
