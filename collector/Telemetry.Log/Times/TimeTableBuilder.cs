using System.Buffers;
using Telemetry.Log.Format;
using Telemetry.Log.Rewriting;

namespace Telemetry.Log.Times;

/// <summary>Gathers where the batches of a segment lie in time, and joins neighbours of a device into strides: a run is one, and of batches as they came so many as stand near each other.</summary>
/// <remarks>One thread. 64 bytes a stride.</remarks>
internal sealed class TimeTableBuilder(SegmentHeader segment)
{
    private const int StrideBatches = 16;

    // Where thousands of devices share a segment, a stride is what lies between its batches: at most a quarter of the segment is read for one.
    private const int StridesOfASegment = 4;

    private readonly List<Stride> _strides = [];
    private readonly Dictionary<uint, int> _lastOf = [];

    /// <summary>Adds what one record holds, or one batch of it; in the order of the file.</summary>
    /// <param name="deviceKey">Whose it is.</param>
    /// <param name="offset">Where the record begins.</param>
    /// <param name="end">Where it ends.</param>
    /// <param name="bounds">Of its rows.</param>
    public void Add(uint deviceKey, long offset, long end, in TimeBounds bounds)
    {
        if (bounds.IsEmpty) return;
        if (_lastOf.TryGetValue(deviceKey, out int index) && Joins(_strides[index], offset, end))
        {
            Stride last = _strides[index];
            _strides[index] = last with { End = end, Batches = last.Batches + 1, Bounds = last.Bounds.Plus(bounds) };
            return;
        }

        _lastOf[deviceKey] = _strides.Count;
        _strides.Add(new Stride(deviceKey, offset, end, 1, bounds));
    }

    /// <summary>The table of what was added.</summary>
    public TimeTable ToTable()
    {
        int[] order = new int[_strides.Count];
        for (int i = 0; i < order.Length; i++) order[i] = i;
        Array.Sort(order, (left, right) => (_strides[left].DeviceKey, left).CompareTo((_strides[right].DeviceKey, right)));
        ArrayBufferWriter<byte> entries = new(), strides = new();
        uint keyBefore = 0;
        for (int from = 0, to; from < order.Length; from = to)
        {
            uint deviceKey = _strides[order[from]].DeviceKey;
            strides.ResetWrittenCount();
            TimeTable.StrideState state = TimeTable.StrideState.Of(segment);
            for (to = from; to < order.Length && _strides[order[to]].DeviceKey == deviceKey; to++) state.Write(strides, _strides[order[to]].ToTimeStride());
            Run.PutVarint(entries, deviceKey - keyBefore);
            Run.PutFrame(entries, strides.WrittenSpan);
            keyBefore = deviceKey;
        }

        return TimeTable.Of(segment, entries.WrittenSpan);
    }

    private bool Joins(in Stride last, long offset, long end) =>
        offset == last.Offset || (!segment.IsPacked && last.Batches < StrideBatches && end - last.Offset <= segment.MaxFileBytes / StridesOfASegment);

    private readonly record struct Stride(uint DeviceKey, long Offset, long End, int Batches, TimeBounds Bounds)
    {
        public TimeStride ToTimeStride() => new(Bounds.FromUnixMs, Bounds.ToUnixMs, Bounds.Samples) { Offset = Offset, EndOffset = End, HasUnplaced = Bounds.HasUnplaced };
    }
}
