using Telemetry.Wire.Batches;

namespace Telemetry.Wire.Tests.Batches;

public sealed class BootClocksTests
{
    private const long BootedAt = 1_767_225_600_000;
    private readonly BootClocks _clocks = new(maxBoots: 2);

    [Fact]
    public void TryPlace_OwnPair_GoesBeforeTheBoots()
    {
        _clocks.Learn(1, Batch(seq: 1, uptimeMs: 1000, driftMs: 5));
        Assert.True(_clocks.TryPlace(1, Batch(seq: 2, uptimeMs: 9000, driftMs: 7), out PlacedClock clock));
        Assert.Equal(new PlacedClock(BootedAt + 7, 20, 9000), clock);
        Assert.Equal(BootedAt + 7 + 8000, clock.ToUnixMs(8000));
    }

    [Fact]
    public void TryPlace_ClockNotSet_TakesTheLowestSeqOfTheBootInAnyOrderOfLearning()
    {
        Assert.True(_clocks.Learn(1, Batch(seq: 8, uptimeMs: 8000, driftMs: 8)));
        Assert.True(_clocks.Learn(1, Batch(seq: 6, uptimeMs: 6000, driftMs: 6)));
        Assert.False(_clocks.Learn(1, Batch(seq: 7, uptimeMs: 7000, driftMs: 7)));
        Assert.True(_clocks.TryPlace(1, Batch(seq: 2, uptimeMs: 2000, driftMs: null), out PlacedClock clock));
        Assert.Equal(BootedAt + 6, clock.BootUnixMs);
    }

    [Fact]
    public void TryPlace_OtherBootEpochOrDevice_IsNotPlaced()
    {
        _clocks.Learn(1, Batch(seq: 1, uptimeMs: 1000, driftMs: 0));
        BatchHeader unset = Batch(seq: 2, uptimeMs: 2000, driftMs: null);
        Assert.False(_clocks.TryPlace(2, unset, out _));
        Assert.False(_clocks.TryPlace(1, unset with { Boot = 2 }, out _));
        Assert.False(_clocks.TryPlace(1, unset with { Epoch = 2 }, out _));
        Assert.False(_clocks.Learn(1, unset with { Boot = 2 }));
    }

    [Fact]
    public void Learn_MoreBootsThanAllowed_ForgetsAllAndGoesOn()
    {
        for (uint device = 1; device <= 3; device++) _clocks.Learn(device, Batch(seq: 1, uptimeMs: 1000, driftMs: 0));
        Assert.False(_clocks.Knows(new DeviceBoot(1, 1, 1)));
        Assert.True(_clocks.Knows(new DeviceBoot(3, 1, 1)));
    }

    [Fact]
    public void ByReceipt_TheBatchWasSealedWhenItCame_AtTheLatest()
    {
        PlacedClock clock = PlacedClock.ByReceipt(Batch(seq: 1, uptimeMs: 5000, driftMs: null), BootedAt + 5000);
        Assert.Equal(new PlacedClock(BootedAt, ClockReading.UnknownErrorMs, 5000), clock);
        Assert.Equal(ClockReading.UnknownErrorMs, clock.ErrorMsAt(0));
    }

    [Theory]
    [InlineData(0, 20)]
    [InlineData(1, 21)] // rounded up
    [InlineData(10_000, 21)]
    [InlineData(10_001, 22)]
    [InlineData(86_400_000, 20 + 8640)] // a day at 100 ppm
    [InlineData(1L << 47, ClockReading.UnknownErrorMs)]
    public void ErrorMsAt_AwayFromThePair_GrowsWithTheDistanceOnBothSides(long distanceMs, uint expectedMs)
    {
        const long PairAt = 1L << 47;
        PlacedClock clock = new(BootedAt, 20, PairAt);
        Assert.Equal(expectedMs, clock.ErrorMsAt(PairAt - distanceMs));
        Assert.Equal(expectedMs, clock.ErrorMsAt(PairAt + distanceMs));
    }

    [Fact]
    public void ErrorMsAt_BatchPlacedByALaterPair_IsLessSureTheLaterThePairCame()
    {
        BatchHeader unset = Batch(seq: 1, uptimeMs: 1000, driftMs: null);
        _clocks.Learn(1, Batch(seq: 9, uptimeMs: 3_601_000, driftMs: 0));
        Assert.True(_clocks.TryPlace(1, unset, out PlacedClock late));
        _clocks.Learn(1, Batch(seq: 2, uptimeMs: 61_000, driftMs: 0));
        Assert.True(_clocks.TryPlace(1, unset, out PlacedClock soon));
        Assert.Equal((20u + 360, 20u + 6), (late.ErrorMsAt(1000), soon.ErrorMsAt(1000)));
    }

    private static BatchHeader Batch(ulong seq, long uptimeMs, int? driftMs) => new(
        1, seq, 1, 1, driftMs is { } drift ? new ClockReading(BootedAt + uptimeMs + drift, uptimeMs, 20, 3) : new ClockReading(0, uptimeMs, ClockReading.UnknownErrorMs, 0), 1, 0);
}
