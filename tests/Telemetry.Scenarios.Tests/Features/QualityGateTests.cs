using Telemetry.Scenarios.Datasets;
using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Minutes;
using Telemetry.Testing;

namespace Telemetry.Scenarios.Tests.Features;

public sealed class QualityGateTests
{
    [Fact]
    public void Judge_HeartRateThatStandsStill_IsFlaggedAfterFifteenMinutes()
    {
        QualityGate gate = new();
        for (int minute = 0; minute < 30; minute++)
        {
            QualityFlags flags = gate.Judge(100 + minute, Device(heart: [70, 70], steps: 0));
            Assert.Equal(minute >= 15 ? QualityFlags.FrozenHeartRate : QualityFlags.None, flags);
        }

        Assert.Equal(15, gate.Count(QualityFlags.FrozenHeartRate));
        Assert.Equal(QualityFlags.None, gate.Judge(130, Device(heart: [70, 71], steps: 0)));
    }

    [Theory]
    [InlineData(1.8, QualityFlags.FractionalSteps)]
    [InlineData(301, QualityFlags.ImpossibleSteps)]
    [InlineData(180, QualityFlags.None)]
    public void Judge_StepsOfAMinute_AreFlaggedWhenNobodyCanTakeThem(double steps, QualityFlags expected) =>
        Assert.Equal(expected, new QualityGate().Judge(1, Device(heart: [70, 72], steps)));

    [Theory]
    [InlineData(20, QualityFlags.ImpossibleHeartRate)]
    [InlineData(131.3, QualityFlags.FilledHeartRate)]
    [InlineData(131, QualityFlags.None)]
    public void Judge_OnlyReadingOfAMinute_IsFlaggedWhenNoSensorSaysIt(double heart, QualityFlags expected) =>
        Assert.Equal(expected, new QualityGate().Judge(1, Device([heart], steps: 0)));

    [Fact]
    public void Judge_PulseGoneWhileStepsAreCountedOn_IsOffBodyAfterTenMinutes()
    {
        QualityGate gate = new();
        gate.Judge(100, Device([70, 72], steps: 5));
        Assert.Equal(QualityFlags.None, gate.Judge(110, Device([], steps: 0)));
        Assert.Equal(QualityFlags.OffBody, gate.Judge(111, Device([], steps: 0)));
        Assert.Equal(QualityFlags.None, gate.Judge(112, Device([70, 72], steps: 0)));
    }

    [Fact]
    public void Judge_ReadingOffTheWrist_GoesStaleAfterFifteenMinutes()
    {
        QualityGate gate = new();
        DeviceMinute off = Device([], steps: 0);
        off.AddQuality(10, 0, 0, 0);
        Assert.Equal(QualityFlags.OffBody, gate.Judge(100, off));
        Assert.Equal(QualityFlags.OffBody, gate.Judge(115, Device([], steps: 3)));
        Assert.Equal(QualityFlags.None, gate.Judge(116, Device([], steps: 3)));
    }

    [RealPartFact("data:applewatch_fitbit", "data:fitabase")]
    public void Judge_FilledInSetAgainstMeasuredOne_TellsThemApart()
    {
        GateReport[] filled = [.. Report("applewatch_fitbit")];
        GateReport measured = Assert.Single(Report("fitabase"));
        Assert.True(filled.Single(band => band.Band == "fitbit").UntrueShare >= 0.9, $"{filled[^1].UntrueShare:P1} of the filled-in minutes are flagged.");
        Assert.True(measured.UntrueShare < 0.005, $"{measured.UntrueShare:P2} of the measured minutes are flagged.");
        Assert.True(measured.Untrue < 0.005 * measured.HeartRateMinutes, "Minutes without a pulse, which can hardly be flagged, make the share look small.");
        Assert.True(filled.Single(band => band.Band == "apple watch").UntrueShare >= 0.9, "The other brand of the set is filled in just so.");
    }

    [Fact]
    public void Report_OfMeasuredAndFilledInPeople_CountsByReasonAndPerson()
    {
        BandMinute[] minutes =
        [
            new("band", "measured", 1, Device([70, 72], 12)), new("band", "measured", 2, Device([], 0)),
            new("band", "filled in", 1, Device([70.5], 1.8)), new("band", "filled in", 2, Device([71, 72], 400)),
        ];
        GateReport report = Assert.Single(GateReport.Of(minutes));
        Assert.Equal(("band", 2, 4, 3, 2), (report.Band, report.People, report.Minutes, report.HeartRateMinutes, report.Untrue));
        Assert.Equal((0.5, 0.0, 1.0), (report.UntrueShare, report.LeastOfAPerson, report.MostOfAPerson));
        Assert.Equal(["filledHeartRate", "fractionalSteps", "impossibleSteps"], report.Reasons.Where(reason => reason.Value == 1).Select(reason => reason.Key));
    }

    private static IReadOnlyList<GateReport> Report(string source) => GateReport.Of(BandMinuteReader.Read(source, Path.Combine(RealParts.DataFolder!, source)));

    private static DeviceMinute Device(double[] heart, double steps)
    {
        DeviceMinute device = new(1);
        foreach (double reading in heart) device.Cell(SignalSlot.HeartRate).Add((int)Math.Round(reading * 10));
        device.Cell(SignalSlot.Steps).Add((int)Math.Round(steps * 10));
        return device;
    }
}
