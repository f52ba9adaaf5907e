namespace Telemetry.Scenarios.Minutes;

/// <summary>The signals a minute has room for. Numbers are persisted in minute rows: they only grow, to 63 at most.</summary>
public enum SignalSlot : byte
{
    HeartRate = 0,
    Steps = 1,
    Cadence = 2,
    Motion = 3,
    Intensity = 4,
    Speed = 5,
    Distance = 6,
    FootStrikes = 7,
    Place = 8,
    RoomMotion = 9,
    Door = 10,
    Light = 11,
    Co2 = 12,
    Temperature = 13,
    Humidity = 14,
    Sound = 15,
    Bed = 16,
    Appliance = 17,
    Charging = 18,
    Screen = 19,
    Power = 20,
    Button = 21,
    Altitude = 22,
    Tilt = 23,
    Room = 24,
}

/// <summary>How the samples of a slot combine within a minute.</summary>
public enum SlotKind : byte
{
    /// <summary>A level: mean, least, greatest.</summary>
    Gauge,

    /// <summary>Counts since the previous sample: added up.</summary>
    Counter,

    /// <summary>Holds until the next sample: the last one of the minute counts, and the greatest.</summary>
    State,
}
