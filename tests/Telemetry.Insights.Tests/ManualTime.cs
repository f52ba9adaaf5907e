namespace Telemetry.Insights.Tests;

/// <summary>A clock that stands until it is moved.</summary>
internal sealed class ManualTime(long unixMs) : TimeProvider
{
    public long UnixMs { get; set; } = unixMs;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(UnixMs);
}
