using System.Runtime.InteropServices;
using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Collector.Derivation;

/// <summary>
/// One user on the way from samples to segments: the minutes touched since the last commit, and the day under way, ready to go on. All of it can be
/// thrown away at any time; it is read again from the store.
/// </summary>
/// <remarks>Used by the derivation thread only.</remarks>
internal sealed class UserDerivation
{
    // The settled day stays this far behind the newest minute, so that devices of one user that report some minutes apart do not make it start over.
    private const int HoldBackMinutes = 30;
    private const int KeptRows = 256;
    private const int MinutesPerDay = DaySegmenter.MinutesPerDay;
    private const string RangeState = "minutes"; // i32 first minute, i32 last minute, little endian

    private readonly UserKey _user;
    private readonly int _utcOffsetMinutes;
    private readonly BoundModel _model;
    private readonly SortedList<int, MinuteRow> _rows = []; // at hand: the dirty ones, and those behind the settled day's next minute
    private readonly HashSet<int> _dirty = [];
    private int _first = int.MaxValue, _last = int.MinValue; // of the stored minutes
    private int _newFirst = int.MaxValue, _newLast = int.MinValue; // with the dirty ones
    private DaySegmenter? _settled;
    private int _settledDay;
    private List<Segment> _said = []; // what the store holds of the settled day

    public UserDerivation(UserKey user, int utcOffsetMinutes, BoundModel model, InsightsTransaction store)
    {
        (_user, _utcOffsetMinutes, _model) = (user, utcOffsetMinutes, model);
        if (store.GetState(RangeState, user) is not { } range) return;
        ReadOnlySpan<int> minutes = MemoryMarshal.Cast<byte, int>(range);
        (_first, _last) = (minutes[0], minutes[1]);
        (_newFirst, _newLast) = (_first, _last);
    }

    /// <summary>Minutes changed since the last <see cref="Save"/>.</summary>
    public int DirtyMinutes => _dirty.Count;

    /// <summary>The row of a minute, to be changed.</summary>
    public MinuteRow Row(int minute, InsightsTransaction store)
    {
        if (!_rows.TryGetValue(minute, out MinuteRow? row))
        {
            bool mayBeStored = minute >= _first && minute <= _last;
            row = mayBeStored && store.GetMinute(_user, minute) is { } bytes ? MinuteRowCodec.Read(bytes) : new MinuteRow();
            _rows.Add(minute, row);
        }

        _dirty.Add(minute);
        _newFirst = Math.Min(_newFirst, minute);
        _newLast = Math.Max(_newLast, minute);
        return row;
    }

    /// <summary>Writes the changed minutes and the segments of every day they can have changed.</summary>
    /// <returns>Days looked at again.</returns>
    public int Save(InsightsTransaction store)
    {
        if (_dirty.Count == 0) return 0;
        foreach (int minute in _dirty) store.PutMinute(_user, minute, MinuteRowCodec.Write(_rows[minute]));
        store.PutState(RangeState, MemoryMarshal.AsBytes<int>([_newFirst, _newLast]).ToArray(), _user);

        int oldestDirty = _dirty.Min();
        SortedSet<int> days = DirtyDays();
        bool hasNewFirst = _newFirst != _first;
        (_first, _last) = (_newFirst, _newLast);
        foreach (int day in days)
        {
            bool goesOn = _settled is not null && day == _settledDay && !hasNewFirst && oldestDirty >= _settled.NextMinute;
            if (goesOn) GoOn(day, store);
            else StartOver(day, store);
        }

        _dirty.Clear();
        Trim();
        return days.Count;
    }

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

    private void GoOn(int day, InsightsTransaction store)
    {
        IList<int> minutes = _rows.Keys;
        int at = FirstAtLeast(minutes, _settled!.NextMinute);
        int settleBefore = _last - HoldBackMinutes, end = DaySegmenter.LastRowOf(day);
        for (; at < minutes.Count && minutes[at] < settleBefore && minutes[at] <= end; at++) _settled.Feed(minutes[at], _rows.Values[at]);

        DaySegmenter edge = _settled.Copy();
        for (; at < minutes.Count && minutes[at] <= end; at++) edge.Feed(minutes[at], _rows.Values[at]);
        edge.PassTo(_last + 1);
        Say(day, edge.Segments(), store, isKnown: true);
    }

    private void StartOver(int day, InsightsTransaction store)
    {
        DaySegmenter segmenter = new(_model, day, _first, _utcOffsetMinutes);
        IReadOnlyList<(int Minute, byte[] State)> rows = store.Minutes(_user, Math.Max(DaySegmenter.FirstRowOf(day), _first), DaySegmenter.LastRowOf(day) + 1);
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

        store.ReplaceSegments(_user, from, (day + 1) * MinutesPerDay, same == 0 ? segments : segments[same..]);
        if (day == _settledDay && _settled is not null) _said = segments;
    }

    private void Trim()
    {
        int needed = _settled?.NextMinute ?? int.MaxValue;
        while (_rows.Count > 0 && (_rows.Keys[0] < needed || _rows.Count > KeptRows)) 
        {
            // More rows than are kept: the settled day cannot go on from what is at hand, so it starts over next time.
            if (_rows.Keys[0] >= needed) _settled = null;
            needed = _settled?.NextMinute ?? int.MaxValue;
            _rows.RemoveAt(0);
        }
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
