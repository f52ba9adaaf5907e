using Microsoft.Extensions.Logging;

namespace Telemetry.Influx;

/// <summary>Log events of the room, ids 1500-1599.</summary>
internal static partial class Log
{
    [LoggerMessage(1500, LogLevel.Information, "InfluxDB sink starts at log position {Position}, writing to {Server}.")]
    public static partial void Starting(ILogger logger, long position, string server);

    [LoggerMessage(1501, LogLevel.Warning, "InfluxDB does not take lines now ({Answer}). They wait in the log and are sent again.")]
    public static partial void ServerRefuses(ILogger logger, string answer);

    [LoggerMessage(1502, LogLevel.Information, "InfluxDB takes lines again.")]
    public static partial void ServerIsBack(ILogger logger);

    [LoggerMessage(1503, LogLevel.Warning, "InfluxDB refused {Refused} of {Lines} lines for good (HTTP {Status}); they stand with its words in {File}.")]
    public static partial void LinesRefused(ILogger logger, int refused, int lines, int status, string file);

    [LoggerMessage(1504, LogLevel.Information, "InfluxDB has no database '{Database}'; creating it.")]
    public static partial void CreatingDatabase(ILogger logger, string database);

    [LoggerMessage(1505, LogLevel.Warning, "Batch of device {DeviceKey} at log position {Position} was passed over: {Reason}.")]
    public static partial void BatchSkipped(ILogger logger, uint deviceKey, long position, string reason);

    [LoggerMessage(1507, LogLevel.Warning, "The server was started anew and may have forgotten what it took last; everything behind log position {Position} is sent again.")]
    public static partial void ServerRestarted(ILogger logger, long position);

    [LoggerMessage(1508, LogLevel.Warning, "The server does not say under /metrics or /debug/vars which process it is: it is away, or a redirect or a page for people stands there. Until it does, what it took behind log position {Position} does not count.")]
    public static partial void ServerUnknown(ILogger logger, long position);

    [LoggerMessage(1506, LogLevel.Error, "InfluxDB sink failed; it starts again from its cursor in {Pause}.")]
    public static partial void Failed(ILogger logger, TimeSpan pause, Exception failure);
}
