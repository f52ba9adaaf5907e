using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Telemetry.Mqtt.Connections;
using Telemetry.Mqtt.Lab;
using Telemetry.Mqtt.Sessions;
using Telemetry.Wire.Ingest;

namespace Telemetry.Mqtt;

/// <summary>What all connections share: settings, sessions, relays, counts, and the one timer that looks after keep alive and expiry.</summary>
internal sealed class MqttEndpoint : IDisposable
{
    /// <summary>Keep alive, wills and expiry are exact to this; one timer for all connections instead of one each keeps a session small.</summary>
    private static readonly TimeSpan SweepPeriod = TimeSpan.FromMilliseconds(500);

    private readonly ConnectionTable _connections = new();
    private readonly long _startTimestamp;
    private readonly ITimer _timer;
    private readonly CancellationTokenRegistration _stopping;

    public MqttEndpoint(MqttEndpointOptions options, IIngest ingest, TimeProvider time, ILogger<MqttEndpoint> logger, IHostApplicationLifetime? lifetime = null)
    {
        options.Validate();
        Options = options;
        Ingest = ingest;
        Time = time;
        Logger = logger;
        Sessions = new SessionTable(this);
        Slots = new ReconnectSlots(options.ReconnectsPerSecond);
        Lab = options.Lab is null ? null : new Relay(options.Lab.MaxRetainedMessages, () => Interlocked.Increment(ref Counters.Dropped));
        Tap = new Relay(maxRetained: 0, () => Interlocked.Increment(ref Counters.TapDropped));
        _startTimestamp = time.GetTimestamp();
        _timer = time.CreateTimer(_ => Sweep(), state: null, SweepPeriod, SweepPeriod);
        if (lifetime is not null) _stopping = lifetime.ApplicationStopping.Register(() => EndAll(EndReasons.ServerShuttingDown));
    }

    public MqttEndpointOptions Options { get; }
    public IIngest Ingest { get; }
    public TimeProvider Time { get; }
    public ILogger Logger { get; }
    public MqttCounters Counters { get; } = new();
    public SessionTable Sessions { get; }

    /// <summary>When those come back who were sent away.</summary>
    public ReconnectSlots Slots { get; }

    /// <summary>Null while the lab space is off.</summary>
    public Relay? Lab { get; }
    public Relay Tap { get; }

    /// <summary>Whose connection is served when more are ready than there are cores.</summary>
    public TurnsByBrand Turns { get; } = new();

    /// <summary>Milliseconds since the endpoint was made; never steps back.</summary>
    public long NowMs => (long)Time.GetElapsedTime(_startTimestamp).TotalMilliseconds;

    /// <returns>False if the limit of open sockets is reached.</returns>
    public bool TryAdd(MqttConnection connection)
    {
        int open = _connections.Add(connection);
        Interlocked.Increment(ref Counters.Connections); // whoever is counted is under the timeouts already
        return open <= Options.MaxConnections;
    }

    public void Remove(MqttConnection connection, EndReason reason)
    {
        _connections.Remove(connection);
        Interlocked.Decrement(ref Counters.Connections);
        Counters.CountEnd(reason);
    }

    /// <summary>Publishes a will where the connection was allowed to place it: the device's life topic or the lab.</summary>
    public void PublishWill(Session session, Will will)
    {
        if (session.Account.Device is { } device && IsOwn(session.Account, will.Message.Topic, "life"u8))
        {
            Ingest.ReportLife(device, new System.Buffers.ReadOnlySequence<byte>(will.Message.Payload));
            if (Tap.HasSubscribers) Tap.Publish(will.Message);
        }
        else
        {
            Lab?.Publish(will.Message);
        }
    }

    /// <summary>A session is over: nobody relays to it any more.</summary>
    public void Unsubscribe(Session session)
    {
        Lab?.Remove(session);
        Tap.Remove(session);
    }

    /// <summary>Whether <paramref name="topic"/> is <c>t1/{own brand}/{own device}/{leaf}</c>.</summary>
    public static bool IsOwn(Account account, ReadOnlySpan<byte> topic, ReadOnlySpan<byte> leaf) =>
        topic.Length == account.TopicPrefix.Length + leaf.Length && topic.EndsWith(leaf) && topic.StartsWith(account.TopicPrefix);

    /// <summary>Whether the lab is on and the topic or filter is in it.</summary>
    public bool IsInLab(ReadOnlySpan<byte> topic) => Lab is not null && topic.StartsWith("lab/"u8);

    public void Dispose()
    {
        _stopping.Dispose();
        _timer.Dispose();
        Counters.Dispose();
    }

    private void EndAll(EndReason reason) => _connections.ForEach(connection => connection.RequestEnd(reason));

    private void Sweep()
    {
        long now = NowMs;
        _connections.ForEach(connection => connection.CheckTimeouts(now));
        Sessions.Sweep(now);
    }
}
