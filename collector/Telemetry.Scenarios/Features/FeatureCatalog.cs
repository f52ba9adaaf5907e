namespace Telemetry.Scenarios.Features;

/// <summary>What is read out of a minute of devices; the number of a feature is its place in the vector. Missing is NaN and gives no evidence.</summary>
public enum Feature
{
    HeartRate,
    HeartRateRange,
    HeartRateRise,
    Steps,
    Cadence,
    Motion,
    Intensity,
    Speed,
    FootStrikes,
    Place,
    RoomMotion,
    DoorOpen,
    Light,
    Co2,
    Co2Slope,
    Temperature,
    Humidity,
    Sound,
    BedOccupied,
    ApplianceOn,
    ScreenOn,
    Power,
    Climb,
    HourOfDay,
    Tilt,
    LastRoom,
    RoomQuiet,
    Kitchen,
    Shower,
    SeatOccupied,
}

/// <summary>Names and units of the features (FEATURES.md is the page for people).</summary>
public static class FeatureCatalog
{
    private static readonly string[] AllNames =
    [
        "heart_rate", "heart_rate_range", "heart_rate_rise", "steps", "cadence", "motion", "intensity", "speed", "foot_strikes", "place",
        "room_motion", "door_open", "light", "co2", "co2_slope", "temperature", "humidity", "sound", "bed_occupied", "appliance_on",
        "screen_on", "power", "climb", "hour_of_day", "tilt", "last_room", "room_quiet", "kitchen", "shower", "seat_occupied",
    ];

    // For people; empty = a state or a class, which has none.
    private static readonly string[] Units =
    [
        "/min", "/min", "/min", "/min", "/min", "/min", "(0-3)", "m/s", "/min", "",
        "/min", "", "lx", "ppm", "ppm", "deg C", "%", "dB", "", "",
        "", "W", "m", "h", "deg", "", "min", "", "", "",
    ];

    /// <summary>Names in the order of <see cref="Feature"/>.</summary>
    public static IReadOnlyList<string> Names => AllNames;

    /// <summary>Length of a feature vector.</summary>
    public static int Count => AllNames.Length;

    /// <summary>The unit of a feature, as people read it; empty for states (0 or 1), the place class (1 home, 2 work, 3 other) and rooms (<see cref="Room"/>).</summary>
    public static string UnitOf(Feature feature) => Units[(int)feature];

    /// <summary>The name of a feature.</summary>
    public static string NameOf(Feature feature) => AllNames[(int)feature];
}
