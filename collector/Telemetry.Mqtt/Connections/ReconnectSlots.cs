namespace Telemetry.Mqtt.Connections;

/// <summary>Tells each client that must come back its own instant, evenly spaced, so that a fleet returns at the rate the collector takes and not all at once.</summary>
/// <param name="perSecond">Slots a second.</param>
internal sealed class ReconnectSlots(int perSecond)
{
    /// <summary>No slot is nearer: a restart takes about that long.</summary>
    public const int LeastMs = 2_000;

    /// <summary>None is farther; beyond it slots are given out twice, still evenly.</summary>
    public const int MostMs = 600_000;

    private readonly Lock _gate = new();
    private double _nextMs;

    /// <summary>The next free slot.</summary>
    /// <param name="nowMs">Endpoint time.</param>
    /// <returns>Milliseconds from now, <see cref="LeastMs"/>-<see cref="MostMs"/>.</returns>
    public int Next(long nowMs)
    {
        lock (_gate)
        {
            if (_nextMs < nowMs + LeastMs || _nextMs > nowMs + MostMs) _nextMs = nowMs + LeastMs;
            double slotMs = _nextMs;
            _nextMs += 1000.0 / perSecond;
            return (int)(slotMs - nowMs);
        }
    }
}
