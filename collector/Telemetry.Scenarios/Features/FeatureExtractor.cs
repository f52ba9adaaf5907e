using Telemetry.Scenarios.Minutes;

namespace Telemetry.Scenarios.Features;

/// <summary>
/// Turns minutes into feature vectors, in ascending order of time. What it carries (states that hold, wear, rest levels) is bounded and depends
/// on nothing but the minutes it was given, so starting it at the same minute always gives the same vectors.
/// </summary>
public sealed class FeatureExtractor(int utcOffsetMinutes)
{
    private const int HoldHours12 = 720, HoldHours2 = 120, HoldScreen = 30; // minutes a reported state is believed
    private const int MinHeartMinutes = 30;

    private const ulong BodySlots = 1UL << (int)SignalSlot.HeartRate | 1UL << (int)SignalSlot.Steps | 1UL << (int)SignalSlot.Cadence
        | 1UL << (int)SignalSlot.Motion | 1UL << (int)SignalSlot.Intensity | 1UL << (int)SignalSlot.FootStrikes | 1UL << (int)SignalSlot.Tilt;

    private QualityGate _gate = new();
    private HomeRooms _rooms = new();
    private HeldState _place = new(HoldHours12), _bed = new(HoldHours12), _seat = new(HoldHours12), _appliance = new(HoldHours2), _screen = new(HoldScreen);
    private DecayingMean _co2 = new(15), _altitude = new(5);
    private double _restHeart = double.MaxValue;
    private int _heartMinutes;

    /// <summary>An extractor that goes on from here and leaves this one as it is.</summary>
    public FeatureExtractor Copy()
    {
        var copy = (FeatureExtractor)MemberwiseClone(); // every field is a value, but for the gate and the rooms
        copy._gate = _gate.Copy();
        copy._rooms = _rooms.Copy();
        return copy;
    }

    /// <summary>Minutes flagged so far, by reason.</summary>
    public QualityGate Gate => _gate;

    /// <summary>Reads the features of the next minute.</summary>
    /// <param name="minute">Whole minutes since 1970 UTC; greater than the one before.</param>
    /// <param name="row">Null when no device spoke.</param>
    /// <param name="vector"><see cref="FeatureCatalog.Count"/> values; missing ones become NaN.</param>
    /// <returns>True when the minute holds evidence: something besides the hour that is not missing.</returns>
    public bool Read(int minute, MinuteRow? row, Span<float> vector)
    {
        vector.Fill(float.NaN);
        if (row is not null)
        {
            foreach (DeviceMinute device in row.Devices) ReadDevice(minute, device, vector);
        }

        DeriveSpeedAndRise(row, vector);
        Held(ref _bed, minute, Feature.BedOccupied, vector);
        Held(ref _seat, minute, Feature.SeatOccupied, vector);
        _rooms.Write(minute, vector);
        Held(ref _appliance, minute, Feature.ApplianceOn, vector);
        Held(ref _screen, minute, Feature.ScreenOn, vector);
        bool evidence = HasAny(vector);
        Held(ref _place, minute, Feature.Place, vector); // where somebody was last does not say that anything is worn now
        vector[(int)Feature.HourOfDay] = (((minute + utcOffsetMinutes) % 1440 + 1440) % 1440) / 60f;
        return evidence;
    }

    private void ReadDevice(int minute, DeviceMinute device, Span<float> vector)
    {
        QualityFlags flags = _gate.Judge(minute, device);
        Room room = _rooms.Read(minute, device);
        ulong usable = device.Slots;
        if ((flags & QualityFlags.OffBody) != 0) usable &= ~BodySlots;
        if ((flags & QualityFlags.HeartRate) != 0) usable &= ~(1UL << (int)SignalSlot.HeartRate);
        if ((flags & QualityFlags.Steps) != 0) usable &= ~(1UL << (int)SignalSlot.Steps | 1UL << (int)SignalSlot.FootStrikes);
        for (; usable != 0; usable &= usable - 1)
        {
            var slot = (SignalSlot)System.Numerics.BitOperations.TrailingZeroCount(usable);
            ReadCell(minute, slot, device[slot], room, vector);
        }
    }

    private void ReadCell(int minute, SignalSlot slot, in SlotStats cell, Room room, Span<float> vector)
    {
        double scale = SlotCatalog.Of(slot).Scale;
        double mean = cell.Mean / scale, sum = cell.Sum / scale;
        switch (slot)
        {
            case SignalSlot.HeartRate:
                Prefer(vector, Feature.HeartRate, mean);
                if (cell.Count > 1) Greatest(vector, Feature.HeartRateRange, (cell.Max - cell.Min) / scale);
                break;
            case SignalSlot.Steps: Greatest(vector, Feature.Steps, sum); break;
            case SignalSlot.Cadence: Greatest(vector, Feature.Cadence, mean); break;
            case SignalSlot.Motion: Greatest(vector, Feature.Motion, mean); break;
            case SignalSlot.Intensity: Greatest(vector, Feature.Intensity, mean); break;
            case SignalSlot.Speed: Greatest(vector, Feature.Speed, mean); break;
            case SignalSlot.FootStrikes: Greatest(vector, Feature.FootStrikes, sum); break;
            case SignalSlot.RoomMotion: Total(vector, Feature.RoomMotion, sum); break;
            case SignalSlot.Door: Greatest(vector, Feature.DoorOpen, cell.Max > 0 ? 1 : 0); break;
            case SignalSlot.Light: Greatest(vector, Feature.Light, mean); break;
            case SignalSlot.Co2:
                Greatest(vector, Feature.Co2, mean);
                Slope(ref _co2, minute, mean, Feature.Co2Slope, vector);
                break;
            case SignalSlot.Temperature: Prefer(vector, Feature.Temperature, mean); break;
            case SignalSlot.Humidity: Prefer(vector, Feature.Humidity, mean); break;
            case SignalSlot.Sound: Greatest(vector, Feature.Sound, mean); break;
            case SignalSlot.Power: Greatest(vector, Feature.Power, mean); break;
            case SignalSlot.Tilt: Prefer(vector, Feature.Tilt, mean); break;
            case SignalSlot.Altitude: Slope(ref _altitude, minute, mean, Feature.Climb, vector); break;
            case SignalSlot.Place: _place.Report(minute, cell.Last); break;
            case SignalSlot.Bed when room is not (Room.Unknown or Room.Bedroom): _seat.Report(minute, cell.Last); break;
            case SignalSlot.Bed: _bed.Report(minute, cell.Last); break;
            case SignalSlot.Appliance: _appliance.Report(minute, cell.Max); break;
            case SignalSlot.Screen: _screen.Report(minute, cell.Max); break;
            default: break; // Distance is read after all devices; charging, buttons and the room are no features of their own.
        }
    }

    private void DeriveSpeedAndRise(MinuteRow? row, Span<float> vector)
    {
        if (row is not null && float.IsNaN(vector[(int)Feature.Speed]))
        {
            foreach (DeviceMinute device in row.Devices)
            {
                if (!device.Has(SignalSlot.Distance)) continue;
                Greatest(vector, Feature.Speed, device[SignalSlot.Distance].Sum / (double)SlotCatalog.Of(SignalSlot.Distance).Scale / 60);
            }
        }

        float heart = vector[(int)Feature.HeartRate];
        if (float.IsNaN(heart)) return;
        _heartMinutes++;
        _restHeart = Math.Min(_restHeart, heart);
        if (_heartMinutes >= MinHeartMinutes) vector[(int)Feature.HeartRateRise] = (float)(heart - _restHeart);
    }

    // Of two devices on one body the one with the lower key speaks: rows list devices in ascending key, so the choice depends on nothing else.
    private static void Prefer(Span<float> vector, Feature feature, double value)
    {
        ref float slot = ref vector[(int)feature];
        if (float.IsNaN(slot)) slot = (float)value;
    }

    private static void Greatest(Span<float> vector, Feature feature, double value)
    {
        ref float slot = ref vector[(int)feature];
        slot = float.IsNaN(slot) ? (float)value : Math.Max(slot, (float)value);
    }

    private static bool HasAny(ReadOnlySpan<float> vector)
    {
        foreach (float value in vector)
        {
            if (!float.IsNaN(value)) return true;
        }

        return false;
    }

    private static void Total(Span<float> vector, Feature feature, double value)
    {
        ref float slot = ref vector[(int)feature];
        slot = float.IsNaN(slot) ? (float)value : slot + (float)value;
    }

    private static void Slope(ref DecayingMean level, int minute, double value, Feature feature, Span<float> vector)
    {
        float before = level.Value;
        level.Add(minute, (float)value);
        if (!float.IsNaN(before)) vector[(int)feature] = (float)value - before;
    }

    private static void Held(ref HeldState state, int minute, Feature feature, Span<float> vector) => vector[(int)feature] = state.At(minute);

    /// <summary>A state that holds until the next report, at most <paramref name="holdMinutes"/>.</summary>
    private struct HeldState(int holdMinutes)
    {
        private int _minute = int.MinValue;
        private int _value;

        public void Report(int minute, int value)
        {
            // Two devices in one minute: the greater value, as the order of devices says nothing about time.
            _value = minute == _minute ? Math.Max(_value, value) : value;
            _minute = minute;
        }

        public readonly float At(int minute) => _minute != int.MinValue && minute - _minute <= holdMinutes ? _value : float.NaN;
    }
}
