using System.Globalization;
using System.IO.Compression;
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
        double filled = ShareFlagged(Lines("applewatch_fitbit/aw_fb_data.csv.gz").Select(line => line.Split(','))
            .Where(cells => cells[17] == "fitbit").Select((cells, i) => (Person: cells[0], Minute: i, Steps: Number(cells[5]), Heart: new[] { Number(cells[6]) })));
        double measured = ShareFlagged(Lines("fitabase/minute_long.csv.gz").Select(line => line.Split(','))
            .Select(cells => (Person: cells[0], Minute: (int)(long.Parse(cells[1], CultureInfo.InvariantCulture) / 60), Steps: Number(cells[2]),
                Heart: cells[4].Length == 0 ? [] : new[] { Number(cells[5]), Number(cells[6]) })));
        Assert.True(filled >= 0.9, $"{filled:P1} of the filled-in minutes are flagged.");
        Assert.True(measured < 0.005, $"{measured:P2} of the measured minutes are flagged.");
    }

    private static double ShareFlagged(IEnumerable<(string Person, int Minute, double Steps, double[] Heart)> minutes)
    {
        Dictionary<string, QualityGate> gates = [];
        int count = 0, flagged = 0;
        foreach ((string person, int minute, double steps, double[] heart) in minutes)
        {
            if (!gates.TryGetValue(person, out QualityGate? gate)) gates[person] = gate = new QualityGate();
            count++;
            if ((gate.Judge(minute, Device(heart, steps)) & QualityFlags.Untrue) != 0) flagged++;
        }

        return (double)flagged / count;
    }

    private static IEnumerable<string> Lines(string file)
    {
        using StreamReader reader = new(new GZipStream(File.OpenRead(Path.Combine(RealParts.DataFolder!, file)), CompressionMode.Decompress));
        reader.ReadLine();
        while (reader.ReadLine() is { } line) yield return line;
    }

    private static double Number(string cell) => double.Parse(cell, CultureInfo.InvariantCulture);

    private static DeviceMinute Device(double[] heart, double steps)
    {
        DeviceMinute device = new(1);
        foreach (double reading in heart) device.Cell(SignalSlot.HeartRate).Add((int)Math.Round(reading * 10));
        device.Cell(SignalSlot.Steps).Add((int)Math.Round(steps * 10));
        return device;
    }
}
