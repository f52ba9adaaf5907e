using Telemetry.Scenarios.Answers;
using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Minutes;
using Telemetry.Scenarios.Model;

namespace Telemetry.Scenarios.Segments;

/// <summary>
/// Segments of one user and one UTC day, as a pure function of the user's minute rows from <see cref="WarmUpMinutes"/> before the day to
/// <see cref="ScenarioFilter.LagMinutes"/> after it, and of what the person said. Nothing else goes in, so samples that arrive late change at most three days, and any order
/// of arrival ends in the same bytes. A stay that crosses midnight is two segments; <see cref="SegmentList.Join"/> makes one of them.
/// </summary>
/// <remarks>Rows are fed in ascending order; the newest may be added as time goes on, while <see cref="Segments"/> can be asked at any time.</remarks>
public sealed class DaySegmenter
{
    /// <summary>Minutes of a UTC day.</summary>
    public const int MinutesPerDay = 1440;

    /// <summary>How much of the time before is read: states that hold, means and the filter settle in it.</summary>
    public const int WarmUpMinutes = 720;

    /// <summary>
    /// A stretch of at least so many minutes in which nothing was heard that can see a scenario is never that scenario (<see cref="Sight"/>), but <c>unknown</c>, and <c>off</c> where
    /// no device spoke at all; a shorter one is bridged.
    /// </summary>
    public const int OffMinutes = 6; // LagMinutes + 1: known by the time the first of them is answered

    private const int CountedDevices = 8;
    private const int ExtractorBytes = 128 + (CountedDevices * (24 + 28)); // states that hold and means; of a device what gate and rooms remember, with its key
    private const int RingBytes = (ScenarioFilter.LagMinutes + 1) * (8 + 4 + 1 + 1); // row, scenarios seen, spoke, place

    private readonly BoundModel _model;
    private readonly PersonalAnswers _answers;
    private readonly FeatureExtractor _extractor;
    private readonly ScenarioFilter _filter;
    private readonly SegmentBuilder _builder;
    private readonly MinuteRow?[] _rows = new MinuteRow?[ScenarioFilter.LagMinutes + 1];
    private readonly uint[] _seen = new uint[ScenarioFilter.LagMinutes + 1]; // bit n: scenario n could be seen in the minute
    private readonly bool[] _spoke = new bool[ScenarioFilter.LagMinutes + 1];
    private readonly byte[] _places = new byte[ScenarioFilter.LagMinutes + 1];
    private readonly float[] _vector = new float[FeatureCatalog.Count];
    private readonly List<Segment> _closed = [];
    private readonly int _from, _to;
    private int _next;
    private readonly int[] _unseenBehind; // by scenario: minutes in a row that could not see it, just before the oldest unanswered one

    /// <summary>Makes the segmenter of a day.</summary>
    /// <param name="model">Bound to <see cref="FeatureCatalog.Names"/>.</param>
    /// <param name="day">Whole days since 1970 UTC.</param>
    /// <param name="firstMinute">The user's first minute ever: nothing is said about the time before.</param>
    /// <param name="utcOffsetMinutes">Of the user, for the hour of the day.</param>
    /// <param name="answers">What the user said, as this model reads it; null = nothing.</param>
    public DaySegmenter(BoundModel model, int day, int firstMinute, int utcOffsetMinutes, PersonalAnswers? answers = null)
    {
        _model = model;
        _unseenBehind = new int[model.Names.Count];
        answers ??= new PersonalAnswers(model, []);
        _answers = answers.Touching(FirstRowOf(day), LastRowOf(day) + 1);
        _extractor = new FeatureExtractor(utcOffsetMinutes);
        _filter = new ScenarioFilter(model, answers.ShiftsBefore(day * MinutesPerDay));
        _builder = new SegmentBuilder(model);
        _from = Math.Max(day * MinutesPerDay, firstMinute);
        _to = (day + 1) * MinutesPerDay;
        _next = Math.Max((day * MinutesPerDay) - WarmUpMinutes, firstMinute);
    }

    private DaySegmenter(DaySegmenter other)
    {
        (_model, _answers) = (other._model, other._answers);
        _extractor = other._extractor.Copy();
        _filter = other._filter.Copy();
        _builder = other._builder.Copy();
        (_from, _to, _next) = (other._from, other._to, other._next);
        _unseenBehind = [.. other._unseenBehind];
        other._rows.CopyTo(_rows, 0);
        other._places.CopyTo(_places, 0);
        other._spoke.CopyTo(_spoke, 0);
        other._seen.CopyTo(_seen, 0);
        _closed.AddRange(other._closed);
    }

    /// <summary>A segmenter that goes on from here and leaves this one as it is: how the edge is looked at before it is settled.</summary>
    public DaySegmenter Copy() => new(this);

    /// <summary>The segments of a day whose rows are all at hand.</summary>
    /// <param name="model">Bound to <see cref="FeatureCatalog.Names"/>.</param>
    /// <param name="day">Whole days since 1970 UTC.</param>
    /// <param name="rows">Of the minutes <see cref="FirstRowOf"/> to <see cref="LastRowOf"/>, ascending.</param>
    /// <param name="firstMinute">The user's first minute ever.</param>
    /// <param name="lastMinute">The user's last minute so far: what is empty before it is known to be empty.</param>
    /// <param name="utcOffsetMinutes">Of the user.</param>
    /// <param name="answers">What the user said, as this model reads it; null = nothing.</param>
    public static List<Segment> Derive(
        BoundModel model, int day, IReadOnlyList<(int Minute, MinuteRow Row)> rows, int firstMinute, int lastMinute, int utcOffsetMinutes, PersonalAnswers? answers = null)
    {
        DaySegmenter segmenter = new(model, day, firstMinute, utcOffsetMinutes, answers);
        foreach ((int minute, MinuteRow row) in rows) segmenter.Feed(minute, row);
        segmenter.PassTo(lastMinute + 1);
        return segmenter.Segments();
    }

    /// <summary>The next minute it has not seen.</summary>
    public int NextMinute => _next;

    /// <summary>First minute whose row it reads.</summary>
    public static int FirstRowOf(int day) => (day * MinutesPerDay) - WarmUpMinutes;

    /// <summary>Last minute whose row it reads.</summary>
    public static int LastRowOf(int day) => ((day + 1) * MinutesPerDay) - 1 + ScenarioFilter.LagMinutes;

    /// <summary>Minutes of the day so far flagged by the quality gate, warm-up included.</summary>
    public QualityGate Gate => _extractor.Gate;

    /// <summary>Bytes of state that a day under way needs, of a user with up to eight devices.</summary>
    public int StateBytes => _filter.StateBytes + (_model.Inputs.Count * 8) + (_vector.Length * 4) + (_unseenBehind.Length * 4) + ExtractorBytes + RingBytes;

    /// <summary>Feeds a row; minutes left out before it are taken for empty.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The minute was passed already.</exception>
    public void Feed(int minute, MinuteRow row)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(minute, _next);
        PassTo(minute);
        Push(minute, row);
    }

    /// <summary>Lets time pass up to and without <paramref name="minute"/>: the user's rows go on later, so the empty minutes are known to be empty.</summary>
    public void PassTo(int minute)
    {
        int stop = Math.Min(minute, _to + ScenarioFilter.LagMinutes);
        while (_next < stop) Push(_next, null);
    }

    /// <summary>Everything known about the day: closed segments, then what is still open, the last minutes provisional.</summary>
    /// <remarks>Changes nothing: feeding goes on where it was.</remarks>
    public List<Segment> Segments()
    {
        List<Segment> all = [.. _closed];
        SegmentBuilder edge = _builder.Copy();
        int[] unseenBehind = [.. _unseenBehind];
        for (int back = Math.Min(_filter.Depth, ScenarioFilter.LagMinutes) - 1; back >= 0; back--)
            Answer(back, edge, all, unseenBehind, isProvisional: true);
        if (edge.Close() is { } open) all.Add(open);
        return all;
    }

    private void Push(int minute, MinuteRow? row)
    {
        bool spoke = _extractor.Read(minute, row, _vector);
        uint seen = spoke ? _model.Sight.Of(_vector) : 0;
        _filter.Push(minute, _vector, seen != 0, _answers.At(minute).Allowed);
        int place = minute % _rows.Length;
        _rows[place] = row;
        _spoke[place] = spoke;
        _seen[place] = seen;
        _places[place] = _vector[(int)Feature.Place] is >= 0 and <= byte.MaxValue and var known ? (byte)known : (byte)0; // not known is NaN
        _next = minute + 1;
        if (_filter.Depth > ScenarioFilter.LagMinutes) Answer(ScenarioFilter.LagMinutes, _builder, _closed, _unseenBehind, isProvisional: false);
    }

    private void Answer(int back, SegmentBuilder builder, List<Segment> closed, int[] unseenBehind, bool isProvisional)
    {
        int minute = _next - 1 - back;
        if (minute >= _from && minute < _to)
        {
            MinuteVerdict verdict = _filter.Verdict(back);
            string? said = _answers.At(minute).Scenario;
            string name = said ?? Name(verdict, back, unseenBehind);
            BuiltMinute built = new(minute, _rows[minute % _rows.Length], _places[minute % _places.Length], isProvisional);
            Segment? done = said is null ? builder.Add(name, verdict.Scenario, verdict.Confidence, _filter.RanksAt(back), built) : builder.AddSaid(name, built);
            if (done is not null) closed.Add(done);
        }

        uint seen = _seen[minute % _seen.Length];
        for (int k = 0; k < unseenBehind.Length; k++) unseenBehind[k] = (seen >> k & 1) == 0 ? unseenBehind[k] + 1 : 0;
    }

    private string Name(in MinuteVerdict verdict, int back, int[] unseenBehind)
    {
        if (Unseen(uint.MaxValue, back, unseenBehind.Min()) >= OffMinutes) return _spoke[verdict.Minute % _spoke.Length] ? ScenarioNames.Unknown : ScenarioNames.Off;
        return verdict.Scenario < 0 || verdict.Confidence < _model.Model.AbstainBelow || Unseen(1u << verdict.Scenario, back, unseenBehind[verdict.Scenario]) >= OffMinutes
            ? ScenarioNames.Unknown
            : _model.Names[verdict.Scenario];
    }

    // Minutes in a row, this one among them, in which none of these scenarios could be seen; as far ahead as is known.
    private int Unseen(uint scenarios, int back, int behind)
    {
        int ahead = 0;
        while (ahead <= back && (_seen[(_next - 1 - back + ahead) % _seen.Length] & scenarios) == 0) ahead++;
        return ahead == 0 ? 0 : behind + ahead;
    }
}
