namespace Telemetry.Mqtt.Broker;

/// <summary>
/// Whether our session at the broker will ever be resumed. RabbitMQ 3.10, killed within a second or two of making a session, never answers a CONNECT that would resume it.
/// A session may hold batches that the broker has acknowledged, so it is given up only where the fault is certain and the loss small: it was made by this process, its one
/// connection ended within a minute, and since then CONNECTs for it got no answer, before and after the broker answered one under another name. So a broker that hangs, or a
/// proxy before one that is away, is waited for; and so, without end, is a session that was resumed once or that this process did not make.
/// </summary>
/// <remarks>Used by the link's one task.</remarks>
internal sealed class SessionTrust(TimeProvider time)
{
    private const int UnansweredForDoubt = 2;
    private static readonly TimeSpan s_young = TimeSpan.FromMinutes(1);

    private bool _isYoung;
    private long _madeAt;
    private int _unanswered;
    private bool _answersOthers;

    /// <summary>The next connection asks under another name whether the broker answers at all.</summary>
    public bool IsDoubted => _isYoung && !_answersOthers && _unanswered >= UnansweredForDoubt;

    /// <summary>The next connection begins a new session.</summary>
    public bool IsLost => _isYoung && _answersOthers && _unanswered >= UnansweredForDoubt;

    /// <summary>A CONNECT for the session is sent.</summary>
    public void OnConnectSent() => _unanswered++;

    /// <summary>It was answered, whatever was said.</summary>
    public void OnAnswered() => (_unanswered, _answersOthers) = (0, false);

    /// <summary>One under another name was answered: CONNECTs for the session are counted anew.</summary>
    public void OnOtherAnswered() => (_unanswered, _answersOthers) = (0, true);

    /// <summary>The session stands.</summary>
    public void OnAccepted(bool isSessionPresent) => (_isYoung, _madeAt) = (!isSessionPresent, time.GetTimestamp());

    /// <summary>The connection of the session that stood ended.</summary>
    public void OnEnded() => _isYoung &= time.GetElapsedTime(_madeAt) < s_young;
}
