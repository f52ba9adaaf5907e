using Telemetry.Wire.Batches;

namespace Telemetry.Log.Times;

/// <summary>Where the rows of some batches lie in time.</summary>
/// <param name="FromUnixMs">No placed row is earlier.</param>
/// <param name="ToUnixMs">No placed row is later; less than <paramref name="FromUnixMs"/> where no row is placed.</param>
/// <param name="Samples">Values of all rows.</param>
/// <param name="HasUnplaced">A batch among them had no clock.</param>
internal readonly record struct TimeBounds(long FromUnixMs, long ToUnixMs, long Samples, bool HasUnplaced)
{
    /// <summary>Of no batch.</summary>
    public static TimeBounds None => new(long.MaxValue, long.MinValue, 0, false);

    public bool IsEmpty => Samples == 0;

    public TimeBounds Plus(in TimeBounds other) =>
        new(Math.Min(FromUnixMs, other.FromUnixMs), Math.Max(ToUnixMs, other.ToUnixMs), Samples + other.Samples, HasUnplaced || other.HasUnplaced);

    /// <summary>Of the batch that was moved to, by the clock that places it: its own, or what is known of its boot.</summary>
    /// <param name="rows">Its blocks are read.</param>
    /// <param name="place">Places a batch without a clock of its own; null = it is not placed.</param>
    public static TimeBounds Of(RecordRows rows, Func<BatchHeader, long, PlacedClock>? place = null)
    {
        (long first, long last, long samples) = (long.MaxValue, long.MinValue, 0);
        while (rows.TryReadTimes())
        {
            ReadOnlySpan<long> times = rows.TimesMs; // ascend, in either encoding
            (first, last, samples) = (Math.Min(first, times[0]), Math.Max(last, times[^1]), samples + rows.SampleCount);
        }

        if (samples == 0) return None;
        if (!rows.Header.Clock.IsSet && place is null) return None with { Samples = samples, HasUnplaced = true };
        PlacedClock clock = rows.Header.Clock.IsSet ? PlacedClock.Of(rows.Header.Clock) : place!(rows.Header, rows.ReceivedUnixMs);
        return new TimeBounds(clock.ToUnixMs(first), clock.ToUnixMs(last), samples, false);
    }
}
