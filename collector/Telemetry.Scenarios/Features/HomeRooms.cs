using Telemetry.Scenarios.Minutes;

namespace Telemetry.Scenarios.Features;

/// <summary>Where a device of a home stands, as it says itself by the state signal <c>room</c>; other numbers are rooms without a meaning of their own.</summary>
public enum Room
{
    Unknown = 0,
    Bedroom = 1,
    Living = 2,
    Kitchen = 3,
    Bathroom = 4,
    Shower = 5,

    /// <summary>At the door that leads out.</summary>
    Entrance = 6,
}

/// <summary>
/// What the rooms of a home say together: where something stirred last, how long ago, and whether the kitchen or the shower is in use. A movement, a door or switch that changed and a
/// bed or seat that was taken or left is a stir; a state that only goes on is none. Silence is read as stillness, because home sensors speak of changes, but not for longer than 12 hours.
/// </summary>
/// <remarks>Only devices that say their room count. Minutes and, within one, devices come in ascending order. Not thread-safe.</remarks>
internal sealed class HomeRooms
{
    private const int HoldMinutes = 720; // the warm-up of a day: no more of the past is read for any minute
    private const ulong SwitchSlots = 1UL << (int)SignalSlot.Door | 1UL << (int)SignalSlot.Bed | 1UL << (int)SignalSlot.Appliance;

    private readonly Dictionary<uint, Sensor> _sensors = [];
    private readonly int[] _lastUse = [int.MinValue, int.MinValue]; // minutes; of kitchen and shower
    private Room _stirredRoom;
    private int _stirredMinute = int.MinValue;

    /// <summary>Rooms that go on from here and leave these as they are.</summary>
    public HomeRooms Copy()
    {
        HomeRooms copy = new() { _stirredRoom = _stirredRoom, _stirredMinute = _stirredMinute };
        foreach ((uint device, Sensor sensor) in _sensors) copy._sensors[device] = sensor;
        _lastUse.CopyTo(copy._lastUse, 0);
        return copy;
    }

    /// <summary>Takes a device's part of the next minute.</summary>
    /// <returns>The room it stands in, when it said so in the 12 hours before.</returns>
    public Room Read(int minute, DeviceMinute device)
    {
        if (!device.Has(SignalSlot.Room) && !_sensors.ContainsKey(device.DeviceKey)) return Room.Unknown;
        ref Sensor sensor = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_sensors, device.DeviceKey, out _);
        if (device.Has(SignalSlot.Room)) (sensor.Room, sensor.SaidMinute) = ((Room)device[SignalSlot.Room].Last, minute);
        if (sensor.Room == Room.Unknown || minute - sensor.SaidMinute > HoldMinutes) return Room.Unknown;

        bool hasStirred = device.Has(SignalSlot.RoomMotion) && device[SignalSlot.RoomMotion].Sum > 0;
        for (ulong rest = device.Slots & SwitchSlots; rest != 0; rest &= rest - 1)
            hasStirred |= sensor.Switched((SignalSlot)System.Numerics.BitOperations.TrailingZeroCount(rest), device);
        // Of several rooms in one minute the greatest number counts, so the way out before any other: who came in stirs elsewhere next, who went out does not.
        if (hasStirred && (minute != _stirredMinute || sensor.Room > _stirredRoom)) (_stirredRoom, _stirredMinute) = (sensor.Room, minute);

        bool isInUse = hasStirred || (device.Has(SignalSlot.Appliance) && device[SignalSlot.Appliance].Max > 0);
        if (isInUse && sensor.Room == Room.Kitchen) _lastUse[0] = minute;
        if (isInUse && sensor.Room == Room.Shower) _lastUse[1] = minute;
        return sensor.Room;
    }

    /// <summary>Writes what is known after all devices of a minute were read.</summary>
    public void Write(int minute, Span<float> vector)
    {
        if (_stirredMinute == int.MinValue || minute - _stirredMinute > HoldMinutes) return;
        vector[(int)Feature.LastRoom] = (int)_stirredRoom;
        vector[(int)Feature.RoomQuiet] = minute - _stirredMinute;
        Use(Feature.Kitchen, minute, _lastUse[0], vector);
        Use(Feature.Shower, minute, _lastUse[1], vector);
    }

    private static void Use(Feature feature, int minute, int lastUse, Span<float> vector)
    {
        if (lastUse != int.MinValue && minute - lastUse <= HoldMinutes) vector[(int)feature] = lastUse == minute ? 1 : 0;
    }

    private struct Sensor
    {
        public Room Room;
        public int SaidMinute;
        private ulong _on; // bit of a slot: its last state was not 0

        public bool Switched(SignalSlot slot, DeviceMinute device)
        {
            ulong bit = 1UL << (int)slot;
            bool wasOn = (_on & bit) != 0, isOn = device[slot].Last > 0;
            _on = isOn ? _on | bit : _on & ~bit;
            return isOn != wasOn || device[slot].Min != device[slot].Max;
        }
    }
}
