using Telemetry.Scenarios.Answers;
using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Scenarios.Tests.Segments;

public sealed class SlowReferenceTests
{
    private const int From = Persona.Midnight + 1080; // 18:00, so that the day after is read with a warm-up
    private const double FloatSteps = 0.004; // the engine counts in single precision and rounds to three digits

    private static readonly (string Scenario, int Minutes)[] Evening =
    [
        (ScenarioNames.Rest, 50), (ScenarioNames.Walk, 8), (ScenarioNames.Run, 12), (ScenarioNames.Walk, 4), (ScenarioNames.Off, 4), (ScenarioNames.Rest, 60),
        (ScenarioNames.Off, 25), (ScenarioNames.Rest, 130), (ScenarioNames.Sleep, 240), (ScenarioNames.Walk, 6), (ScenarioNames.Vehicle, 20), (ScenarioNames.Desk, 70),
    ];

    [Theory]
    [InlineData(1, false, false)]
    [InlineData(2, false, true)]
    [InlineData(3, true, false)]
    [InlineData(4, true, true)]
    public void Segments_ReadingsInAnyOrderInParts_AreThoseOfOneSortedPass(int seed, bool isWithTrees, bool isWithAnswers)
    {
        ScenarioModel model = isWithTrees ? WithTrees(ModelFile.Default) : ModelFile.Default;
        Random random = new(seed);
        List<Reading> readings = Readings(random);
        Answer[] answers = isWithAnswers ? Answers(model.Version) : [];
        SlowReference reference = new(model, readings, answers);
        SortedDictionary<int, MinuteRow> rows = Rows(readings, random);
        foreach (int day in (int[])[Persona.Midnight / 1440, (Persona.Midnight / 1440) + 1])
        {
            List<ReferenceStay> expected = reference.Day(day);
            List<Segment> segments = Derive(model, rows, day, answers);
            Assert.True(expected.Count > 3);
            Assert.Equal(
                expected.Select(stay => $"{stay.Scenario} {stay.StartMinute}-{stay.EndMinute} {stay.IsProvisional} {string.Join(',', stay.Devices)} {stay.Place}"),
                segments.Select(segment => $"{segment.Scenario} {segment.StartMinute}-{segment.EndMinute} {segment.IsProvisional} {string.Join(',', segment.Devices)} {segment.Place}"));
            Assert.All(expected.Zip(segments), pair => Assert.InRange(pair.Second.Confidence - pair.First.Confidence, -FloatSteps, FloatSteps));
        }
    }

    // Every kind of input and both answers for a missing one; confidence read from evidence and probability; this person levelled.
    private static ScenarioModel WithTrees(ScenarioModel model)
    {
        int heart = model.Inputs.Count, usual = heart + 1, feet = heart + 2;
        return model with
        {
            Usual = new UsualShares(400, 0.5, [.. model.Scenarios.Select((_, k) => k % 2 == 0 ? 0.2 : 0.05)]),
            Calibration = new Calibration([0, 0.5, 1], [0.1, 0.6, 0.9], 0.75),
            Inputs = [.. model.Inputs, "heart_rate.m30", "motion.z240", "foot_strikes"],
            Trees =
            [
                new SmallTree(0, [heart, usual, usual], [70, -0.5, 1], [1, 0, 1], [0.4, 0.1, -0.2, -0.6]),
                new SmallTree(3, [feet, -1, usual], [20, 0, 0.5], [0, 0, 0], [-0.3, 0.9, 0.2, 0.7]),
            ],
        };
    }

    private static List<Reading> Readings(Random random)
    {
        List<Reading> readings = [];
        int minute = From;
        foreach ((string scenario, int minutes) in Evening)
        {
            for (int i = 0; i < minutes; i++, minute++)
            {
                if (scenario != ScenarioNames.Off) Add(readings, scenario, minute, random);
            }
        }

        AddHome(readings, random);
        return readings;
    }

    // A home beside it: cooking and a seat in the evening, a shower, and then the door. The kitchen says its room once.
    private static void AddHome(List<Reading> readings, Random random)
    {
        void Say(int minute, uint device, Room room, SignalSlot slot, double value)
        {
            long at = ((From + minute) * 60_000L) + random.Next(1_000, 50_000);
            if (device != 4 || minute == 0) readings.Add(new Reading(at, device, SignalSlot.Room, (int)room));
            readings.Add(new Reading(at, device, slot, value));
        }

        Say(0, 4, Room.Kitchen, SignalSlot.RoomMotion, 0);
        for (int minute = 2; minute < 30; minute += random.Next(1, 4)) Say(minute, 4, Room.Kitchen, SignalSlot.RoomMotion, random.Next(3));
        for (int minute = 80; minute < 100; minute++) Say(minute, 4, Room.Kitchen, SignalSlot.Appliance, minute < 99 ? 1 : 0);
        for (int minute = 110; minute < 140; minute += 6) Say(minute, 5, Room.Living, SignalSlot.Bed, minute < 134 ? 1 : 0);
        for (int minute = 150; minute < 160; minute++) Say(minute, 7, Room.Shower, SignalSlot.RoomMotion, 2);
        Say(160, 8, Room.Bedroom, SignalSlot.Bed, 1);
        Say(530, 8, Room.Bedroom, SignalSlot.Bed, 0);
        Say(533, 6, Room.Entrance, SignalSlot.Door, 1);
        Say(533, 7, Room.Shower, SignalSlot.RoomMotion, 1);
        Say(534, 6, Room.Entrance, SignalSlot.Door, 0);
    }

    private static void Add(List<Reading> readings, string scenario, int minute, Random random)
    {
        (int heart, int steps, int motion, double speed, int place) = scenario switch
        {
            ScenarioNames.Sleep => (54, 0, 2, 0, 1),
            ScenarioNames.Rest => (66, random.Next(4) == 0 ? 12 : 0, 70, 0, 1),
            ScenarioNames.Desk => (70, 0, 40, 0, 2),
            ScenarioNames.Walk => (98, 108, 400, 1.35, 3),
            ScenarioNames.Run => (158, 162, 950, 3.0, 3),
            _ => (72, 0, 60, 12, 3),
        };
        long at = minute * 60_000L;
        for (int second = 0; second < 60; second += 10)
        {
            readings.Add(new Reading(at + (second * 1000), 1, SignalSlot.HeartRate, heart + random.Next(-4, 5)));
            readings.Add(new Reading(at + (second * 1000), 1, SignalSlot.Steps, steps / 6));
            readings.Add(new Reading(at + (second * 1000), 1, SignalSlot.Motion, Math.Max(0, motion + random.Next(-9, 10))));
        }

        if (speed > 0) readings.Add(new Reading(at + 30_000, 1, SignalSlot.Speed, speed + (random.Next(-200, 200) / 1000.0)));
        if (steps > 60) readings.Add(new Reading(at + 59_000, 2, SignalSlot.FootStrikes, steps / 2));
        if (minute % 7 == 0) readings.Add(new Reading(at + 1_000, 1, SignalSlot.Place, place));
    }

    // As batches would bring them: any order, each minute's row merged from parts.
    private static SortedDictionary<int, MinuteRow> Rows(List<Reading> readings, Random random)
    {
        Reading[] order = [.. readings];
        random.Shuffle(order);
        SortedDictionary<int, MinuteRow> rows = [];
        foreach (Reading[] part in order.Chunk(500))
        {
            foreach (IGrouping<int, Reading> minute in part.GroupBy(reading => (int)(reading.UnixMs / 60_000)))
            {
                MinuteRow partial = new();
                foreach (Reading reading in minute) Fold(partial.Device(reading.Device)!, reading);
                if (!rows.TryGetValue(minute.Key, out MinuteRow? row)) rows[minute.Key] = row = new MinuteRow();
                row.Merge(partial);
            }
        }

        return rows;
    }

    private static void Fold(DeviceMinute device, Reading reading)
    {
        SlotLaw law = SlotCatalog.Of(reading.Slot);
        int scaled = (int)Math.Round(reading.Value * law.Scale);
        if (law.Kind == SlotKind.State) device.Cell(reading.Slot).AddState((int)(reading.UnixMs % 60_000), scaled);
        else device.Cell(reading.Slot).Add(scaled);
    }

    // Said of the first evening and of the day after: named anew, taken back, contradicting, all of a stretch refused, and a gap without devices.
    private static Answer[] Answers(string version)
    {
        Answer About(int minute, int minutes, string scenario, bool holds, string suggested) => new(From + minute, From + minute + minutes, scenario, holds, suggested, version);
        string[] all = [.. ModelFile.Default.Scenarios.Select(shape => shape.Name)];
        return
        [
            About(10, 20, ScenarioNames.Desk, true, ScenarioNames.Rest), About(15, 5, ScenarioNames.Desk, false, ScenarioNames.Desk), About(58, 12, ScenarioNames.Run, false, ScenarioNames.Run),
            About(140, 12, ScenarioNames.Cycle, true, ScenarioNames.Off), .. all.Select(name => About(250, 9, name, false, ScenarioNames.Rest)), About(252, 2, ScenarioNames.Walk, true, ScenarioNames.Unknown),
            About(200, 30, ScenarioNames.Sleep, true, ScenarioNames.Rest), About(560, 20, ScenarioNames.Desk, false, ScenarioNames.Desk),
        ];
    }

    private static List<Segment> Derive(ScenarioModel model, SortedDictionary<int, MinuteRow> rows, int day, Answer[] answers)
    {
        BoundModel bound = new(model, FeatureCatalog.Names);
        DaySegmenter segmenter = new(bound, day, rows.Keys.First(), 0, new PersonalAnswers(bound, answers));
        foreach ((int minute, MinuteRow row) in rows)
        {
            if (minute >= DaySegmenter.FirstRowOf(day) && minute <= DaySegmenter.LastRowOf(day)) segmenter.Feed(minute, row);
        }

        segmenter.PassTo(rows.Keys.Last() + 1);
        return segmenter.Segments();
    }
}
