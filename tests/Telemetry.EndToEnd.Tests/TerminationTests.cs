namespace Telemetry.EndToEnd.Tests;

/// <summary>Who reads the ready line may end the collector at once, and more than once.</summary>
public sealed class TerminationTests
{
    [Fact]
    public async Task Up_TerminatedOverAndOverFromItsReadyLineOn_ComesToRestAndEndsWith0()
    {
        await using CollectorProcess collector = await CollectorProcess.StartAsync();
        Assert.Equal(0, await collector.TerminateOverAndOverAsync());
    }
}
