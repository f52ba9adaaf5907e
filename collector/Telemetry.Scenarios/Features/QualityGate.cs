using Telemetry.Scenarios.Minutes;

namespace Telemetry.Scenarios.Features;

/// <summary>Why a device's minute, or a part of it, gives no evidence.</summary>
[Flags]
public enum QualityFlags
{
    None = 0,

    /// <summary>Nobody wears it, or it charges: body signals are left out.</summary>
    OffBody = 1,

    /// <summary>The heart rate stands still for longer than a living heart does.</summary>
    FrozenHeartRate = 2,

    /// <summary>The heart rate is outside 25-240 /min.</summary>
    ImpossibleHeartRate = 4,

    /// <summary>A step count with a fraction: nobody takes 1.8 steps; the value was filled in.</summary>
    FractionalSteps = 8,

    /// <summary>More than 300 steps a minute.</summary>
    ImpossibleSteps = 16,

    /// <summary>The only reading of the minute is no whole number of beats: sensors report whole ones, so this is a mean somebody filled in.</summary>
    FilledHeartRate = 32,

    /// <summary>Any fault of the heart rate.</summary>
    HeartRate = FrozenHeartRate | ImpossibleHeartRate | FilledHeartRate,

    /// <summary>Any fault of the steps.</summary>
    Steps = FractionalSteps | ImpossibleSteps,

    /// <summary>Any value that cannot have been measured.</summary>
    Untrue = HeartRate | Steps,
}

/// <summary>
/// Judges a device's minutes in ascending order. A flag on one part of a minute does not touch the other parts: a frozen heart rate
/// does not silence a good step counter.
/// </summary>
public sealed class QualityGate
{
    private const int FrozenMinutes = 15; // of 90,203 pulse minutes of real wrists (fitabase) 83 stand still this way after 10 minutes, 36 after 15, none after 30
    private const int StaleWearMinutes = 15;
    private const int PulseGoneMinutes = 10, PulseForgottenMinutes = 720;
    private const ulong CountingSlots = 1UL << (int)SignalSlot.Steps | 1UL << (int)SignalSlot.Motion | 1UL << (int)SignalSlot.Intensity;
    private const int MostStepsAMinute = 300; // sprint cadence of the fastest people is about 290
    private const int ReasonCount = 6;

    private readonly Dictionary<uint, DeviceHistory> _devices = [];
    private readonly long[] _counts = new long[ReasonCount];

    /// <summary>A gate that goes on from here and leaves this one as it is.</summary>
    public QualityGate Copy()
    {
        QualityGate copy = new();
        foreach ((uint device, DeviceHistory history) in _devices) copy._devices[device] = history;
        _counts.CopyTo(copy._counts, 0);
        return copy;
    }

    /// <summary>Device minutes flagged with one reason (not a combination).</summary>
    public long Count(QualityFlags reason) => _counts[System.Numerics.BitOperations.TrailingZeroCount((uint)reason)];

    /// <summary>Judges the next minute of a device.</summary>
    public QualityFlags Judge(int minute, DeviceMinute device)
    {
        ref DeviceHistory history = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_devices, device.DeviceKey, out _);
        QualityFlags flags = QualityFlags.None;
        if (IsOffBody(minute, device, ref history)) flags |= QualityFlags.OffBody;
        if (device.Has(SignalSlot.HeartRate)) flags |= JudgeHeart(minute, device[SignalSlot.HeartRate], ref history);
        if (device.Has(SignalSlot.Steps)) flags |= JudgeSteps(device[SignalSlot.Steps]);
        if (flags != QualityFlags.None)
        {
            for (int i = 0; i < ReasonCount; i++) _counts[i] += (int)flags >> i & 1;
        }

        return flags;
    }

    private static bool IsOffBody(int minute, DeviceMinute device, ref DeviceHistory history)
    {
        bool charging = device.Has(SignalSlot.Charging) && device[SignalSlot.Charging].Last > 0;
        if (device.Masked > 0 || device.Has(SignalSlot.Charging))
        {
            history.WasOff = charging || device.IsOffBody;
            history.WearMinute = minute;
        }

        if (history.WasOff && minute - history.WearMinute <= StaleWearMinutes) return true;

        // A wrist that showed a pulse and shows none any more, while the device goes on counting, is not there.
        return history.LastHeartMinute != 0 && !device.Has(SignalSlot.HeartRate) && (device.Slots & CountingSlots) != 0
            && minute - history.LastHeartMinute is > PulseGoneMinutes and <= PulseForgottenMinutes;
    }

    private static QualityFlags JudgeHeart(int minute, in SlotStats heart, ref DeviceHistory history)
    {
        int scale = SlotCatalog.Of(SignalSlot.HeartRate).Scale;
        if (heart.Min < 25 * scale || heart.Max > 240 * scale) return QualityFlags.ImpossibleHeartRate;
        if (heart.Count == 1 && heart.Min % scale != 0) return QualityFlags.FilledHeartRate;
        bool still = heart.Min == heart.Max && heart.Min == history.FrozenAt && minute - history.LastHeartMinute <= 2;
        if (!still)
        {
            history.FrozenAt = heart.Min == heart.Max ? heart.Min : int.MinValue;
            history.FrozenSince = minute;
        }

        history.LastHeartMinute = minute;
        return still && minute - history.FrozenSince >= FrozenMinutes ? QualityFlags.FrozenHeartRate : QualityFlags.None;
    }

    private static QualityFlags JudgeSteps(in SlotStats steps)
    {
        int scale = SlotCatalog.Of(SignalSlot.Steps).Scale;
        QualityFlags flags = steps.Sum % scale != 0 || steps.Min % scale != 0 ? QualityFlags.FractionalSteps : QualityFlags.None;
        return steps.Sum > (long)MostStepsAMinute * scale ? flags | QualityFlags.ImpossibleSteps : flags;
    }

    private struct DeviceHistory
    {
        public int WearMinute, FrozenAt, FrozenSince, LastHeartMinute;
        public bool WasOff;
    }
}
