using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Training;

namespace Telemetry.Scenarios.Datasets;

/// <summary>
/// The homes of <see cref="HomeReader"/> as the collector sees homes: their sensors by room and kind, in the features that every home has in common. A model that was made from one home
/// can so be judged on another.
/// </summary>
public static class HomeRoomsReader
{
    private static readonly string[] Scenarios = [ScenarioNames.Sleep, ScenarioNames.Home, ScenarioNames.Away, ScenarioNames.Cooking, ScenarioNames.Shower];

    // By number of the sensor, from the page of the set: doors of rooms, cupboards and machines of the kitchen, the flush.
    private static readonly Dictionary<string, HomeSensor> KasterenSensors = new(StringComparer.Ordinal)
    {
        ["5"] = new(Room.Bathroom, SignalSlot.Door), ["6"] = new(Room.Bathroom, SignalSlot.Door), ["12"] = new(Room.Entrance, SignalSlot.Door), ["24"] = new(Room.Bedroom, SignalSlot.Door),
        ["14"] = new(Room.Bathroom, SignalSlot.Appliance),
    };

    private static readonly Dictionary<string, string> KasterenActivities = new(StringComparer.Ordinal)
    {
        ["1"] = ScenarioNames.Away, ["4"] = ScenarioNames.Home, ["5"] = ScenarioNames.Shower, ["10"] = ScenarioNames.Sleep,
        ["13"] = ScenarioNames.Cooking, ["15"] = ScenarioNames.Cooking, ["17"] = ScenarioNames.Home,
    };

    /// <summary>Reads van Kasteren's home A; a day is a person of the set.</summary>
    public static LabelledSet ReadKasteren(string folder) => Read(
        "kasteren-rooms",
        HomeReader.Read(Path.Combine(folder, "kasterenSenseData.txt"), HomeReader.KasterenFormats, cells => cells[0]),
        HomeReader.Read(Path.Combine(folder, "kasterenActData.txt"), HomeReader.KasterenFormats, cells => KasterenActivities.GetValueOrDefault(cells[0], "")),
        name => KasterenSensors.GetValueOrDefault(name, new HomeSensor(Room.Kitchen, SignalSlot.Appliance)));

    /// <summary>Reads Ordonez's home A; a day is a person of the set.</summary>
    public static LabelledSet ReadOrdonez(string folder) => Read(
        "ordonez-rooms",
        HomeReader.Read(Path.Combine(folder, "OrdonezA_Sensors.txt"), HomeReader.OrdonezFormats, cells => string.Join(' ', cells)),
        HomeReader.Read(Path.Combine(folder, "OrdonezA_ADLs.txt"), HomeReader.OrdonezFormats, cells => cells[0] switch
        {
            "Sleeping" => ScenarioNames.Sleep,
            "Leaving" => ScenarioNames.Away,
            "Showering" => ScenarioNames.Shower,
            "Breakfast" or "Lunch" or "Dinner" => ScenarioNames.Cooking,
            _ => ScenarioNames.Home,
        }),
        OrdonezSensor);

    internal static LabelledSet Read(string name, IReadOnlyList<HomeReader.Stay> sensors, IReadOnlyList<HomeReader.Stay> activities, Func<string, HomeSensor> sensorOf)
    {
        int from = Math.Min(sensors.Min(stay => stay.From), activities.Min(stay => stay.From)) / 60, to = activities.Max(stay => stay.To) / 60;
        MinuteRow?[] rows = new MinuteRow?[to - from + 1];
        string[] names = [.. sensors.Select(stay => stay.Name).Distinct().Order(StringComparer.Ordinal)];
        foreach (HomeReader.Stay stay in sensors.OrderBy(stay => stay.From))
        {
            HomeSensor sensor = sensorOf(stay.Name);
            uint device = (uint)Array.IndexOf(names, stay.Name) + 1;
            for (int minute = stay.From / 60; minute <= Math.Min(to, stay.To / 60); minute++) Add(rows[minute - from] ??= new MinuteRow(), device, sensor, minute * 60, stay);
        }

        FeatureExtractor extractor = new(0);
        float[][] vectors = [.. rows.Select((row, i) =>
        {
            float[] vector = new float[FeatureCatalog.Count];
            extractor.Read(from + i, row, vector);
            return vector;
        })];
        IReadOnlyList<string>[] derived = [.. FeatureCatalog.Names.Select(feature => (IReadOnlyList<string>)(feature is "kitchen" or "shower" ? ["m6"] : []))];
        return new LabelledSet(name, FeatureCatalog.Names, derived, Scenarios, HomeReader.ByDay(from, vectors, HomeReader.Labels(activities, Scenarios, from, to)));
    }

    // As such a sensor reports: its state while it is on and when it ends, a movement only that it was seen.
    private static void Add(MinuteRow row, uint device, HomeSensor sensor, int second, HomeReader.Stay stay)
    {
        if (row.Device(device) is not { } part) return;
        part.Cell(SignalSlot.Room).AddState(0, (int)sensor.Room);
        int begin = Math.Max(0, stay.From - second), end = stay.To - second;
        if (sensor.Slot == SignalSlot.RoomMotion)
        {
            part.Cell(sensor.Slot).Add(1);
            return;
        }

        part.Cell(sensor.Slot).AddState(begin * 1000, 1);
        if (end < 60) part.Cell(sensor.Slot).AddState(Math.Min(59_999, (end * 1000) + 1), 0);
    }

    private static HomeSensor OrdonezSensor(string name)
    {
        string[] words = name.Split(' '); // location, kind, place
        Room room = (words[0], words[^1]) switch
        {
            ("Shower", _) => Room.Shower,
            (_, "Bedroom") => Room.Bedroom,
            (_, "Living") => Room.Living,
            (_, "Kitchen") => Room.Kitchen,
            (_, "Bathroom") => Room.Bathroom,
            (_, "Entrance") => Room.Entrance,
            _ => Room.Unknown,
        };
        return new HomeSensor(room, words[1] switch { "PIR" => SignalSlot.RoomMotion, "Pressure" => SignalSlot.Bed, "Magnetic" when room == Room.Entrance => SignalSlot.Door, _ => SignalSlot.Appliance });
    }

    /// <summary>Where a sensor stands and what it tells.</summary>
    internal readonly record struct HomeSensor(Room Room, SignalSlot Slot);
}
