using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Scenarios.Composites;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Insights;

/// <summary>
/// Finds composites in a user's segments at rest, when asked: an edit of the file counts at once, and late data needs no repair of its own. The
/// collector's folder may hold a composites.yaml; otherwise the shipped ones are used.
/// </summary>
internal sealed class CompositeFinder(InsightsStore store, DeviceRegistry registry, string dataFolder)
{
    /// <summary>Days a question about one user may span; a longer one is answered for its last days.</summary>
    public const int MostDays = 31;

    private const int MinutesPerDay = DaySegmenter.MinutesPerDay;

    /// <summary>The composites that touch [from, to), in order of time.</summary>
    /// <exception cref="RegistryException">Invalid: the folder's composites.yaml is faulty; the text names the line.</exception>
    public IReadOnlyList<CompositeStay> Find(UserKey user, int fromMinute, int toMinute, int utcOffsetMinutes)
    {
        IReadOnlyList<Composite> composites = Composites();
        IReadOnlyList<StoredSegment> stored = store.Segments(user, Math.Max(0, fromMinute - MinutesPerDay), toMinute); // a day more: one may have begun before
        if (stored.Count == 0) return [];
        int first = Math.Max(stored[0].Segment.StartMinute, stored[^1].Segment.EndMinute - ((MostDays + 1) * MinutesPerDay));
        IReadOnlyList<Segment> segments = SegmentList.Join(stored.Select(part => part.Segment).Where(segment => segment.EndMinute > first));
        return [.. CompositeMatcher.Find(composites, segments, ModelOf, utcOffsetMinutes).Where(stay => stay.EndMinute > fromMinute && stay.StartMinute < toMinute)];
    }

    /// <summary>The composites that hold now.</summary>
    /// <exception cref="RegistryException">Invalid: the folder's composites.yaml is faulty; the text names the line.</exception>
    public IReadOnlyList<Composite> Composites()
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

    private string ModelOf(uint device) => registry.FindDevice(device) is { } found ? $"{found.Brand}/{found.Model}" : "";
}
