using System.Globalization;
using Telemetry.Insights.Cohorts;
using Telemetry.Registry;
using Telemetry.Scenarios;
using Telemetry.Scenarios.Composites;
using Telemetry.Wire.Profiles;

namespace Telemetry.Insights.Releases;

/// <summary>
/// Every group a question can have, as numbers 0..Count-1. It follows from the question, the model's scenarios and the registry, never from
/// who was where: a group nobody is in exists too, and gets noise, so that a group's presence tells nothing.
/// </summary>
internal sealed class CellSpace
{
    /// <summary>Bounds the memory and the noise of one release.</summary>
    public const int MaxCells = 20_000;

    private static readonly string[] s_weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

    private readonly ReleaseQuery _query;
    private readonly IReadOnlyList<Composite> _composites;
    private readonly Dictionary<GroupKey, Axis> _axes = [];
    private readonly Dictionary<GroupKey, Dictionary<string, int>> _indexOf = [];

    public CellSpace(ReleaseQuery query, SegmentColumns data, DeviceRegistry registry)
    {
        _query = query;
        NamesInData = data.ScenarioNames;
        _composites = data.Composites;
        FirstDay = LocalDay(query.FromUnixMs / 60_000 - 840);
        int days = query.Uses(GroupKey.Day) ? LocalDay(query.ToUnixMs / 60_000 + 840) - FirstDay + 1 : 0;
        if (days > MaxCells) throw TooMany(days);

        // A name counts where it claims something; "off" is no stay of a person. Sorted, so that the numbers do not depend on the order of arrival.
        string[] scenarios = query.IsOfComposites ? [] : [.. data.ScenarioNames.Where(name => name != ScenarioNames.Off).Order(StringComparer.Ordinal)];
        string[] brands = query.Recipient.Length > 0 ? [query.Recipient] : [.. registry.Brands().Select(brand => brand.Id)];
        string[] models = [.. registry.Models(query.Recipient).Select(model => $"{model.Brand}/{model.Profile.Model}").Distinct().Order(StringComparer.Ordinal)];
        Count = 1;
        foreach (GroupKey key in Enum.GetValues<GroupKey>())
        {
            string[] values = key switch
            {
                GroupKey.Scenario or GroupKey.Next => scenarios,
                GroupKey.Composite => [.. data.Composites.Select(composite => composite.Name).Order(StringComparer.Ordinal)],
                GroupKey.Hour => [.. Enumerable.Range(0, 24).Select(hour => hour.ToString("d2", CultureInfo.InvariantCulture))],
                GroupKey.Weekday => s_weekdays,
                GroupKey.Day => [.. Enumerable.Range(FirstDay, days).Select(DayName)],
                GroupKey.Brand => brands,
                _ => models,
            };
            AddAxis(key, values);
        }

        if (Count > MaxCells) throw TooMany(Count);
    }

    /// <summary>How many groups there are.</summary>
    public int Count { get; private set; }

    /// <summary>The first local day any user can have in the range, days since 1970.</summary>
    public int FirstDay { get; }

    private IReadOnlyList<string> NamesInData { get; }

    /// <summary>Days since 1970 of a local minute.</summary>
    public static int LocalDay(long localMinute) => (int)((localMinute + 1440) / 1440) - 1; // -840 at the least: no time zone is further behind

    /// <summary>What each value of a key adds to a group's number, -1 for what the question leaves out; null when it does not go by the key.</summary>
    public int[]? Offsets(GroupKey key) => _query.Uses(key) ? _axes[key].Offsets : null;

    /// <summary>Whether the question must know which devices spoke.</summary>
    public bool NeedsDevices => _query.Recipient.Length > 0 || _query.Measure == Measure.CoUse || _query.Uses(GroupKey.Brand) || _query.Uses(GroupKey.Model);

    private int Offset(GroupKey key, int value) => _axes[key].Offsets is { } offsets && value >= 0 && value < offsets.Length ? offsets[value] : -1;

    /// <summary>Offsets of the data's scenario (or composite) numbers under a key; -1 for what is left out.</summary>
    public int[] ScenarioOffsets(GroupKey key) => [.. NamesInData.Select(name => _indexOf[key].TryGetValue(name, out int index) ? Offset(key, index) : -1)];

    /// <summary>What a set of devices adds to a group's number: once for each way it counts; empty when the question leaves it out.</summary>
    public int[] DeviceOffsets(IEnumerable<DeviceDescription> devices)
    {
        // A brand sees only its own devices, whatever else the user wears.
        DeviceDescription[] seen = [.. devices.Where(device => _query.Recipient.Length == 0 || device.Brand == _query.Recipient)];
        if (_query.Recipient.Length > 0 && seen.Length == 0) return [];
        if (_query.Measure == Measure.CoUse) return PairOffsets(seen);
        if (!_query.Uses(GroupKey.Brand) && !_query.Uses(GroupKey.Model)) return [0];
        return [.. seen.Select(device => Sum(Named(GroupKey.Brand, device.Brand), Named(GroupKey.Model, ModelName(device)))).Where(offset => offset >= 0).Distinct()];
    }

    /// <summary>The values of a group, in the order of the question's keys.</summary>
    public string[] Names(int cell) => [.. _query.GroupBy.Select(key => _axes[key].Values[IndexIn(cell, key)])];

    /// <summary>Whether a group can be an answer: no condition leaves it out, and of two models the first stands first.</summary>
    public bool IsAsked(int cell)
    {
        foreach (GroupKey key in _query.GroupBy)
        {
            if (Offset(key, IndexIn(cell, key)) < 0) return false;
        }

        return _query.Measure != Measure.CoUse || IndexIn(cell, GroupKey.Model) < IndexIn(cell, GroupKey.With);
    }

    /// <summary>The share of a week's minutes that the conditions on hour and weekday leave.</summary>
    public double ShareOfWeek() => Share(GroupKey.Hour) * Share(GroupKey.Weekday);

    /// <summary>Names of the scenarios, or composites, the conditions leave.</summary>
    public IEnumerable<string> Stays() => _axes[_query.StayKey].Values.Where((_, index) => Offset(_query.StayKey, index) >= 0);

    /// <summary>The scenario, or composite, of a group; null when groups are not made by it.</summary>
    public string? StayOf(int cell) =>
        _query.GroupBy.Contains(_query.StayKey) && _axes[_query.StayKey].Values.Length > 0 ? _axes[_query.StayKey].Values[IndexIn(cell, _query.StayKey)] : null;

    /// <summary>The composites the conditions leave, by name; none when scenarios are asked for.</summary>
    public IReadOnlyDictionary<string, Composite> Composites() => Stays().Join(_composites, name => name, composite => composite.Name, (_, composite) => composite).ToDictionary(composite => composite.Name, StringComparer.Ordinal);

    private int[] PairOffsets(DeviceDescription[] devices)
    {
        string[] models = [.. devices.Select(ModelName).Distinct().Order(StringComparer.Ordinal)];
        List<int> offsets = [];
        for (int i = 0; i < models.Length; i++)
        {
            for (int j = i + 1; j < models.Length; j++)
            {
                int offset = Sum(Named(GroupKey.Model, models[i]), Named(GroupKey.With, models[j]));
                if (offset >= 0) offsets.Add(offset);
            }
        }

        return [.. offsets];
    }

    private void AddAxis(GroupKey key, string[] values)
    {
        CheckConditions(key, values);
        _indexOf[key] = values.Select((value, index) => (value, index)).ToDictionary(pair => pair.value, pair => pair.index, StringComparer.Ordinal);
        bool isGrouped = _query.GroupBy.Contains(key);
        int[] offsets = new int[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            bool isAllowed = !_query.Where.TryGetValue(key, out IReadOnlyList<string>? allowed) || allowed.Contains(values[i]) || key == GroupKey.Hour && allowed.Contains($"{i}");
            offsets[i] = !isAllowed ? -1 : isGrouped ? i * Count : 0;
        }

        _axes[key] = new Axis(values, offsets, Count);
        if (isGrouped) Count = (int)Math.Min((long)Count * Math.Max(1, values.Length), 50L * MaxCells); // saturates: what is above the limit is refused
    }

    // A condition that can never hold is a slip of the pen, not a question. A scenario may be one that nobody had yet.
    private void CheckConditions(GroupKey key, string[] values)
    {
        foreach (string asked in _query.Where.GetValueOrDefault(key, []))
        {
            bool isKnown = values.Contains(asked) || (key is GroupKey.Scenario or GroupKey.Next && ScenarioNames.Common.Contains(asked))
                || (key == GroupKey.Hour && values.Contains(asked.PadLeft(2, '0')));
            if (isKnown) continue;
            string expected = values.Length is > 0 and <= 40 ? $"one of {string.Join(", ", values)}" : values.Length == 0 ? "nothing: there is none yet" : $"one of {values.Length} values, {values[0]} to {values[^1]}";
            throw ReleaseQuery.Invalid("where", $"{key.ToString().ToLowerInvariant()}={asked}", expected);
        }
    }

    private static RegistryException TooMany(int count) =>
        new(RegistryError.Invalid, $"The question has {count} groups or more; at most {MaxCells} are answered. Group by fewer keys, or a shorter range of days.");

    private int IndexIn(int cell, GroupKey key) => _axes[key].Values.Length == 0 ? -1 : cell / _axes[key].Stride % _axes[key].Values.Length;

    private int Named(GroupKey key, string value) => _indexOf[key].TryGetValue(value, out int index) ? Offset(key, index) : -1;

    private double Share(GroupKey key) => _axes[key].Offsets.Count(offset => offset >= 0) / (double)_axes[key].Offsets.Length;

    private static int Sum(int left, int right) => left < 0 || right < 0 ? -1 : left + right;

    private static string ModelName(DeviceDescription device) => $"{device.Brand}/{device.Model}";

    private static string DayName(int day) => DateOnly.FromDateTime(DateTime.UnixEpoch.AddDays(day)).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private sealed record Axis(string[] Values, int[] Offsets, int Stride);
}
