using Telemetry.Insights.Releases;
using Telemetry.Registry;
using Telemetry.Scenarios.Composites;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Insights.Cohorts;

/// <summary>
/// The composites of all users in columns, as <see cref="SegmentCache"/> has their segments; only users whose segments changed are searched again.
/// They are found within each local week alone: a segment that crosses Sunday midnight is cut there. So what a user-week adds to a release
/// depends on that week and no other, and the noise for one week hides it.
/// </summary>
/// <remarks>Thread-safe. 16 bytes a composite, and a reference a user.</remarks>
internal sealed class CompositeCache(DeviceRegistry registry)
{
    private readonly Lock _finding = new();
    private readonly DeviceSets _deviceSets = new();
    private readonly Dictionary<long, Found> _found = [];
    private string _definitions = "";

    /// <summary>The composites in these segments. Stays of one user are in order of their start and may overlap.</summary>
    public SegmentColumns Of(SegmentColumns segments, IReadOnlyList<Composite> composites)
    {
        lock (_finding)
        {
            string definitions = CompositeFile.Fingerprint(composites);
            if (_definitions != definitions) _found.Clear();
            _definitions = definitions;
            foreach (long erased in _found.Keys.Where(user => !segments.Users.ContainsKey(user)).ToArray()) _found.Remove(erased);

            Dictionary<long, UserSegments> users = new(segments.Users.Count);
            Dictionary<uint, string> models = [];
            foreach ((long id, UserSegments user) in segments.Users)
            {
                int offset = registry.FindUser(user.User)?.UtcOffsetMinutes ?? 0;
                if (!_found.TryGetValue(id, out Found? found) || found.Segments != user.Segments || found.UtcOffsetMinutes != offset)
                {
                    SegmentCell[] stays = [.. Weeks(segments, user.Segments, offset).SelectMany(week => Cells(composites, CompositeMatcher.Find(composites, week, ModelOf, offset)))];
                    _found[id] = found = new Found(user.Segments, offset, stays);
                }

                users[id] = new UserSegments(user.User, found.Stays);
            }

            return new SegmentColumns(segments.Revision, users, [.. composites.Select(composite => composite.Name)], _deviceSets.ToArray(), segments.ModelVersions) { Composites = composites };

            string ModelOf(uint device)
            {
                if (models.TryGetValue(device, out string? model)) return model;
                return models[device] = registry.FindDevice(device) is { } known ? $"{known.Brand}/{known.Model}" : "";
            }
        }
    }

    // The segments of each local week, days joined. Evidence and confidence are not read by patterns.
    private static IEnumerable<IReadOnlyList<Segment>> Weeks(SegmentColumns columns, SegmentCell[] cells, int utcOffsetMinutes)
    {
        List<Segment> week = [];
        int number = int.MinValue;
        foreach (Segment segment in SegmentList.Join(cells.Select(Read)))
        {
            for (int start = segment.StartMinute; start < segment.EndMinute;)
            {
                int of = CohortFold.Week(start + utcOffsetMinutes), end = Math.Min(segment.EndMinute, CohortFold.FirstMinuteOf(of + 1) - utcOffsetMinutes);
                if (of != number)
                {
                    if (week.Count > 0) yield return week;
                    (week, number) = ([], of);
                }

                week.Add(segment with { StartMinute = start, EndMinute = end });
                start = end;
            }
        }

        if (week.Count > 0) yield return week;

        Segment Read(SegmentCell cell) =>
            new(columns.ScenarioNames[cell.Scenario], cell.StartMinute, cell.EndMinute, 0, [], columns.DeviceSets[cell.DeviceSet], "", false) { Place = cell.Place };
    }

    private IEnumerable<SegmentCell> Cells(IReadOnlyList<Composite> composites, IReadOnlyList<CompositeStay> stays)
    {
        foreach (CompositeStay stay in stays)
        {
            int number = 0;
            while (composites[number] != stay.Composite) number++;
            uint[] devices = [.. stay.Segments.SelectMany(segment => segment.Devices).Distinct().Order()];
            yield return new SegmentCell(stay.StartMinute, stay.EndMinute, _deviceSets.NumberOf(devices), (ushort)number);
        }
    }

    private sealed record Found(SegmentCell[] Segments, int UtcOffsetMinutes, SegmentCell[] Stays);
}
