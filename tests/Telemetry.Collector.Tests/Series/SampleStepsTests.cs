using Telemetry.Collector.Api;
using Telemetry.Collector.Series;
using Telemetry.Wire.Profiles;

namespace Telemetry.Collector.Tests.Series;

public sealed class SampleStepsTests
{
    private static readonly DeviceDescription s_device = new(1, 1, "acme", "band-1", "band-2");
    private static readonly SignalDefinition s_heart = new(1, "heart_rate", "/min", SignalKind.Gauge, 1, 20, 250, PrivacyClass.Health, 1000);
    private static readonly SignalDefinition s_skin = new(2, "temperature", "Cel", SignalKind.Gauge, 0.1, 0, 60, PrivacyClass.Health, 1000);

    [Fact]
    public void Of_TwoSignals_FoldsEachStepAndSkipsEmptyOnes()
    {
        SampleRow[] rows = [Row(s_heart, 1000, 60), Row(s_skin, 1000, 32.5), Row(s_heart, 1999, 70), Row(s_heart, 5000, 80)];
        Assert.Equal(
            [
                new SampleStep(s_device, s_heart, 1000, 9, 1, 2, 60, 70, 70, 130),
                new SampleStep(s_device, s_skin, 1000, 9, 1, 1, 32.5, 32.5, 32.5, 32.5),
                new SampleStep(s_device, s_heart, 5000, 9, 1, 1, 80, 80, 80, 80),
            ],
            SampleSteps.Of(rows, 1000));
        Assert.Equal(65, SampleSteps.Of(rows, 1000).First().Mean);
    }

    [Fact]
    public void Of_TimesBefore1970_BeginAStepAtItsEarlierEnd() =>
        Assert.Equal([-2000L, -1000L], SampleSteps.Of([Row(s_heart, -1001, 1), Row(s_heart, -1, 2)], 1000).Select(step => step.UnixMs));

    [Fact]
    public void Of_NotANumber_IsNotCounted()
    {
        SampleStep mixed = Assert.Single(SampleSteps.Of([Row(s_heart, 0, 60), Row(s_heart, 1, double.NaN)], 10));
        Assert.Equal((1, 60, 60, 60), (mixed.Count, mixed.Min, mixed.Mean, mixed.Last));
        SampleStep none = Assert.Single(SampleSteps.Of([Row(s_heart, 0, double.NaN)], 10));
        Assert.Equal((0, double.NaN, double.NaN), (none.Count, none.Mean, none.Max));
    }

    [Fact]
    public void Of_QualityAndError_KeepWhatAllHaveAndTheWorst()
    {
        SampleStep step = Assert.Single(SampleSteps.Of([Row(s_heart, 0, 60) with { Quality = 3, ErrorMs = 50 }, Row(s_heart, 1, 61) with { Quality = 5 }], 10));
        Assert.Equal((1, 50u), (step.Quality, step.ErrorMs));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1.2.3.4")]
    [InlineData("1.-2.3.4.5")]
    [InlineData("1.2.3.4.0")]
    [InlineData("a.b.c.d.e")]
    public void Place_NotOneOfOurs_IsRefused(string text) => Assert.Equal(ApiFault.Invalid, Assert.Throws<ApiException>(() => SamplePlace.Parse(text)).Fault);

    [Fact]
    public void Place_RoundTrips()
    {
        SamplePlace place = new(18_048, 2, long.MinValue, -5, 3);
        Assert.Equal(place, SamplePlace.Parse(place.Text));
    }

    private static SampleRow Row(SignalDefinition signal, long unixMs, double value) => new(s_device, signal, unixMs, 9, value, 1, default);
}
