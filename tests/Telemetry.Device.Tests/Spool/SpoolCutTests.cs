using Telemetry.Bench.Device;

namespace Telemetry.Device.Tests.Spool;

/// <summary>The trial of <c>tools/bench spool</c>, bounded.</summary>
public sealed class SpoolCutTests
{
    [Theory]
    [InlineData(11, false)]
    [InlineData(12, true)]
    public void Mount_AfterAnyCut_KeepsEveryCommittedBatch(int seed, bool inPairs)
    {
        SpoolCuts cuts = new(seed);
        cuts.Run(40_000, inPairs);
        Assert.True(cuts.FirstFailure is null, cuts.FirstFailure);
        Assert.True(cuts.Cuts >= 40_000);
        Assert.Equal((0, 0, 0, 0), (cuts.CommittedLost, cuts.CorruptDelivered, cuts.RingWipes, cuts.WrongLedgers));
    }
}
