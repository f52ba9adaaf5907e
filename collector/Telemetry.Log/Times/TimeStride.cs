namespace Telemetry.Log.Times;

/// <summary>Neighbouring batches of one device in one segment, and the time in which all their rows lie.</summary>
/// <param name="FromUnixMs">No row is earlier.</param>
/// <param name="ToUnixMs">No row is later.</param>
/// <param name="Samples">Values of all their rows.</param>
public readonly record struct TimeStride(long FromUnixMs, long ToUnixMs, long Samples)
{
    /// <summary>Where in the segment's file its first record begins.</summary>
    internal long Offset { get; init; }

    /// <summary>Where its last record ends. Records of other devices may stand between.</summary>
    internal long EndOffset { get; init; }

    /// <summary>Holds a batch without a clock of its own: where that lies is for the pairs of its boot to say, and the bounds are none yet.</summary>
    internal bool HasUnplaced { get; init; }

    /// <summary>Whether a row of [<paramref name="fromUnixMs"/>, <paramref name="toUnixMs"/>) may be among them.</summary>
    internal bool Touches(long fromUnixMs, long toUnixMs) => FromUnixMs < toUnixMs && ToUnixMs >= fromUnixMs;
}
