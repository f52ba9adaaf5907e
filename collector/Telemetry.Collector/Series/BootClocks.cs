using Telemetry.Wire.Batches;

namespace Telemetry.Collector.Series;

/// <summary>Places a device's uptime on the wall clock. The raw readings stay in the batches; this is the correction beside them, with its bound.</summary>
/// <remarks>A batch whose own clock was set is placed by its own pair. One sealed before the clock was set is placed by the pair of the same boot whose
/// uptime is nearest; lacking any, by the time of receipt, with an unknown bound.</remarks>
internal sealed class BootClocks
{
    private readonly Dictionary<(uint Epoch, uint Boot), List<ClockReading>> _pairs = [];

    /// <summary>Remembers the pair of a batch, if its clock was set.</summary>
    public void Learn(in BatchHeader header)
    {
        if (!header.Clock.IsSet) return;
        if (!_pairs.TryGetValue((header.Epoch, header.Boot), out List<ClockReading>? pairs)) _pairs[(header.Epoch, header.Boot)] = pairs = [];
        pairs.Add(header.Clock);
    }

    /// <summary>The clock that holds for a batch's rows.</summary>
    public PlacedClock Place(in BatchHeader header, long receivedUnixMs)
    {
        if (header.Clock.IsSet) return new PlacedClock(header.Clock.WallUnixMs - header.Clock.UptimeMs, header.Clock.ErrorMs);
        if (_pairs.TryGetValue((header.Epoch, header.Boot), out List<ClockReading>? pairs))
        {
            long uptimeMs = header.Clock.UptimeMs;
            ClockReading nearest = pairs.MinBy(pair => Math.Abs(pair.UptimeMs - uptimeMs));
            return new PlacedClock(nearest.WallUnixMs - nearest.UptimeMs, nearest.ErrorMs);
        }

        return new PlacedClock(receivedUnixMs - header.Clock.UptimeMs, ClockReading.UnknownErrorMs);
    }
}

/// <summary>Unix time of uptime 0 of one boot, and the bound on its error.</summary>
internal readonly record struct PlacedClock(long BootUnixMs, uint ErrorMs)
{
    /// <summary>Unix ms of an uptime.</summary>
    public long ToUnixMs(long uptimeMs) => BootUnixMs + uptimeMs;
}
