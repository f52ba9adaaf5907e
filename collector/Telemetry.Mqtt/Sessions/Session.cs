using Telemetry.Mqtt.Connections;

namespace Telemetry.Mqtt.Sessions;

/// <summary>What outlives a connection (MQTT 5.0 and 3.1.1 section 4.1): subscriptions, messages on their way to the client, QoS 2 identifiers.</summary>
/// <remarks>Guarded by <see cref="Gate"/>. Lock order: relay, session, outbox. Parts that most devices never use are made on first use.</remarks>
internal sealed partial class Session(string clientIdentifier, Account account, MqttEndpoint endpoint)
{
    private List<Subscription>? _subscriptions;
    private Dictionary<ushort, long>? _receivedQos2;

    public Lock Gate { get; } = new();
    public string ClientIdentifier { get; } = clientIdentifier;
    public Account Account { get; } = account;

    /// <summary>The connection the session belongs to, or null; the newest CONNECT wins.</summary>
    public MqttConnection? Owner { get; private set; }

    /// <summary>The owner once its CONNACK is on the way: from then on messages may follow.</summary>
    public MqttConnection? Connection { get; private set; }

    /// <summary>Endpoint time after which the session is discarded if no connection is there.</summary>
    public long ExpiresAtMs { get; private set; } = long.MaxValue;

    /// <summary>A will whose delay runs, and when it is due.</summary>
    public (Will Will, long DueAtMs)? PendingWill { get; set; }

    /// <summary>Subscriptions, newest last; the caller holds <see cref="Gate"/>.</summary>
    public IReadOnlyList<Subscription> Subscriptions => _subscriptions ?? [];

    /// <summary>Publishes of QoS 2 received and not yet released.</summary>
    public int ReceivedQos2Count => _receivedQos2?.Count ?? 0;

    /// <summary>Gives the session to a connection; messages wait until <see cref="Activate"/>.</summary>
    public void Attach(MqttConnection owner)
    {
        lock (Gate)
        {
            Owner = owner;
            Connection = null;
            ExpiresAtMs = long.MaxValue;
        }
    }

    /// <summary>CONNACK is on the way: resends what was not acknowledged, then what waited.</summary>
    public void Activate(MqttConnection owner)
    {
        lock (Gate)
        {
            if (Owner != owner) return;
            Connection = owner;
            Resume();
        }
    }

    /// <summary>The connection ended.</summary>
    /// <returns>False if another connection has taken the session over: then nothing of it is to be touched.</returns>
    public bool TryDetach(MqttConnection connection, long expiresAtMs)
    {
        Subscription[] watching;
        lock (Gate)
        {
            if (Owner != connection) return false;
            Owner = Connection = null;
            ExpiresAtMs = expiresAtMs;
            watching = _subscriptions?.FindAll(one => one.Watch is not null).ToArray() ?? [];
        }

        foreach (Subscription subscription in watching) subscription.StopWatch();
        return true;
    }

    /// <summary>Adds the subscription or replaces the one with the same filter (MQTT 5.0 [MQTT-3.8.4-3]).</summary>
    /// <returns>False if the session has as many as it may.</returns>
    public bool TrySubscribe(Subscription subscription, int max, out Subscription? replaced)
    {
        lock (Gate)
        {
            _subscriptions ??= new List<Subscription>(1);
            int at = _subscriptions.FindIndex(other => other.Filter.AsSpan().SequenceEqual(subscription.Filter));
            replaced = at < 0 ? null : _subscriptions[at];
            if (replaced is not null)
            {
                _subscriptions[at] = subscription;
                return true;
            }

            if (_subscriptions.Count >= max) return false;
            _subscriptions.Add(subscription);
            return true;
        }
    }

    /// <summary>Removes the subscription with exactly this filter.</summary>
    public Subscription? Unsubscribe(ReadOnlySpan<byte> filter)
    {
        lock (Gate)
        {
            for (int i = 0; i < Subscriptions.Count; i++)
            {
                Subscription subscription = _subscriptions![i];
                if (!filter.SequenceEqual(subscription.Filter)) continue;
                _subscriptions.RemoveAt(i);
                return subscription;
            }

            return null;
        }
    }

    /// <summary>Notes a QoS 2 publish until its PUBREL (MQTT 5.0 [MQTT-4.3.3-10]).</summary>
    /// <returns>False if it was noted before; <paramref name="position"/> is then that of the first.</returns>
    public bool TryReceiveQos2(ushort id, ref long position)
    {
        lock (Gate)
        {
            _receivedQos2 ??= [];
            if (_receivedQos2.TryGetValue(id, out long first))
            {
                position = first;
                return false;
            }

            _receivedQos2[id] = position;
            return true;
        }
    }

    /// <summary>Whether a QoS 2 publish with this identifier waits for its PUBREL.</summary>
    public bool HasReceivedQos2(ushort id, out long position)
    {
        position = 0;
        lock (Gate) return _receivedQos2 is not null && _receivedQos2.TryGetValue(id, out position);
    }

    /// <summary>PUBREL: the identifier is free again.</summary>
    public bool ReleaseQos2(ushort id)
    {
        lock (Gate) return _receivedQos2 is not null && _receivedQos2.Remove(id);
    }
}
