namespace Telemetry.Influx.Delivery;

/// <summary>How long to wait after the n-th failure in a row: doubled each time up to a bound, drawn from the upper half, so that collectors do not come back in step.</summary>
internal sealed class RetryPolicy(InfluxOptions options)
{
    private readonly Random _random = new(options.JitterSeed);
    private int _failures;

    /// <summary>Counts a failure.</summary>
    /// <param name="retryAfter">What the server asked for; honoured up to the bound, and never undercut.</param>
    /// <returns>The pause.</returns>
    public TimeSpan AfterFailure(TimeSpan? retryAfter)
    {
        double doubled = options.FirstRetryDelay.TotalMilliseconds * Math.Pow(2, Math.Min(_failures++, 30));
        TimeSpan pause = TimeSpan.FromMilliseconds(Math.Min(doubled, options.LongestRetryDelay.TotalMilliseconds) * (0.5 + (_random.NextDouble() / 2)));
        TimeSpan asked = retryAfter.GetValueOrDefault();
        if (asked > options.LongestRetryDelay) asked = options.LongestRetryDelay;
        return asked > pause ? asked : pause;
    }

    /// <summary>The server took a request.</summary>
    public void Success() => _failures = 0;
}
