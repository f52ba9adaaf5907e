using Telemetry.Mqtt.Connections;

namespace Telemetry.Mqtt.Sessions;

/// <summary>All sessions by account and client identifier; decides resume, takeover and expiry (MQTT 5.0 sections 3.1.2.4, 3.1.4 and 4.1).</summary>
internal sealed class SessionTable(MqttEndpoint endpoint)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(long Scope, string ClientIdentifier), Session> _sessions = [];

    public int Count
    {
        get { lock (_gate) return _sessions.Count; }
    }

    /// <summary>Gives the connection its session: the stored one, or a new one where there is none or a clean start was asked for.</summary>
    /// <param name="connection">The new connection; an older one of the same session is told to end.</param>
    /// <param name="account">Whose.</param>
    /// <param name="clientIdentifier">Not empty.</param>
    /// <param name="isCleanStart">Discard what is stored (MQTT 5.0 [MQTT-3.1.2-4]).</param>
    /// <param name="isPresent">Session Present of CONNACK.</param>
    public Session Attach(MqttConnection connection, Account account, string clientIdentifier, bool isCleanStart, out bool isPresent)
    {
        (long, string) key = (account.Scope, clientIdentifier);
        Session? discarded = null;
        Session session;
        MqttConnection? older;
        lock (_gate)
        {
            bool isStored = _sessions.TryGetValue(key, out Session? stored);
            older = stored?.Owner;
            isPresent = isStored && !isCleanStart && stored!.ExpiresAtMs > endpoint.NowMs;
            session = isPresent ? stored! : new Session(clientIdentifier, account, endpoint);
            if (isStored && !isPresent) discarded = stored;
            if (isPresent || isStored || _sessions.Count < endpoint.Options.MaxSessions) _sessions[key] = session;
            session.Attach(connection);
        }

        // The will of the older connection: sent with a clean start or without delay, never when the session goes on within the delay ([MQTT-3.1.3-9]).
        older?.RequestEnd(EndReasons.SessionTakenOver);
        older?.SettleWill(isSessionOver: !isPresent);
        if (isPresent) session.PendingWill = null;
        if (discarded is not null) Discard(discarded);
        return session;
    }

    /// <summary>The connection of a session is gone; keeps it until <paramref name="expiresAtMs"/> or drops it now.</summary>
    public void Release(Session session, long expiresAtMs)
    {
        if (expiresAtMs > endpoint.NowMs) return;
        lock (_gate) RemoveIfSame(session);
        Discard(session);
    }

    /// <summary>Sends wills that are due and discards sessions that expired (MQTT 5.0 [MQTT-4.1.0-2]).</summary>
    public void Sweep(long nowMs)
    {
        List<Session>? due = null;
        lock (_gate)
        {
            foreach (Session session in _sessions.Values)
            {
                if (session.Owner is null && (session.ExpiresAtMs <= nowMs || session.PendingWill?.DueAtMs <= nowMs)) (due ??= []).Add(session);
            }

            foreach (Session session in due ?? [])
            {
                if (session.ExpiresAtMs <= nowMs) RemoveIfSame(session);
            }
        }

        foreach (Session session in due ?? [])
        {
            if (session.ExpiresAtMs <= nowMs) Discard(session);
            else SendPendingWill(session);
        }
    }

    private void RemoveIfSame(Session session)
    {
        (long, string) key = (session.Account.Scope, session.ClientIdentifier);
        if (_sessions.TryGetValue(key, out Session? stored) && stored == session) _sessions.Remove(key);
    }

    /// <summary>A session ends: its will is due at the latest now, its subscriptions go.</summary>
    private void Discard(Session session)
    {
        SendPendingWill(session);
        endpoint.Unsubscribe(session);
    }

    private void SendPendingWill(Session session)
    {
        if (session.PendingWill is not { } pending) return;
        session.PendingWill = null;
        endpoint.PublishWill(session, pending.Will);
    }
}
