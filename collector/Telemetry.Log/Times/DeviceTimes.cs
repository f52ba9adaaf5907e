using Telemetry.Log.Format;
using Telemetry.Wire.Batches;

namespace Telemetry.Log.Times;

/// <summary>Where in the log the rows of one device lie in time, as it was at one instant, and the clocks that place them.</summary>
/// <remarks>
/// A row is placed by one rule (<see cref="BootClocks"/>): the pair of its batch; or the lowest pair of its boot that stands in the log; or the time of receipt. Bounds of strides hold for it,
/// so what lies outside of them need not be read. A segment that was written anew since is read in full.
/// </remarks>
public sealed class DeviceTimes
{
    private readonly BootClocks _clocks = new(int.MaxValue);
    private readonly Dictionary<(long BasePosition, uint Seed), List<TimeStride>> _strides = [];

    internal DeviceTimes(uint deviceKey, long before) => (DeviceKey, Before) = (deviceKey, before);

    /// <summary>The device.</summary>
    public uint DeviceKey { get; }

    /// <summary>Batches from this position on are not read.</summary>
    public long Before { get; }

    /// <summary>All strides, in no order. They may say of more than is read: of batches behind <see cref="Before"/>.</summary>
    public IEnumerable<TimeStride> Strides => _strides.Values.SelectMany(strides => strides);

    /// <summary>The clock that places a batch's rows.</summary>
    /// <param name="batch">What the batch says of itself.</param>
    /// <param name="receivedUnixMs">When it was received.</param>
    public PlacedClock Place(BatchHeader batch, long receivedUnixMs) =>
        _clocks.TryPlace(DeviceKey, batch, out PlacedClock clock) ? clock : PlacedClock.ByReceipt(batch, receivedUnixMs);

    internal bool HasUnplaced => Strides.Any(stride => stride.HasUnplaced);

    /// <summary>Segments with a stride that has yet to be placed.</summary>
    internal List<(long BasePosition, uint Seed)> Unplaced => [.. _strides.Where(segment => segment.Value.Exists(stride => stride.HasUnplaced)).Select(segment => segment.Key)];

    internal void Learn(in BatchHeader header) => _clocks.Learn(DeviceKey, header);

    internal List<TimeStride> this[(long BasePosition, uint Seed) segment]
    {
        get => _strides[segment];
        set => _strides[segment] = value;
    }

    /// <summary>The strides of a segment that may hold a row of [<paramref name="fromUnixMs"/>, <paramref name="toUnixMs"/>), by their place in the file; null = nothing is known of it.</summary>
    internal List<TimeStride>? FindTouching(in SegmentHeader segment, long fromUnixMs, long toUnixMs) =>
        _strides.TryGetValue((segment.BasePosition, segment.Seed), out List<TimeStride>? strides) ? strides.FindAll(stride => stride.Touches(fromUnixMs, toUnixMs)) : null;

    /// <summary>Where to go on reading from an offset: the offset itself inside of a stride, else the next stride; -1 = none.</summary>
    internal static Func<long, long> OffsetsIn(List<TimeStride> strides)
    {
        int next = 0; // offsets ascend
        return offset =>
        {
            while (next < strides.Count && strides[next].EndOffset <= offset) next++;
            return next < strides.Count ? Math.Max(offset, strides[next].Offset) : -1;
        };
    }
}
