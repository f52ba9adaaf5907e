using Telemetry.Wire;
using Telemetry.Wire.Ingest;

namespace Telemetry.Mqtt;

/// <summary>Settings of the MQTT endpoint. Every limit is checked at start by <see cref="Validate"/>.</summary>
public sealed record MqttEndpointOptions
{
    /// <summary>Largest packet a client may send, in bytes, told in CONNACK. Default: a full batch and 4 KiB of header; 1 KiB-16 MiB.</summary>
    public int MaxPacketBytes { get; init; } = WireLimits.MaxBatchBytes + (4 * 1024);

    /// <summary>QoS 1 and 2 publishes a client may have unacknowledged; MQTT 5.0 clients are told, 3.1.1 clients are read no further. Default 256, 1-65,535.</summary>
    public int ReceiveMaximum { get; init; } = 256;

    /// <summary>Topic aliases a client may set up. Default 16, 0-1,000.</summary>
    public int TopicAliasMaximum { get; init; } = 16;

    /// <summary>Longest keep alive granted to a 5.0 client, told as Server Keep Alive. Default <see cref="TimeSpan.Zero"/>: the client's value stands.</summary>
    public TimeSpan MaxKeepAlive { get; init; } = TimeSpan.Zero;

    /// <summary>Longest time a session is kept without a connection. Default 7 days; a 5.0 client that asks for more is told.</summary>
    public TimeSpan MaxSessionExpiry { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Time from the open socket to a whole CONNECT. Default 10 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Open sockets; one more is refused with 0x89 Server busy. Default 100,000.</summary>
    public int MaxConnections { get; init; } = 100_000;

    /// <summary>How fast clients that were sent away (0x88, 0x89, 0x8B) are told to come back, by the user property <c>slot-ms</c>. Default 2,000, 1-1,000,000.</summary>
    public int ReconnectsPerSecond { get; init; } = FleetSpread.DefaultAcceptsPerSecond;

    /// <summary>Sessions with and without a connection; beyond it a new session ends with its connection. Default 200,000.</summary>
    public int MaxSessions { get; init; } = 200_000;

    /// <summary>Messages waiting in one session for the client; beyond it new ones are dropped and counted. Default 1,000.</summary>
    public int MaxQueuedMessages { get; init; } = 1_000;

    /// <summary>Bytes waiting for one slow socket; beyond it QoS 0 messages are dropped and counted, and the client is read no further. Default 256 KiB.</summary>
    public int MaxOutboxBytes { get; init; } = 256 * 1024;

    /// <summary>Subscriptions of one session. Default 100.</summary>
    public int MaxSubscriptions { get; init; } = 100;

    /// <summary>How long a 3.1.1 client's refused batch is tried again before the connection is closed without PUBACK. Default 60 s.</summary>
    public TimeSpan MaxRefusalPause { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Password of the user <c>operator</c>, who may watch live traffic. Null = no such user.</summary>
    public string? OperatorToken { get; init; }

    /// <summary>The relay space for bringing up hardware. Null = off, the default.</summary>
    public LabOptions? Lab { get; init; }

    /// <summary>Checks the ranges above.</summary>
    /// <exception cref="ArgumentException">Names the option, the value found and the range expected.</exception>
    public void Validate()
    {
        InRange(nameof(MaxPacketBytes), MaxPacketBytes, 1024, 16 * 1024 * 1024);
        InRange(nameof(ReceiveMaximum), ReceiveMaximum, 1, 65_535);
        InRange(nameof(TopicAliasMaximum), TopicAliasMaximum, 0, 1_000);
        InRange(nameof(MaxConnections), MaxConnections, 1, 10_000_000);
        InRange(nameof(ReconnectsPerSecond), ReconnectsPerSecond, 1, 1_000_000);
        InRange(nameof(MaxSessions), MaxSessions, 1, 10_000_000);
        InRange(nameof(MaxQueuedMessages), MaxQueuedMessages, 1, 1_000_000);
        InRange(nameof(MaxOutboxBytes), MaxOutboxBytes, 4 * 1024, 64 * 1024 * 1024);
        InRange(nameof(MaxSubscriptions), MaxSubscriptions, 1, 10_000);
        InRange(nameof(MaxKeepAlive), (long)MaxKeepAlive.TotalSeconds, 0, 65_535);
        InRange(nameof(MaxSessionExpiry), (long)MaxSessionExpiry.TotalSeconds, 0, uint.MaxValue - 1);
        InRange(nameof(ConnectTimeout), (long)ConnectTimeout.TotalMilliseconds, 100, 600_000);
        InRange(nameof(MaxRefusalPause), (long)MaxRefusalPause.TotalMilliseconds, 0, 3_600_000);
        if (OperatorToken is { Length: < 8 }) throw new ArgumentException($"{nameof(OperatorToken)} has {OperatorToken.Length} characters; at least 8 are required.");
    }

    private static void InRange(string name, long value, long min, long max)
    {
        if (value < min || value > max) throw new ArgumentException($"{name} is {value}; {min}-{max} is required.");
    }
}

/// <summary>The <c>lab/</c> topic space: an ordinary broker between the sessions of one collector, in memory, for bringing up hardware.</summary>
public sealed record LabOptions
{
    /// <summary>Clients without a user name get a session that sees only <c>lab/</c>. Default false.</summary>
    public bool AllowAnonymous { get; init; }

    /// <summary>Retained messages kept. Default 1,000; beyond it a new retained message is delivered but not kept.</summary>
    public int MaxRetainedMessages { get; init; } = 1_000;
}
