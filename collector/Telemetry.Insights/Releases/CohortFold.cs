using Telemetry.Insights.Cohorts;
using Telemetry.Registry;
using Telemetry.Wire.Profiles;

namespace Telemetry.Insights.Releases;

/// <summary>The exact sums behind a release, bounded per user and week. Never leaves this room.</summary>
/// <param name="Values">By group.</param>
/// <param name="Users">Distinct users by group.</param>
/// <param name="FirstWeek">First week of data touched; the empty range when there is none.</param>
/// <param name="LastWeek">Last week of data touched.</param>
internal sealed record BoundedSums(long[] Values, long[] Users, int FirstWeek, int LastWeek);

/// <summary>Folds segments of consenting users into bounded sums: one pass over each user's segments, one flush a user-week.</summary>
internal sealed class CohortFold
{
    private const int MinutesPerWeek = 10_080;

    // Weeks begin on Monday, three days before the epoch's first: 1970-01-01 was a Thursday.
    private const int MondayBeforeEpoch = 3 * 1440;

    private readonly ReleaseQuery _query;
    private readonly CellSpace _space;
    private readonly ContributionBound _bound;
    private readonly int[] _scenarioOffsets;
    private readonly int[] _nextOffsets;
    private readonly int[][] _deviceOffsets;
    private readonly int[] _weekHourOffsets; // by the hours since Monday 00:00
    private readonly int[]? _dayOffsets;
    private readonly long[] _values;
    private readonly long[] _users;
    private readonly int[] _lastUser; // number of the user counted last in a group, so that a user counts once over all weeks
    private readonly UserWeek _week;
    private readonly int _stepMinutes;
    private int _userNumber;
    private int _firstWeek = int.MaxValue;
    private int _lastWeek = int.MinValue;

    public CohortFold(ReleaseQuery query, CellSpace space, ContributionBound bound, SegmentColumns data, DeviceRegistry registry)
    {
        (_query, _space, _bound) = (query, space, bound);
        _scenarioOffsets = space.ScenarioOffsets(query.StayKey);
        _nextOffsets = space.ScenarioOffsets(GroupKey.Next);
        int[] any = [0];
        _deviceOffsets = [.. data.DeviceSets.Select(set => space.NeedsDevices ? space.DeviceOffsets(set.Select(registry.FindDevice).OfType<DeviceDescription>()) : any)];
        (int[]? hours, int[]? weekdays) = (space.Offsets(GroupKey.Hour), space.Offsets(GroupKey.Weekday));
        _weekHourOffsets = [.. Enumerable.Range(0, 7 * 24).Select(hour => Join(hours?[hour % 24] ?? 0, weekdays?[hour / 24] ?? 0))];
        _dayOffsets = space.Offsets(GroupKey.Day);
        _values = new long[space.Count];
        _users = new long[space.Count];
        _lastUser = new int[space.Count];
        _week = new UserWeek(space.Count);
        // The largest stride within which no time key changes.
        _stepMinutes = query.Uses(GroupKey.Hour) ? 60 : query.Uses(GroupKey.Weekday) || query.Uses(GroupKey.Day) ? 1440 : MinutesPerWeek;
    }

    /// <summary>Takes in a user's segments, as far as the consent intervals and the range of the question reach.</summary>
    public void Add(UserSegments user, int utcOffsetMinutes, IReadOnlyList<(long FromUnixMs, long ToUnixMs)> consent)
    {
        _userNumber++;
        foreach ((long from, long to) in consent)
        {
            long first = CeilMinute(Math.Max(from, _query.FromUnixMs)), end = Math.Min(to, _query.ToUnixMs == 0 ? long.MaxValue : _query.ToUnixMs) / 60_000;
            if (first < end) AddRange(user.Segments, utcOffsetMinutes, first, end);
        }

        Flush();
    }

    public BoundedSums Sums() => new(_values, _users, _firstWeek, _lastWeek);

    private void AddRange(SegmentCell[] segments, int offset, long first, long end)
    {
        // Composites may overlap, so no search finds the first that reaches into the range; there are few.
        for (int i = _query.IsOfComposites ? 0 : FirstAfter(segments, first); i < segments.Length && segments[i].StartMinute < end; i++)
        {
            ref readonly SegmentCell segment = ref segments[i];
            if (segment.EndMinute <= first) continue;
            int scenario = _scenarioOffsets[segment.Scenario];
            int[] devices = _deviceOffsets[segment.DeviceSet];
            switch (_query.Measure)
            {
                case Measure.Segments:
                    if (segment.StartMinute >= first) AddEvent(scenario, devices, segment.StartMinute + offset);
                    break;
                case Measure.Transitions:
                    if (i == 0 || segment.StartMinute < first || segments[i - 1].EndMinute != segment.StartMinute) break;
                    int before = _scenarioOffsets[segments[i - 1].Scenario], next = _nextOffsets[segment.Scenario];
                    AddEvent(before < 0 || next < 0 ? -1 : before + next, devices, segment.StartMinute + offset);
                    break;
                default:
                    if (scenario >= 0 && devices.Length > 0)
                    {
                        AddStay(scenario, devices, (int)Math.Max(segment.StartMinute, first) + offset, (int)Math.Min(segment.EndMinute, end) + offset);
                    }

                    break;
            }
        }
    }

    private void AddStay(int scenario, int[] devices, int localStart, int localEnd)
    {
        for (int at = localStart, end; at < localEnd; at = end)
        {
            int monday = EnterWeek(at);
            end = Math.Min(localEnd, monday + MinutesPerWeek);
            for (int minute = at - monday, slice; minute < end - monday; minute = slice)
            {
                slice = Math.Min(NextStep(minute), end - monday);
                int time = TimeOffset(monday, minute);
                if (time < 0) continue;
                foreach (int device in devices) _week.Add(scenario + device + time, slice - minute);
            }
        }
    }

    // Divisions by constants: one by a variable takes as long as all the rest of a slice.
    private int NextStep(int minute) => _stepMinutes switch
    {
        60 => ((minute / 60) + 1) * 60,
        1440 => ((minute / 1440) + 1) * 1440,
        _ => MinutesPerWeek,
    };

    private void AddEvent(int scenario, int[] devices, int localMinute)
    {
        if (scenario < 0) return;
        int monday = EnterWeek(localMinute);
        int time = TimeOffset(monday, localMinute - monday);
        if (time < 0) return;
        foreach (int device in devices)
        {
            if (_week.Total < _bound.Weighted) _week.Add(scenario + device + time, 1);
        }
    }

    // The first local minute of the week; closes the week before it.
    private int EnterWeek(int localMinute)
    {
        int week = Week(localMinute);
        if (week != _week.Week)
        {
            Flush();
            _week.Week = week;
        }

        return FirstMinuteOf(week);
    }

    // What a minute of a week adds to a group's number, or -1.
    private int TimeOffset(int monday, int minute)
    {
        int offset = _weekHourOffsets[minute / 60];
        return _dayOffsets is null ? offset : Join(offset, _dayOffsets[CellSpace.LocalDay(monday + minute) - _space.FirstDay]);
    }

    private void Flush()
    {
        if (_week.Touched.Count == 0) return;
        _firstWeek = Math.Min(_firstWeek, _week.Week);
        _lastWeek = Math.Max(_lastWeek, _week.Week);
        _week.Bound(_bound, _query.Measure == Measure.Users);
        for (int i = 0; i < _week.Touched.Count; i++)
        {
            int cell = _week.Touched[i];
            _values[cell] += _week[cell];
            if (i < _week.Counted && _lastUser[cell] != _userNumber)
            {
                _lastUser[cell] = _userNumber;
                _users[cell]++;
            }
        }

        _week.Clear();
    }

    /// <summary>Weeks since Monday 1969-12-29 of a local minute.</summary>
    internal static int Week(int localMinute) => (localMinute + MondayBeforeEpoch) / MinutesPerWeek;

    /// <summary>The first local minute of a week.</summary>
    internal static int FirstMinuteOf(int week) => (week * MinutesPerWeek) - MondayBeforeEpoch;

    private static int Join(int left, int right) => left < 0 || right < 0 ? -1 : left + right;

    private static long CeilMinute(long unixMs) => (unixMs + 59_999) / 60_000;

    private static int FirstAfter(SegmentCell[] segments, long minute)
    {
        int low = 0, high = segments.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (segments[middle].EndMinute <= minute) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
