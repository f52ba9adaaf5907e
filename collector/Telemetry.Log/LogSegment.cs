using Telemetry.Log.Format;

namespace Telemetry.Log;

/// <summary>One segment file of an open log.</summary>
internal sealed class LogSegment(SegmentHeader header, SegmentIndex? index)
{
    public SegmentHeader Header { get; } = header;

    /// <summary>Where each device's records stand. Null once it is kept in its file beside the sealed segment.</summary>
    public SegmentIndex? Index { get; set; } = index;

    /// <summary>The file under its name is another one now: a reader that stands in this one opens that.</summary>
    public bool IsReplaced
    {
        get => Volatile.Read(ref _isReplaced);
        set => Volatile.Write(ref _isReplaced, value);
    }

    /// <summary>Compaction was tried since the start, and found damage or nothing to gain.</summary>
    public bool GainsNothing { get; set; }

    /// <summary>Devices whose records retention has taken from here since the start.</summary>
    public HashSet<uint> Expired { get; } = [];

    private bool _isReplaced;
}
