namespace Telemetry.Mqtt.Broker;

/// <summary>
/// Whether our session at the broker will ever be resumed. RabbitMQ 3.10, killed within a second or two of making a session, never answers a CONNECT that would resume it.
/// A session may hold batches that the broker has acknowledged, so it is given up only where the fault is likely and the loss small: it was made by this process, its one
/// connection ended within a minute, and since then two CONNECTs got no answer. One that was resumed once, or that this process did not make, is waited for without end.
/// </summary>
/// <remarks>Used by the link's one task.</remarks>
internal sealed class SessionTrust(TimeProvider time)
{
    private const int UnansweredForNewSession = 2;
    private static readonly TimeSpan s_young = TimeSpan.FromMinutes(1);

    private bool _isYoung;
    private long _madeAt;
    private int _unanswered;

    /// <summary>The next connection begins a new session.</summary>
    public bool IsLost => _isYoung && _unanswered >= UnansweredForNewSession;

    /// <summary>The broker took a CONNECT.</summary>
    public void OnConnectSent() => _unanswered++;

    /// <summary>It answered one, whatever it said.</summary>
    public void OnAnswered() => _unanswered = 0;

    /// <summary>The session stands.</summary>
    public void OnAccepted(bool isSessionPresent) => (_isYoung, _madeAt) = (!isSessionPresent, time.GetTimestamp());

    /// <summary>The connection of the session that stood ended.</summary>
    public void OnEnded() => _isYoung &= time.GetElapsedTime(_madeAt) < s_young;
}
