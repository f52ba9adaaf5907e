using System.Runtime.InteropServices;
using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Scenarios.Answers;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Collector.Derivation;

/// <summary>
/// One user on the way from samples to segments. <see cref="Save"/> keeps the minutes a step touched and lets the day under way go on;
/// <see cref="Name"/> says the segments of the days that changed since they were last said, which may be many steps later: the naming of a day
/// costs the same however many batches changed it. All of it can be thrown away at any time; it is read again from the store.
/// </summary>
/// <remarks>Used by the derivation thread only.</remarks>
internal sealed class UserDerivation
{
    // The settled day stays this far behind the newest minute, so that devices of one user that report some minutes apart do not make it start over.
    private const int HoldBackMinutes = 30;
    private const int KeptRows = 256;
    private const int MinutesPerDay = DaySegmenter.MinutesPerDay;

    private readonly int _utcOffsetMinutes;
    private readonly BoundModel _model;
    private readonly PersonalAnswers _answers;
    private readonly SortedList<int, MinuteRow> _rows = []; // at hand: the dirty ones, and those behind the settled day's next minute
    private readonly HashSet<int> _dirty = [];
    private readonly SortedSet<int> _unnamed; // days
    private long _unnamedSince;
    private int _first, _last; // of the stored minutes
    private int _newFirst, _newLast; // with the dirty ones
    private DaySegmenter? _settled; // has seen every stored row before its next minute
    private int _settledDay;
    private List<Segment> _said = []; // what the store holds of the settled day

    public UserDerivation(UserKey user, int utcOffsetMinutes, BoundModel model, PersonalAnswers answers, InsightsTransaction store)
    {
        (User, _utcOffsetMinutes, _model, _answers) = (user, utcOffsetMinutes, model, answers);
        UserProgress progress = UserProgress.Read(store, user) ?? UserProgress.None;
        (_first, _last, _unnamedSince) = (progress.FirstMinute, progress.LastMinute, progress.UnnamedSince);
        (_newFirst, _newLast) = (_first, _last);
        _unnamed = [.. progress.UnnamedDays];
    }

    /// <summary>Whose.</summary>
    public UserKey User { get; }

    /// <summary>Minutes changed since the last <see cref="Save"/>.</summary>
    public int DirtyMinutes => _dirty.Count;

    /// <summary>The row of a minute, to be changed.</summary>
    public MinuteRow Row(int minute, InsightsTransaction store)
    {
        if (!_rows.TryGetValue(minute, out MinuteRow? row))
        {
            bool mayBeStored = minute >= _first && minute <= _last;
            row = mayBeStored && store.GetMinute(User, minute) is { } bytes ? MinuteRowCodec.Read(bytes) : new MinuteRow();
            _rows.Add(minute, row);
        }

        _dirty.Add(minute);
        _newFirst = Math.Min(_newFirst, minute);
        _newLast = Math.Max(_newLast, minute);
        return row;
    }

    /// <summary>Writes the changed minutes, feeds the settled day what lies far enough back, and notes every day whose segments can have changed.</summary>
    /// <param name="position">Log position of the oldest change, kept with the days until they are named.</param>
    /// <param name="store">The step.</param>
    public void Save(long position, InsightsTransaction store)
    {
        if (_dirty.Count == 0) return;
        foreach (int minute in _dirty) store.PutMinute(User, minute, MinuteRowCodec.Write(_rows[minute]));

        SortedSet<int> days = DirtyDays();
        bool isInOrder = _newFirst == _first && _settled is not null && _dirty.Min() >= _settled.NextMinute;
        if (!isInOrder && days.Contains(_settledDay)) _settled = null;
        (_first, _last) = (_newFirst, _newLast);
        if (_unnamed.Count == 0) _unnamedSince = position;
        _unnamed.UnionWith(days);
        _dirty.Clear();
        if (_settled is not null) FeedSettled();
        Trim();
        KeepProgress(store);
    }

    /// <summary>Notes every day that what the user said about a minute can change: the minute's own and those that read it, and by what is learned of the person all that follow.</summary>
    /// <param name="minute">First minute spoken of.</param>
    /// <param name="position">Log position the answer came at, kept with the days until they are named.</param>
    /// <param name="store">The step.</param>
    /// <returns>False when the user has no minutes so late: there is nothing to name again.</returns>
    public bool NoteAnswer(int minute, long position, InsightsTransaction store)
    {
        if (_first > _last) return false;
        int first = Math.Max(Day(minute - ScenarioFilter.LagMinutes), Day(_first)), last = Day(_last);
        if (first > last) return false;
        if (_unnamed.Count == 0) _unnamedSince = position;
        _unnamed.UnionWith(Enumerable.Range(first, last - first + 1));
        KeepProgress(store);
        return true;
    }

    /// <summary>True while days are noted whose segments can have changed.</summary>
    public bool HasUnnamed => _unnamed.Count > 0;

    /// <summary>Says the segments of the days noted, the oldest first, at most <paramref name="most"/> of them.</summary>
    /// <returns>Days looked at again.</returns>
    public int Name(InsightsTransaction store, int most)
    {
        int[] days = [.. _unnamed.Take(most)];
        foreach (int day in days)
        {
            if (_settled is not null && day == _settledDay) GoOn(day, store);
            else StartOver(day, store);
        }

        _unnamed.ExceptWith(days);
        Trim();
        KeepProgress(store);
        return days.Length;
    }

    private void KeepProgress(InsightsTransaction store) => new UserProgress(_first, _last, _unnamedSince, _utcOffsetMinutes, [.. _unnamed]).Write(store, User);

    private SortedSet<int> DirtyDays()
    {
        SortedSet<int> days = [];
        int firstDay = Day(_newFirst), lastDay = Day(_newLast);
        foreach (int minute in _dirty)
        {
            // The days that read this minute: its own, the next by its warm-up, the one before by its lag.
            for (int day = Day(minute - ScenarioFilter.LagMinutes); day <= Day(minute + DaySegmenter.WarmUpMinutes); day++) Add(day);
        }

        if (_last != int.MinValue && _newLast > _last) AddRange(Day(_last - ScenarioFilter.LagMinutes), lastDay);
        if (_first != int.MaxValue && _newFirst < _first) AddRange(firstDay, Day(_first) + 1);
        return days;

        void Add(int day)
        {
            if (day >= firstDay && day <= lastDay) days.Add(day);
        }

        void AddRange(int from, int to)
        {
            for (int day = Math.Max(from, firstDay); day <= Math.Min(to, lastDay); day++) days.Add(day);
        }
    }

    private void FeedSettled()
    {
        IList<int> minutes = _rows.Keys;
        int before = Math.Min(_last - HoldBackMinutes, DaySegmenter.LastRowOf(_settledDay) + 1);
        for (int at = FirstAtLeast(minutes, _settled!.NextMinute); at < minutes.Count && minutes[at] < before; at++) _settled.Feed(minutes[at], _rows.Values[at]);
    }

    private void GoOn(int day, InsightsTransaction store)
    {
        IList<int> minutes = _rows.Keys;
        int end = DaySegmenter.LastRowOf(day);
        DaySegmenter edge = _settled!.Copy();
        for (int at = FirstAtLeast(minutes, _settled.NextMinute); at < minutes.Count && minutes[at] <= end; at++) edge.Feed(minutes[at], _rows.Values[at]);
        edge.PassTo(_last + 1);
        Say(day, edge.Segments(), store, isKnown: true);
    }

    private void StartOver(int day, InsightsTransaction store)
    {
        DaySegmenter segmenter = new(_model, day, _first, _utcOffsetMinutes, _answers);
        IReadOnlyList<(int Minute, byte[] State)> rows = store.Minutes(User, Math.Max(DaySegmenter.FirstRowOf(day), _first), DaySegmenter.LastRowOf(day) + 1);
        bool isEdge = day == Day(_last);
        int at = 0;
        int settleBefore = isEdge ? _last - HoldBackMinutes : int.MaxValue;
        for (; at < rows.Count && rows[at].Minute < settleBefore; at++) segmenter.Feed(rows[at].Minute, MinuteRowCodec.Read(rows[at].State));
        if (isEdge)
        {
            (_settled, _settledDay) = (segmenter, day);
            segmenter = segmenter.Copy();
            for (; at < rows.Count; at++)
            {
                MinuteRow row = _rows.TryGetValue(rows[at].Minute, out MinuteRow? atHand) ? atHand : MinuteRowCodec.Read(rows[at].State);
                _rows[rows[at].Minute] = row;
                segmenter.Feed(rows[at].Minute, row);
            }
        }

        segmenter.PassTo(_last + 1);
        Say(day, segmenter.Segments(), store, isKnown: false);
    }

    private void Say(int day, List<Segment> segments, InsightsTransaction store, bool isKnown)
    {
        int from = day * MinutesPerDay;
        int same = 0;
        if (isKnown)
        {
            while (same < Math.Min(_said.Count, segments.Count) && SegmentList.Same(_said[same], segments[same])) same++;
            if (same == segments.Count && same == _said.Count) return;
            if (same > 0) from = segments[same - 1].EndMinute;
        }

        store.ReplaceSegments(User, from, (day + 1) * MinutesPerDay, same == 0 ? segments : segments[same..]);
        if (day == _settledDay && _settled is not null) _said = segments;
    }

    // What is left are the rows the settled day has not seen. More than are kept: the day cannot go on from what is at hand and starts over next time.
    private void Trim()
    {
        if (_settled is not null && _rows.Count > 0 && _rows.Count - FirstAtLeast(_rows.Keys, _settled.NextMinute) > KeptRows) _settled = null;
        int dropped = _settled is null ? Math.Max(0, _rows.Count - HoldBackMinutes) : FirstAtLeast(_rows.Keys, _settled.NextMinute);
        if (dropped == _rows.Count)
        {
            _rows.Clear();
            return;
        }

        for (; dropped > 0; dropped--) _rows.RemoveAt(0);
    }

    private static int Day(int minute) => minute / MinutesPerDay;

    private static int FirstAtLeast(IList<int> minutes, int least)
    {
        int low = 0, high = minutes.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (minutes[middle] < least) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}

/// <summary>How far a user's derivation is, as the store keeps it.</summary>
/// <param name="FirstMinute">Of the stored minutes.</param>
/// <param name="LastMinute">Of the stored minutes.</param>
/// <param name="UnnamedSince">Log position of the oldest change that is not in the segments yet; only with unnamed days.</param>
/// <param name="UtcOffsetMinutes">Of the user; only with unnamed days.</param>
/// <param name="UnnamedDays">Days whose stored minutes changed since their segments were said.</param>
internal sealed record UserProgress(int FirstMinute, int LastMinute, long UnnamedSince, int UtcOffsetMinutes, int[] UnnamedDays)
{
    // i32 first minute, i32 last minute, then only with unnamed days: i64 since, i32 UTC offset, i32 a day; little endian
    private const string State = "minutes";
    private const int PlainInts = 2, IntsBeforeDays = 5;

    public static readonly UserProgress None = new(int.MaxValue, int.MinValue, 0, 0, []);

    public static UserProgress? Read(InsightsTransaction store, UserKey user) => store.GetState(State, user) is { } value ? Parse(value) : null;

    /// <summary>The users with minutes.</summary>
    public static IEnumerable<(UserKey User, UserProgress Progress)> All(InsightsTransaction store) => store.StatesOfUsers(State).Select(state => (state.User, Parse(state.Value)));

    /// <summary>The users with unnamed days.</summary>
    public static IEnumerable<(UserKey User, UserProgress Progress)> Unnamed(InsightsTransaction store) => All(store).Where(one => one.Progress.UnnamedDays.Length > 0);

    public void Write(InsightsTransaction store, UserKey user)
    {
        int[] value = new int[UnnamedDays.Length == 0 ? PlainInts : IntsBeforeDays + UnnamedDays.Length];
        (value[0], value[1]) = (FirstMinute, LastMinute);
        if (UnnamedDays.Length > 0)
        {
            (value[2], value[3], value[4]) = ((int)UnnamedSince, (int)(UnnamedSince >> 32), UtcOffsetMinutes);
            UnnamedDays.CopyTo(value, IntsBeforeDays);
        }

        store.PutState(State, MemoryMarshal.AsBytes<int>(value).ToArray(), user);
    }

    private static UserProgress Parse(byte[] bytes)
    {
        ReadOnlySpan<int> value = MemoryMarshal.Cast<byte, int>(bytes);
        return value.Length == PlainInts
            ? new UserProgress(value[0], value[1], 0, 0, [])
            : new UserProgress(value[0], value[1], (uint)value[2] | ((long)value[3] << 32), value[4], value[IntsBeforeDays..].ToArray());
    }
}
