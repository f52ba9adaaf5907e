namespace Telemetry.Wire.Ingest;

/// <summary>Over how long a fleet that lost its connection comes back (proto/WIRE.md, "Reconnect").</summary>
public static class FleetSpread
{
    /// <summary>No window is shorter: a restart takes about that long.</summary>
    public const int LeastWindowMs = 2_000;

    /// <summary>No window is longer: devices believe a day.</summary>
    public const int MostWindowMs = 86_400_000;

    /// <summary>Accepts a second that a collector counts on unless it is told otherwise: about half of what one core of a busy machine does without TLS (3,000 to 4,500, benchmarks/results/mqtt.md).</summary>
    public const int DefaultAcceptsPerSecond = 2_000;

    /// <summary>2 N / C. While nobody answers, a device tries every half window on average, so N of them try N / (window / 2) = C times a second: however long it
    /// lasts, whoever comes back to serve meets what it can take.</summary>
    /// <param name="devices">N, from 0.</param>
    /// <param name="acceptsPerSecond">C, from 1.</param>
    /// <returns>Milliseconds, <see cref="LeastWindowMs"/>..<see cref="MostWindowMs"/>.</returns>
    public static int WindowMs(long devices, int acceptsPerSecond) => (int)Math.Clamp(2_000 * devices / acceptsPerSecond, LeastWindowMs, MostWindowMs);
}
