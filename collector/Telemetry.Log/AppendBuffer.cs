using Telemetry.Log.Format;

namespace Telemetry.Log;

/// <summary>Records that wait for one flush, as they will stand on disk, and who waits for them. Guarded by the log's append lock while it fills.</summary>
internal sealed class AppendBuffer(int capacity)
{
    private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(capacity);

    /// <summary>Stretches of the buffer by segment; more than one only where a segment ended inside.</summary>
    public List<Run> Runs { get; } = new(4);

    /// <summary>Waits that this flush settles.</summary>
    public List<DurableWaiter> Waiters { get; } = [];

    public int Count { get; private set; }

    public int RecordCount { get; private set; }

    public int FreeBytes => capacity - Count;

    public ReadOnlySpan<byte> BytesOf(in Run run) => _bytes.AsSpan(run.Start, run.Length);

    /// <summary>Takes the next <paramref name="size"/> bytes for a record at <paramref name="position"/> of a segment.</summary>
    public Span<byte> Take(in SegmentHeader segment, long position, int size)
    {
        if (Runs.Count == 0 || Runs[^1].Segment.BasePosition != segment.BasePosition)
        {
            Runs.Add(new Run(segment, position, Count, 0));
        }

        Run last = Runs[^1];
        Runs[^1] = last with { Length = last.Length + size };
        Span<byte> record = _bytes.AsSpan(Count, size);
        Count += size;
        RecordCount++;
        return record;
    }

    public void Clear()
    {
        Runs.Clear();
        Waiters.Clear();
        Count = 0;
        RecordCount = 0;
    }

    /// <summary>Neighbouring records of one segment.</summary>
    internal readonly record struct Run(SegmentHeader Segment, long Position, int Start, int Length);
}
