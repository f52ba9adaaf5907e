using Telemetry.Mqtt.Packets;
using Telemetry.Mqtt.Sessions;

namespace Telemetry.Mqtt.Lab;

/// <summary>Passes messages from publishers to subscribers: the lab space, and the operators' tap on live traffic.</summary>
/// <remarks>One lock and a linear search: a handful of subscribers is what both are for. The lock also keeps each topic in order
/// (MQTT 5.0 [MQTT-4.6.0-5]).</remarks>
internal sealed class Relay(int maxRetained, Action onDropped)
{
    private readonly Lock _gate = new();
    private readonly List<(Session Session, Subscription Subscription)> _subscribers = [];
    private readonly Dictionary<string, Message> _retained = new(StringComparer.Ordinal);
    private volatile bool _hasSubscribers;
    private int _turn;

    /// <summary>False while nobody listens: the tap costs one read then.</summary>
    public bool HasSubscribers => _hasSubscribers;

    public void Add(Session session, Subscription subscription, Subscription? replaced)
    {
        lock (_gate)
        {
            if (replaced is not null) Remove(session, replaced);
            _subscribers.Add((session, subscription));
            _hasSubscribers = true;
        }
    }

    public void Remove(Session session, Subscription subscription)
    {
        lock (_gate)
        {
            _subscribers.RemoveAll(one => one.Session == session && ReferenceEquals(one.Subscription, subscription));
            _hasSubscribers = _subscribers.Count > 0;
        }
    }

    public void Remove(Session session)
    {
        lock (_gate)
        {
            _subscribers.RemoveAll(one => one.Session == session);
            _hasSubscribers = _subscribers.Count > 0;
        }
    }

    /// <summary>Sends the retained messages that match a subscription just made (MQTT 5.0 [MQTT-3.3.1-9] to -11); shared ones get none.</summary>
    public void SendRetained(Session session, Subscription subscription, bool isNew, long nowMs)
    {
        bool wants = subscription.Options.RetainHandling == 0 || (subscription.Options.RetainHandling == 1 && isNew);
        if (!wants || TopicName.IsShared(subscription.Filter)) return;

        lock (_gate)
        {
            foreach (Message message in _retained.Values)
            {
                if (message.ExpiresAtMs <= nowMs || !TopicName.Matches(subscription.Filter, message.Topic)) continue;
                Deliver(session, message, Math.Min(message.Qos, subscription.Qos), retain: true, IdentifiersOf(subscription));
            }
        }
    }

    /// <summary>Keeps the message if it is to be retained and hands it to everybody it concerns.</summary>
    public void Publish(Message message)
    {
        lock (_gate)
        {
            if (message.Retain) Retain(message);

            Dictionary<Session, Match> matches = [];
            List<IGrouping<string, (Session, Subscription)>>? groups = null;
            foreach ((Session session, Subscription subscription) in _subscribers)
            {
                if (TopicName.IsShared(subscription.Filter))
                {
                    groups ??= GroupsMatching(message);
                    continue;
                }

                if (subscription.Options.NoLocal && message.Source == session) continue;
                if (TopicName.Matches(subscription.Filter, message.Topic)) Merge(matches, session, subscription);
            }

            foreach ((Session session, Match match) in matches)
            {
                Deliver(session, message, Math.Min(message.Qos, match.Qos), match.RetainAsPublished && message.Retain, match.Identifiers);
            }

            foreach (IGrouping<string, (Session, Subscription)> group in groups ?? []) DeliverToOne([.. group], message);
        }
    }

    private List<IGrouping<string, (Session, Subscription)>> GroupsMatching(Message message) =>
        [.. _subscribers
            .Where(one => TopicName.TrySplitShared(one.Subscription.Filter, out _, out ReadOnlySpan<byte> filter) && TopicName.Matches(filter, message.Topic))
            .GroupBy(one => Convert.ToBase64String(one.Subscription.Filter))];

    /// <summary>A shared subscription: one member gets it, in turn, those with a connection before those without (MQTT 5.0 section 4.8.2).</summary>
    private void DeliverToOne(List<(Session Session, Subscription Subscription)> group, Message message)
    {
        List<(Session, Subscription)> present = group.FindAll(one => one.Session.Connection is not null);
        if (present.Count > 0) group = present;
        (Session session, Subscription subscription) = group[_turn++ % group.Count];
        bool retain = subscription.Options.RetainAsPublished && message.Retain;
        Deliver(session, message, Math.Min(message.Qos, subscription.Qos), retain, IdentifiersOf(subscription));
    }

    private void Retain(Message message)
    {
        string topic = Convert.ToBase64String(message.Topic);
        if (message.Payload.IsEmpty) _retained.Remove(topic);
        else if (_retained.Count < maxRetained || _retained.ContainsKey(topic)) _retained[topic] = message;
        else onDropped();
    }

    private void Deliver(Session session, Message message, int qos, bool retain, int[] identifiers)
    {
        if (!session.Deliver(message, qos, retain, identifiers)) onDropped();
    }

    private static void Merge(Dictionary<Session, Match> matches, Session session, Subscription subscription)
    {
        int[] identifiers = IdentifiersOf(subscription);
        matches[session] = matches.TryGetValue(session, out Match? other)
            ? new Match(Math.Max(other.Qos, subscription.Qos), other.RetainAsPublished || subscription.Options.RetainAsPublished, [.. other.Identifiers, .. identifiers])
            : new Match(subscription.Qos, subscription.Options.RetainAsPublished, identifiers);
    }

    private static int[] IdentifiersOf(Subscription subscription) => subscription.Identifier == 0 ? [] : [subscription.Identifier];

    /// <summary>Overlapping subscriptions of one session give one copy with the highest QoS and all identifiers (MQTT 5.0 [MQTT-3.3.4-2], [MQTT-3.3.4-4]).</summary>
    private sealed record Match(int Qos, bool RetainAsPublished, int[] Identifiers);
}
