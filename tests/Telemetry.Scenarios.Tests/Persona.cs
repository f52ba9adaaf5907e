using Telemetry.Scenarios.Minutes;

namespace Telemetry.Scenarios.Tests;

/// <summary>A made person's minutes with a known truth: a wristband (device 1), a shoe (device 2) and a bedroom sensor (device 3).</summary>
internal static class Persona
{
    /// <summary>2026-11-02, a Monday, 00:00 UTC.</summary>
    public const int Midnight = 20_759 * 1440;

    /// <summary>Rows of stays one after the other, beginning at <paramref name="from"/>.</summary>
    public static SortedDictionary<int, MinuteRow> Rows(int seed, int from, params ReadOnlySpan<(string Scenario, int Minutes)> stays)
    {
        Random random = new(seed);
        SortedDictionary<int, MinuteRow> rows = [];
        int minute = from;
        foreach ((string scenario, int minutes) in stays)
        {
            for (int i = 0; i < minutes; i++, minute++)
            {
                if (scenario != ScenarioNames.Off) rows[minute] = Row(scenario, random);
            }
        }

        return rows;
    }

    /// <summary>A working day from midnight to midnight.</summary>
    public static (string Scenario, int Minutes)[] Workday =>
    [
        (ScenarioNames.Sleep, 420), (ScenarioNames.Rest, 50), (ScenarioNames.Walk, 6), (ScenarioNames.Vehicle, 25), (ScenarioNames.Walk, 6),
        (ScenarioNames.Desk, 200), (ScenarioNames.Walk, 12), (ScenarioNames.Rest, 25), (ScenarioNames.Desk, 230), (ScenarioNames.Vehicle, 30),
        (ScenarioNames.Rest, 60), (ScenarioNames.Walk, 5), (ScenarioNames.Run, 30), (ScenarioNames.Walk, 6), (ScenarioNames.Rest, 120),
        (ScenarioNames.Off, 45), (ScenarioNames.Rest, 70), (ScenarioNames.Sleep, 100),
    ];

    private static MinuteRow Row(string scenario, Random random)
    {
        (int heart, int steps, int motion, double speed, int place, int bed, int roomMotion) = scenario switch
        {
            ScenarioNames.Sleep => (54, 0, 2, double.NaN, 1, 1, 0),
            ScenarioNames.Rest => (66, random.Next(4) == 0 ? 9 : 0, 70, double.NaN, 1, 0, 2),
            ScenarioNames.Desk => (70, random.Next(9) == 0 ? 5 : 0, 40, double.NaN, 2, 0, 0),
            ScenarioNames.Walk => (98, 108, 400, 1.35, 3, 0, 0),
            ScenarioNames.Run => (158, 165, 950, 3.0, 3, 0, 0),
            ScenarioNames.Vehicle => (72, random.Next(12) == 0 ? 4 : 0, 60, 12, 3, 0, 0),
            _ => throw new ArgumentOutOfRangeException(nameof(scenario), scenario, "No such stay."),
        };
        MinuteRow row = new();
        DeviceMinute band = row.Device(1)!;
        for (int second = 0; second < 60; second += 10) Add(band, SignalSlot.HeartRate, heart + random.Next(-3, 4));
        Add(band, SignalSlot.Steps, steps == 0 ? 0 : steps + random.Next(-4, 5));
        Add(band, SignalSlot.Motion, motion * (0.7 + (0.6 * random.NextDouble())));
        if (!double.IsNaN(speed)) Add(band, SignalSlot.Speed, speed * (0.85 + (0.3 * random.NextDouble())));
        band.Cell(SignalSlot.Place).AddState(0, place);
        band.AddQuality(6, 6, 0, 0);
        if (steps > 60) Add(row.Device(2)!, SignalSlot.FootStrikes, (steps / 2) + random.Next(-2, 3));
        DeviceMinute room = row.Device(3)!;
        Add(room, SignalSlot.RoomMotion, roomMotion == 0 ? 0 : random.Next(0, 4));
        room.Cell(SignalSlot.Bed).AddState(0, bed);
        return row;
    }

    private static void Add(DeviceMinute device, SignalSlot slot, double value) => device.Cell(slot).Add((int)Math.Round(value * SlotCatalog.Of(slot).Scale));
}
