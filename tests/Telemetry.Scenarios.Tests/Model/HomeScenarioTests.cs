using Telemetry.Scenarios.Datasets;
using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;
using Telemetry.Scenarios.Training;
using Telemetry.Testing;

namespace Telemetry.Scenarios.Tests.Model;

/// <summary>What the shipped model says of a home, alone and with a band: nobody trained anything.</summary>
public sealed class HomeScenarioTests
{
    private const uint Band = 1, Bedroom = 11, Living = 12, Kitchen = 13, ShowerRoom = 15, Door = 16;
    private const int Start = Persona.Midnight;
    private static readonly BoundModel Shipped = new(ModelFile.Default, FeatureCatalog.Names);

    // What was done from midnight on, with the minutes of each.
    private static readonly (string Scenario, int Minutes)[] Day =
    [
        (ScenarioNames.Sleep, 440), (ScenarioNames.Shower, 12), (ScenarioNames.Cooking, 25), (ScenarioNames.Home, 40), (ScenarioNames.Away, 500), (ScenarioNames.Home, 40),
        (ScenarioNames.Cooking, 35), (ScenarioNames.Home, 200), (ScenarioNames.Sleep, 148),
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Segments_HomeSensorsAlone_NameSleepHomeAwayCookingAndShower(int seed)
    {
        string[] named = Names(HomeRows(seed));
        string[] truth = [.. Day.SelectMany(stay => Enumerable.Repeat(stay.Scenario, stay.Minutes))];
        Assert.InRange(named.Zip(truth).Count(pair => pair.First == pair.Second), (int)(0.95 * truth.Length), truth.Length);
        foreach (string scenario in truth.Distinct())
            Assert.True(named.Zip(truth).Count(pair => pair.First == scenario && pair.Second == scenario) >= 0.7 * truth.Count(name => name == scenario), $"{scenario} is found in too few of its minutes");
    }

    [Fact]
    public void Segments_BandOfThePersonWhoIsOut_SaysMoreThanAway()
    {
        SortedDictionary<int, MinuteRow> rows = HomeRows(seed: 1);
        int left = Start + 517;
        for (int i = 20; i < 50; i++) Wear(rows, left + i, heart: 98, steps: 108, motion: 400);
        for (int i = 100; i < 400; i++) Wear(rows, left + i, heart: 70, steps: 0, motion: 40, place: 2);
        string[] named = Names(rows);
        Assert.All(named[(517 + 22)..(517 + 48)], name => Assert.Equal(ScenarioNames.Walk, name));
        Assert.Equal(ScenarioNames.Away, named[517 + 70]);
        Assert.All(named[(517 + 110)..(517 + 390)], name => Assert.Equal(ScenarioNames.Desk, name));
    }

    [Fact]
    public void Segments_BandThatSeesARestedBody_LeavesShowerAndCookingToTheRooms()
    {
        SortedDictionary<int, MinuteRow> rows = HomeRows(seed: 2);
        for (int i = 0; i < 440; i++) Wear(rows, Start + i, heart: 54, steps: 0, motion: 2);
        for (int i = 452; i < 477; i++) Wear(rows, Start + i, heart: 80, steps: 10, motion: 110); // it was off in the shower
        string[] named = Names(rows);
        Assert.InRange(named[..440].Count(name => name == ScenarioNames.Sleep), 430, 440);
        Assert.InRange(named[440..452].Count(name => name == ScenarioNames.Shower), 9, 12);
        Assert.InRange(named[452..477].Count(name => name == ScenarioNames.Cooking), 18, 25);
    }

    [Fact]
    public void Segments_WornDevicesAlone_NameNothingThatOnlyRoomsCanSee()
    {
        SortedDictionary<int, MinuteRow> rows = Persona.Rows(4, Start, Persona.Workday);
        Assert.DoesNotContain(Names(rows), name => name is ScenarioNames.Home or ScenarioNames.Away or ScenarioNames.Cooking or ScenarioNames.Shower);
    }

    [RealPartFact("data:smarthome")]
    public void Judge_RealHomes_AsModelPageSays()
    {
        string folder = Path.Combine(RealParts.DataFolder!, "smarthome");
        EvaluationReport free = CrossValidation.Judge(ModelFile.Default, HomeRoomsReader.ReadOrdonez(folder)), unseen = CrossValidation.Judge(ModelFile.Default, HomeRoomsReader.ReadKasteren(folder));
        Assert.InRange(free.MacroF1Lag5, 0.95, 1);
        Assert.InRange(unseen.MacroF1Lag5, 0.43, 1);
    }

    // Movement sensors of five rooms that speak when something stirs, a switch in the bed and at the door: silent otherwise.
    private static SortedDictionary<int, MinuteRow> HomeRows(int seed)
    {
        Random random = new(seed);
        SortedDictionary<int, MinuteRow> rows = [];
        int minute = Start;
        foreach ((string scenario, int minutes) in Day)
        {
            for (int i = 0; i < minutes; i++, minute++)
            {
                bool isFirst = i == 0, isLast = i == minutes - 1;
                if (scenario == ScenarioNames.Sleep && (isFirst || isLast)) Say(rows, minute, Bedroom, Room.Bedroom, SignalSlot.Bed, isFirst ? 1 : 0);
                if (scenario == ScenarioNames.Shower && random.Next(10) < 9) Say(rows, minute, ShowerRoom, Room.Shower, SignalSlot.RoomMotion, 3);
                if (scenario == ScenarioNames.Cooking && random.Next(10) < 7) Say(rows, minute, Kitchen, Room.Kitchen, SignalSlot.RoomMotion, 2);
                if (scenario == ScenarioNames.Home && random.Next(10) < 3) Say(rows, minute, Living, Room.Living, SignalSlot.RoomMotion, 1);
                if (scenario == ScenarioNames.Away && (isFirst || isLast)) Say(rows, minute, Door, Room.Entrance, SignalSlot.Door, isFirst ? 1 : 0);
                if (scenario == ScenarioNames.Away && i == 1) Say(rows, minute, Door, Room.Entrance, SignalSlot.Door, 0);
                if (scenario == ScenarioNames.Away && i == minutes - 2) Say(rows, minute, Door, Room.Entrance, SignalSlot.Door, 1);
            }
        }

        return rows;
    }

    private static void Say(SortedDictionary<int, MinuteRow> rows, int minute, uint device, Room room, SignalSlot slot, int value)
    {
        DeviceMinute part = Part(rows, minute, device);
        part.Cell(SignalSlot.Room).AddState(0, (int)room);
        if (slot == SignalSlot.RoomMotion) part.Cell(slot).Add(value);
        else part.Cell(slot).AddState(0, value);
    }

    private static void Wear(SortedDictionary<int, MinuteRow> rows, int minute, int heart, int steps, int motion, int place = 0)
    {
        DeviceMinute band = Part(rows, minute, Band);
        foreach (int beat in (int[])[heart - 2, heart, heart + (minute % 5)]) band.Cell(SignalSlot.HeartRate).Add(beat * SlotCatalog.Of(SignalSlot.HeartRate).Scale);
        band.Cell(SignalSlot.Steps).Add(steps * SlotCatalog.Of(SignalSlot.Steps).Scale);
        band.Cell(SignalSlot.Motion).Add(motion * SlotCatalog.Of(SignalSlot.Motion).Scale);
        if (place > 0) band.Cell(SignalSlot.Place).AddState(0, place);
        band.AddQuality(3, 3, 0, 0);
    }

    private static DeviceMinute Part(SortedDictionary<int, MinuteRow> rows, int minute, uint device)
    {
        if (!rows.TryGetValue(minute, out MinuteRow? row)) rows[minute] = row = new MinuteRow();
        return row.Device(device)!;
    }

    private static string[] Names(SortedDictionary<int, MinuteRow> rows) =>
        [.. DaySegmenter.Derive(Shipped, Start / DaySegmenter.MinutesPerDay, [.. rows.Select(row => (row.Key, row.Value))], Start, Start + DaySegmenter.MinutesPerDay + 10, 0)
            .SelectMany(segment => Enumerable.Repeat(segment.Scenario, segment.Minutes))];
}
