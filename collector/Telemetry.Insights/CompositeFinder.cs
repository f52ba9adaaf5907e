using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Scenarios.Composites;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Insights;

/// <summary>
/// Finds composites in a user's segments at rest, when asked: an edit of the file counts at once, and late data needs no repair of its own. The
/// collector's folder may hold a composites.yaml; otherwise the shipped ones are used.
/// </summary>
internal sealed class CompositeFinder(InsightsStore store, DeviceRegistry registry, string dataFolder)
{
    /// <summary>Days a question may span; a longer one is answered for its last days.</summary>
    public const int MostDays = 31;

    private const int PlaceHoldsMinutes = 720; // as in features: a place is believed for 12 hours
    private const int MinutesPerDay = DaySegmenter.MinutesPerDay;

    /// <summary>The composites that touch [from, to), in order of time.</summary>
    /// <exception cref="RegistryException">Invalid: the folder's composites.yaml is faulty; the text names the line.</exception>
    public IReadOnlyList<CompositeStay> Find(UserKey user, int fromMinute, int toMinute, int utcOffsetMinutes)
    {
        IReadOnlyList<Composite> composites = Composites();
        IReadOnlyList<StoredSegment> stored = store.Segments(user, Math.Max(0, fromMinute - MinutesPerDay), toMinute); // a day more: one may have begun before
        if (stored.Count == 0) return [];
        int first = Math.Max(stored[0].Segment.StartMinute, stored[^1].Segment.EndMinute - ((MostDays + 1) * MinutesPerDay));
        List<Segment> segments = [.. SegmentList.Join(stored.Select(part => part.Segment).Where(segment => segment.EndMinute > first))];
        return [.. CompositeMatcher.Find(composites, Placed(user, segments), utcOffsetMinutes).Where(stay => stay.EndMinute > fromMinute && stay.StartMinute < toMinute)];
    }

    private IReadOnlyList<Composite> Composites()
    {
        string file = Path.Combine(dataFolder, "composites.yaml");
        if (!File.Exists(file)) return CompositeFile.Default;
        try
        {
            return CompositeFile.Read(File.ReadAllText(file));
        }
        catch (InvalidDataException fault)
        {
            throw new RegistryException(RegistryError.Invalid, $"composites.yaml in the data folder: {fault.Message}");
        }
    }

    private List<PlacedSegment> Placed(UserKey user, List<Segment> segments)
    {
        IReadOnlyList<(int Minute, MinuteRow Row)> rows = store.Minutes(user, segments[0].StartMinute - PlaceHoldsMinutes, segments[^1].EndMinute);
        List<PlacedSegment> placed = [];
        int next = 0, place = 0, saidAt = int.MinValue / 2;
        foreach (Segment segment in segments)
        {
            for (; next < rows.Count && rows[next].Minute < segment.EndMinute; next++)
            {
                int said = rows[next].Row.Devices.Max(device => device.Has(SignalSlot.Place) ? device[SignalSlot.Place].Last : 0);
                if (said > 0) (place, saidAt) = (said, rows[next].Minute);
            }

            placed.Add(new PlacedSegment(segment, segment.EndMinute - saidAt <= PlaceHoldsMinutes ? place : 0, [.. segment.Devices.Select(ModelOf)]));
        }

        return placed;
    }

    private string ModelOf(uint device) => registry.FindDevice(device) is { } found ? $"{found.Brand}/{found.Model}" : "";
}
