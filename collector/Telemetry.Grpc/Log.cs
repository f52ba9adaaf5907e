using Microsoft.Extensions.Logging;

namespace Telemetry.Grpc;

/// <summary>Log events of the room, ids 1300-1399.</summary>
internal static partial class Log
{
    [LoggerMessage(1300, LogLevel.Error, "gRPC {Method}: the handler failed.")]
    public static partial void HandlerFailed(ILogger logger, string method, Exception failure);

    [LoggerMessage(1301, LogLevel.Debug, "gRPC {Method}: wrong credentials from {Peer}.")] // counted; a stranger is not to fill the log
    public static partial void WrongCredentials(ILogger logger, string method, string peer);
}
