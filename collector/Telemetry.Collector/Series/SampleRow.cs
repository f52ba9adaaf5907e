using Telemetry.Wire.Profiles;

namespace Telemetry.Collector.Series;

/// <summary>One stored value, placed in time and named.</summary>
/// <param name="Device">Whose it is.</param>
/// <param name="Signal">What it measures.</param>
/// <param name="UnixMs">When, after clock repair.</param>
/// <param name="ErrorMs">Bound on the time's error; 4294967295 = unknown.</param>
/// <param name="Value">In the signal's unit.</param>
/// <param name="Quality">Bit 0 worn, 1 charging, 2 estimated.</param>
/// <param name="Origin">Where it came in, to break ties.</param>
internal readonly record struct SampleRow(DeviceDescription Device, SignalDefinition Signal, long UnixMs, uint ErrorMs, double Value, byte Quality, SampleOrigin Origin)
{
    /// <summary>Rows of the same signal and time before it in the answer.</summary>
    public int Repetition { get; init; }

    /// <summary>The order of an answer: by time, then signal, then arrival.</summary>
    public static int Compare(in SampleRow left, in SampleRow right) =>
        left.UnixMs != right.UnixMs ? left.UnixMs.CompareTo(right.UnixMs)
        : left.Signal.Id != right.Signal.Id ? left.Signal.Id.CompareTo(right.Signal.Id)
        : left.Origin.CompareTo(right.Origin);
}

/// <summary>Where a sample came in. It stays what it is when the log is packed or merged.</summary>
/// <param name="ReceivedUnixMs">When its batch came.</param>
/// <param name="Seq">Which batch.</param>
/// <param name="Row">Which of its rows, over all its blocks.</param>
internal readonly record struct SampleOrigin(long ReceivedUnixMs, ulong Seq, int Row) : IComparable<SampleOrigin>
{
    public int CompareTo(SampleOrigin other) =>
        ReceivedUnixMs != other.ReceivedUnixMs ? ReceivedUnixMs.CompareTo(other.ReceivedUnixMs)
        : Seq != other.Seq ? Seq.CompareTo(other.Seq)
        : Row.CompareTo(other.Row);
}

/// <summary>One stretch of one device that a question asks about.</summary>
/// <param name="DeviceKey">The device.</param>
/// <param name="FromUnixMs">Inclusive.</param>
/// <param name="ToUnixMs">Exclusive.</param>
/// <param name="SignalKey">Only this signal; empty = all.</param>
internal readonly record struct SampleRange(uint DeviceKey, long FromUnixMs, long ToUnixMs, string SignalKey);

/// <summary>The samples of one signal in one step of time.</summary>
/// <param name="Device">Whose they are.</param>
/// <param name="Signal">What they measure.</param>
/// <param name="UnixMs">When the step begins, a multiple of its length since 1970.</param>
/// <param name="ErrorMs">The greatest bound on the time's error among them.</param>
/// <param name="Quality">The bits that all of them have.</param>
/// <param name="Count">How many are numbers.</param>
/// <param name="Min">Of those; NaN when there is none, as the others.</param>
/// <param name="Max">Of those.</param>
/// <param name="Last">The latest of those.</param>
/// <param name="Sum">Of those.</param>
internal readonly record struct SampleStep(
    DeviceDescription Device, SignalDefinition Signal, long UnixMs, uint ErrorMs, byte Quality, long Count, double Min, double Max, double Last, double Sum)
{
    /// <summary>Their mean.</summary>
    public double Mean => Sum / Count;
}
