using System.Collections.Frozen;

namespace Telemetry.Scenarios.Minutes;

/// <summary>The law of each slot: which signal key fills it, in which unit, how fine (FEATURES.md lists the same table).</summary>
/// <param name="Slot">Where it goes.</param>
/// <param name="Key">Standard signal key.</param>
/// <param name="Unit">UCUM unit; a profile that gives the key another unit is not understood and gives no evidence.</param>
/// <param name="Kind">How samples combine.</param>
/// <param name="Scale">Stored integer = value in the unit * Scale.</param>
public sealed record SlotLaw(SignalSlot Slot, string Key, string Unit, SlotKind Kind, int Scale);

/// <summary>All slots, by number and by key.</summary>
public static class SlotCatalog
{
    private static readonly SlotLaw[] Laws =
    [
        new(SignalSlot.HeartRate, "heart_rate", "/min", SlotKind.Gauge, 10),
        new(SignalSlot.Steps, "steps", "1", SlotKind.Counter, 10),
        new(SignalSlot.Cadence, "cadence", "/min", SlotKind.Gauge, 10),
        new(SignalSlot.Motion, "motion", "1", SlotKind.Gauge, 10),
        new(SignalSlot.Intensity, "intensity", "1", SlotKind.Gauge, 10),
        new(SignalSlot.Speed, "speed", "m/s", SlotKind.Gauge, 1000),
        new(SignalSlot.Distance, "distance", "m", SlotKind.Counter, 100),
        new(SignalSlot.FootStrikes, "foot_strikes", "1", SlotKind.Counter, 10),
        new(SignalSlot.Place, "place", "1", SlotKind.State, 1),
        new(SignalSlot.RoomMotion, "room_motion", "1", SlotKind.Counter, 1),
        new(SignalSlot.Door, "door", "1", SlotKind.State, 1),
        new(SignalSlot.Light, "light", "lx", SlotKind.Gauge, 10),
        new(SignalSlot.Co2, "co2", "[ppm]", SlotKind.Gauge, 10),
        new(SignalSlot.Temperature, "temperature", "Cel", SlotKind.Gauge, 100),
        new(SignalSlot.Humidity, "humidity", "%", SlotKind.Gauge, 100),
        new(SignalSlot.Sound, "sound", "dB", SlotKind.Gauge, 10),
        new(SignalSlot.Bed, "bed", "1", SlotKind.State, 1),
        new(SignalSlot.Appliance, "appliance", "1", SlotKind.State, 1),
        new(SignalSlot.Charging, "charging", "1", SlotKind.State, 1),
        new(SignalSlot.Screen, "screen", "1", SlotKind.State, 1),
        new(SignalSlot.Power, "power", "W", SlotKind.Gauge, 10),
        new(SignalSlot.Button, "button", "1", SlotKind.Counter, 1),
        new(SignalSlot.Altitude, "altitude", "m", SlotKind.Gauge, 100),
        new(SignalSlot.Tilt, "tilt", "deg", SlotKind.Gauge, 10),
        new(SignalSlot.Room, "room", "1", SlotKind.State, 1),
    ];

    private static readonly FrozenDictionary<string, SlotLaw> ByKey = Laws.ToFrozenDictionary(law => law.Key, StringComparer.Ordinal);

    /// <summary>Number of slots in use.</summary>
    public static int Count => Laws.Length;

    /// <summary>All laws, by slot number.</summary>
    public static IReadOnlyList<SlotLaw> All => Laws;

    /// <summary>The law of a slot.</summary>
    public static SlotLaw Of(SignalSlot slot) => Laws[(int)slot];

    /// <summary>The law for a signal key, or null when minutes have no room for it.</summary>
    public static SlotLaw? Find(string key) => ByKey.GetValueOrDefault(key);
}
