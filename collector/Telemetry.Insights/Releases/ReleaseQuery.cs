using Telemetry.Registry;

namespace Telemetry.Insights.Releases;

/// <summary>What is measured.</summary>
public enum Measure
{
    /// <summary>Minutes spent.</summary>
    Minutes = 1,

    /// <summary>Distinct users.</summary>
    Users = 2,

    /// <summary>Stays begun.</summary>
    Segments = 3,

    /// <summary>Changes from one scenario to the next.</summary>
    Transitions = 4,

    /// <summary>Minutes in which two models spoke for the same user.</summary>
    CoUse = 5,
}

/// <summary>What groups are made by.</summary>
public enum GroupKey
{
    Scenario = 1,

    /// <summary>Hour of the user's local day, 00..23.</summary>
    Hour = 2,

    /// <summary>Local weekday, mon..sun.</summary>
    Weekday = 3,

    /// <summary>Local day, yyyy-MM-dd; needs from and to.</summary>
    Day = 4,

    /// <summary>"brand/model" of a device that spoke in the segment; a segment counts for each.</summary>
    Model = 5,

    /// <summary>Brand of a device that spoke in the segment; a segment counts for each.</summary>
    Brand = 6,

    /// <summary>The scenario a transition leads to.</summary>
    Next = 7,

    /// <summary>The second model of a co-use, after the first in ordinal order.</summary>
    With = 8,

    /// <summary>A pattern over segments, such as a commute (composites.yaml): stays of it are measured in place of segments.</summary>
    Composite = 9,
}

/// <summary>A checked question for a release.</summary>
/// <param name="Measure">What is measured.</param>
/// <param name="GroupBy">Keys, in the order of the answer's columns.</param>
/// <param name="FromUnixMs">Inclusive; 0 = from the first data.</param>
/// <param name="ToUnixMs">Exclusive; 0 = to the last data.</param>
/// <param name="Recipient">A brand; empty = the operator's own analysts.</param>
/// <param name="EpsilonMilli">Thousandths of epsilon.</param>
/// <param name="Where">Allowed values by key; a key that is not there allows all.</param>
public sealed record ReleaseQuery(
    Measure Measure, IReadOnlyList<GroupKey> GroupBy, long FromUnixMs, long ToUnixMs, string Recipient, int EpsilonMilli,
    IReadOnlyDictionary<GroupKey, IReadOnlyList<string>> Where)
{
    /// <summary>Smallest and largest epsilon of one release.</summary>
    public const double MinEpsilon = 0.01, MaxEpsilon = 16;

    // 9998-12-31: behind it days have no four-digit name.
    private const long LastUnixMs = 253_370_678_400_000;

    /// <summary>Names of the measures, as in requests.</summary>
    public static IReadOnlyDictionary<string, Measure> Measures { get; } = new Dictionary<string, Measure>(StringComparer.Ordinal)
    {
        ["minutes"] = Measure.Minutes, ["users"] = Measure.Users, ["segments"] = Measure.Segments, ["transitions"] = Measure.Transitions, ["co-use"] = Measure.CoUse,
    };

    /// <summary>Reads a request.</summary>
    /// <param name="request">telemetry.v1.ReleaseRequest.</param>
    /// <param name="defaultEpsilon">For a request that names none.</param>
    /// <exception cref="RegistryException">Invalid: the text names the field, what was found and what is expected.</exception>
    public static ReleaseQuery Parse(Telemetry.Wire.V1.ReleaseRequest request, double defaultEpsilon)
    {
        if (!Measures.TryGetValue(request.Measure, out Measure measure)) throw Invalid("measure", request.Measure, string.Join(", ", Measures.Keys));
        if (request.FromUnixMs < 0 || request.ToUnixMs < 0 || request.ToUnixMs != 0 && request.ToUnixMs <= request.FromUnixMs)
        {
            throw Invalid("range", $"[{request.FromUnixMs}, {request.ToUnixMs})", "from 0 or more, and to after from (0 = open)");
        }

        if (Math.Max(request.FromUnixMs, request.ToUnixMs) > LastUnixMs) throw Invalid("range", $"[{request.FromUnixMs}, {request.ToUnixMs})", "unix milliseconds before the year 9999");

        double epsilon = request.Epsilon == 0 ? defaultEpsilon : request.Epsilon;
        if (!(epsilon >= MinEpsilon && epsilon <= MaxEpsilon)) throw Invalid("epsilon", $"{request.Epsilon}", $"{MinEpsilon}..{MaxEpsilon}, or 0 for the default");

        List<GroupKey> groupBy = [.. request.GroupBy.SelectMany(text => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).Select(text => ParseKey("group_by", text)).Distinct()];
        Dictionary<GroupKey, IReadOnlyList<string>> where = [];
        foreach (string text in request.Where)
        {
            string[] pair = text.Split('=', 2);
            if (pair.Length != 2 || pair[1].Length == 0) throw Invalid("where", text, "key=value, e.g. scenario=run");
            GroupKey key = ParseKey("where", pair[0].Trim());
            where[key] = [.. where.GetValueOrDefault(key, []), .. pair[1].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
        }

        List<GroupKey> usual = Default(measure, where.ContainsKey(GroupKey.Composite) ? GroupKey.Composite : GroupKey.Scenario);
        if (groupBy.Count == 0) groupBy = usual;
        if (measure == Measure.CoUse && !(groupBy.Contains(GroupKey.Model) && groupBy.Contains(GroupKey.With))) groupBy = [.. usual, .. groupBy.Except(usual)];

        ReleaseQuery query = new(measure, groupBy, request.FromUnixMs, request.ToUnixMs, request.Recipient, (int)Math.Round(epsilon * 1000), where);
        query.CheckKeys();
        return query;
    }

    /// <summary>True when groups or conditions go by a key.</summary>
    internal bool Uses(GroupKey key) => GroupBy.Contains(key) || Where.ContainsKey(key);

    /// <summary>True when stays of composites are measured, not segments.</summary>
    internal bool IsOfComposites => Uses(GroupKey.Composite);

    /// <summary>What names a stay.</summary>
    internal GroupKey StayKey => IsOfComposites ? GroupKey.Composite : GroupKey.Scenario;

    /// <summary>The query as one line, the same for every way to ask the same: what the noise and the ledger go by.</summary>
    internal string Canonical() =>
        $"{Measure}|{string.Join(',', GroupBy.Order())}|{FromUnixMs}|{ToUnixMs}|{Recipient}|{EpsilonMilli}|"
        + string.Join(';', Where.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key}={string.Join(',', pair.Value.Distinct().Order(StringComparer.Ordinal))}"));

    private void CheckKeys()
    {
        if (Uses(GroupKey.Next) && Measure != Measure.Transitions) throw Invalid("group_by", "next", "next only with the measure transitions");
        if (Uses(GroupKey.With) && Measure != Measure.CoUse) throw Invalid("group_by", "with", "with only with the measure co-use");
        if (IsOfComposites && Measure == Measure.Transitions) throw Invalid("group_by", "composite with transitions", "minutes, users, segments or co-use: composites do not follow one on the other");
        if (IsOfComposites && Uses(GroupKey.Scenario)) throw Invalid("group_by", "composite with scenario", "one of the two: a composite is made of several scenarios");
        if (Uses(GroupKey.Day) && (FromUnixMs == 0 || ToUnixMs == 0)) throw Invalid("group_by", "day without a range", "from and to, so that the days do not depend on the data");
    }

    private static List<GroupKey> Default(Measure measure, GroupKey stay) => measure switch
    {
        Measure.Transitions => [GroupKey.Scenario, GroupKey.Next],
        Measure.CoUse => [GroupKey.Model, GroupKey.With],
        _ => [stay],
    };

    private static GroupKey ParseKey(string field, string text) =>
        Enum.TryParse(text, ignoreCase: true, out GroupKey key) && Enum.IsDefined(key) && !char.IsAsciiDigit(text[0])
            ? key
            : throw Invalid(field, text, "scenario, composite, hour, weekday, day, model, brand, next, with");

    internal static RegistryException Invalid(string field, string found, string expected) =>
        new(RegistryError.Invalid, $"{field}: found \"{(found.Length > 64 ? found[..64] + "..." : found)}\"; expected {expected}.");
}
