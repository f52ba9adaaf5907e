namespace Telemetry.Grpc;

/// <summary>Bounds of the gRPC endpoint.</summary>
public sealed class GrpcEndpointOptions
{
    /// <summary>Largest request message, and the most a compressed one may inflate to. Default 4 MiB, gRPC's own; at least 256 KiB + 4 KiB, so that one whole batch fits.</summary>
    public int MaxMessageBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Batches of one SubmitRequest. Default 1024; more is INVALID_ARGUMENT.</summary>
    public int MaxBatchesPerRequest { get; set; } = 1024;

    /// <summary>Groups of answers one stream holds while their flush runs. Default 8, each of at most 512 batches and 64 KiB or one request;
    /// a stream that is ahead by more is read no further, and HTTP/2 flow control slows the caller.</summary>
    public int MaxAnswerGroupsInFlight { get; set; } = 8;

    /// <summary>How long a checked Basic credential is believed without asking the registry again. Default 30 s; zero asks every time.</summary>
    public TimeSpan SessionLifetime { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Checked credentials kept. Default 65,536, some 200 bytes each.</summary>
    public int MaxCachedSessions { get; set; } = 65_536;

    /// <summary>Idle time after which the server pings a connection (HTTP/2 PING). Default 60 s.</summary>
    public TimeSpan KeepAliveDelay { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Time a ping may stay unanswered before the connection is closed. Default 20 s.</summary>
    public TimeSpan KeepAliveTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Calls one connection may have open at once (HTTP/2 MAX_CONCURRENT_STREAMS). Default 256.</summary>
    public int MaxCallsPerConnection { get; set; } = 256;

    internal void Validate()
    {
        const int LeastMessageBytes = Wire.WireLimits.MaxBatchBytes + (4 * 1024);
        if (MaxMessageBytes < LeastMessageBytes)
            throw new ArgumentException($"Grpc:MaxMessageBytes is {MaxMessageBytes}; at least {LeastMessageBytes} is required, so that one whole batch fits.");
        RequirePositive(MaxBatchesPerRequest, nameof(MaxBatchesPerRequest));
        RequirePositive(MaxAnswerGroupsInFlight, nameof(MaxAnswerGroupsInFlight));
        RequirePositive(MaxCachedSessions, nameof(MaxCachedSessions));
        RequirePositive(MaxCallsPerConnection, nameof(MaxCallsPerConnection));
    }

    private static void RequirePositive(int value, string key)
    {
        if (value < 1) throw new ArgumentException($"Grpc:{key} is {value}; at least 1 is required.");
    }
}
