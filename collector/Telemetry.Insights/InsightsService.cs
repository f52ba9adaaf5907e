using Telemetry.Insights.Cohorts;
using Telemetry.Insights.Privacy;
using Telemetry.Insights.Releases;
using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Scenarios.Composites;
using Telemetry.Scenarios.Features;
using Telemetry.Scenarios.Model;
using Telemetry.Wire.V1;

namespace Telemetry.Insights;

/// <summary>The questions of telemetry.v1.Query that segments answer: a user's scenarios for the operator, releases for analysts and brands.</summary>
/// <remarks>Thread-safe.</remarks>
public sealed class InsightsService : IDisposable
{
    private readonly InsightsStore _store;
    private readonly DeviceRegistry _registry;
    private readonly TimeProvider _clock;
    private readonly PrivacyOptions _options;
    private readonly NoiseKey _key;
    private readonly SegmentCache _cache;
    private readonly EpsilonLedger _ledger;
    private readonly PrivacyGate _gate;
    private readonly CompositeFinder _composites;
    private readonly CompositeCache _compositeCache;
    private readonly BoundModel _model;

    private InsightsService(InsightsStore store, DeviceRegistry registry, string dataFolder, TimeProvider clock, PrivacyOptions options, NoiseKey key, EpsilonLedger ledger, ScenarioModel model)
    {
        (_store, _registry, _clock, _options, _key, _ledger) = (store, registry, clock, options, key, ledger);
        _model = new BoundModel(model, FeatureCatalog.Names);
        Answers = new AnswerBook(store, registry, _model);
        _cache = new SegmentCache(store);
        _composites = new CompositeFinder(store, registry, dataFolder);
        _compositeCache = new CompositeCache(registry);
        _gate = new PrivacyGate(key, ledger, options);
    }

    /// <summary>Opens the service; noise.key and ledger.db are made in the folder when missing.</summary>
    /// <param name="store">Segments; stays the caller's.</param>
    /// <param name="registry">Devices, users, consent; stays the caller's.</param>
    /// <param name="dataFolder">The collector's folder; must exist.</param>
    /// <param name="options">The gate's settings.</param>
    /// <param name="clock">For consent and the rolling week.</param>
    /// <param name="model">The one that names segments; null = <see cref="ModelFile.Default"/>.</param>
    public static InsightsService Open(
        InsightsStore store, DeviceRegistry registry, string dataFolder, PrivacyOptions options, TimeProvider clock, ScenarioModel? model = null)
    {
        if (options.Threshold < 1) throw new RegistryException(RegistryError.Invalid, $"The release threshold is {options.Threshold}; 1 or more is expected (20 is the default).");
        NoiseKey key = NoiseKey.Open(Path.Combine(dataFolder, "noise.key"));
        return new InsightsService(store, registry, dataFolder, clock, options, key, EpsilonLedger.Open(Path.Combine(dataFolder, "ledger.db"), options.Budget, clock), model ?? ModelFile.Default);
    }

    /// <summary>What people say about their own time.</summary>
    public AnswerBook Answers { get; }

    /// <summary>Query.Release: an aggregate through the privacy gate.</summary>
    /// <exception cref="RegistryException">Invalid question, unknown recipient, or the budget does not allow it.</exception>
    public ReleaseTable Release(ReleaseRequest request)
    {
        ReleasedAggregate released = Release(ReleaseQuery.Parse(request, _options.DefaultEpsilon));
        ReleaseTable table = new()
        {
            Epsilon = released.Epsilon, EpsilonLeft = released.EpsilonLeft, Threshold = (uint)released.Threshold, NoisyThreshold = (uint)released.NoisyThreshold,
            ModelVersion = released.ModelVersion, Suppressed = (uint)released.Suppressed,
        };
        table.Columns.AddRange(released.Columns);
        table.Rows.AddRange(released.Rows.Select(row => new ReleaseRow { Group = { row.Group }, Value = row.Value, Error95 = row.Error95 }));
        return table;
    }

    /// <summary>An aggregate through the privacy gate.</summary>
    /// <exception cref="RegistryException">Unknown recipient, too many groups, a faulty composites.yaml, or the budget does not allow it.</exception>
    public ReleasedAggregate Release(ReleaseQuery query)
    {
        if (query.Recipient.Length > 0 && _registry.FindBrand(query.Recipient) is null)
        {
            throw new RegistryException(RegistryError.NotFound, $"There is no brand \"{query.Recipient}\" to receive a release. Leave the recipient empty for the operator's own analysts.");
        }

        SegmentColumns data = _cache.Current();
        if (query.IsOfComposites) data = _compositeCache.Of(data, _composites.Composites());
        CellSpace space = new(query, data, _registry);
        ContributionBound bound = ContributionBound.For(query, space);
        CohortFold fold = new(query, space, bound, data, _registry);
        ConsentPurpose purpose = query.Recipient.Length == 0 ? ConsentPurpose.Insights : ConsentPurpose.Partner;
        long now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (UserSegments user in data.Users.Values)
        {
            // Consent now, and for the time the samples are of: a withdrawal ends the use of what was given before.
            if (_registry.FindUser(user.User) is not { } record || !record.Consents.Holds(purpose, query.Recipient, now)) continue;
            fold.Add(user, record.UtcOffsetMinutes, record.Consents.Intervals(purpose, query.Recipient));
        }

        return _gate.Release(query, space, bound, fold.Sums(), string.Join(',', data.ModelVersions));
    }

    /// <summary>Query.Scenarios: a user's segments, or the composites in them, for the operator.</summary>
    /// <exception cref="RegistryException">NotFound: no such user. Invalid: the range or revision is none.</exception>
    public SegmentList Scenarios(ScenariosRequest request)
    {
        UserKey user = UserKey.Parse(request.User);
        if (_registry.FindUser(user) is not { } record) throw new RegistryException(RegistryError.NotFound, "There is no such user.");
        if (request.AsOfRevision < 0) throw new RegistryException(RegistryError.Invalid, $"as of revision {request.AsOfRevision}: 0 or more is expected.");
        (int from, int to) = MinutesOf(request.FromUnixMs, request.ToUnixMs);
        if (request.Composites)
        {
            if (request.AsOfRevision != 0) throw new RegistryException(RegistryError.Invalid, "Composites are found in what is known now; leave as of revision 0.");
            return new SegmentList { Segments = { _composites.Find(user, from, to, record.UtcOffsetMinutes).Select(stay => ToMessage(user, stay)) } };
        }

        return new SegmentList { Segments = { JoinDays(_store.Segments(user, from, to, request.AsOfRevision)).Select(ToMessage) } };
    }

    /// <summary>The segments of a user that touch [from, to) as they are stored, cut at midnight UTC: for whoever keeps a copy of the store.</summary>
    /// <param name="user">Whose; nothing is found of one who was erased.</param>
    /// <param name="fromMinute">Inclusive, minutes since 1970 UTC.</param>
    /// <param name="toMinute">Exclusive.</param>
    public IReadOnlyList<Segment> SegmentsOf(UserKey user, int fromMinute, int toMinute) => [.. _store.Segments(user, fromMinute, toMinute).Select(ToMessage)];

    /// <summary>Query.Explain: why an instant is named so, and what it were named without each device.</summary>
    /// <exception cref="RegistryException">NotFound: no such user. Invalid: the instant is none.</exception>
    public Explanation Explain(ExplainRequest request)
    {
        UserKey user = UserKey.Parse(request.User);
        if (_registry.FindUser(user) is not { } record) throw new RegistryException(RegistryError.NotFound, "There is no such user.");
        if (request.AtUnixMs is < 0 or > int.MaxValue * 60_000L) throw new RegistryException(RegistryError.Invalid, $"at is {request.AtUnixMs}; ms since 1970, 0 or more, are expected.");
        int minute = (int)(request.AtUnixMs / 60_000);
        if (_store.Segments(user, minute, minute + 1) is not [StoredSegment said, ..]) return new Explanation();

        Explanation explanation = new() { Segment = ToMessage(said) };
        if (said.Segment.ModelVersion == _model.Model.Version) explanation.CalibratedPeople = (uint)_model.Model.Calibration.People;
        ScenarioExplainer explainer = new(_store, _model);
        explanation.Values.AddRange(explainer.ValuesOf(user, said.Segment, said.Segment.Evidence.Select(evidence => evidence.Feature), record.UtcOffsetMinutes));
        foreach ((uint device, Telemetry.Scenarios.Segments.Segment? segment) in explainer.WithoutEach(user, minute, said.Segment.Devices, record.UtcOffsetMinutes, AnswerBook.Read(record, _model)))
        {
            WithoutDevice without = new() { Device = NameOf(device) };
            if (segment is not null) without.Segment = ToMessage(new StoredSegment(user, segment, 0));
            explanation.Without.Add(without);
        }

        return explanation;
    }

    /// <summary>Query.Shadow: what another model would name differently, over the minutes at rest; nothing is written.</summary>
    /// <exception cref="RegistryException">NotFound: no such user. Invalid: the range is none or too long, or the model is unsound; the text says how.</exception>
    public ShadowReport Shadow(ShadowRequest request)
    {
        UserKey user = UserKey.Parse(request.User);
        if (_registry.FindUser(user) is not { } record) throw new RegistryException(RegistryError.NotFound, "There is no such user.");
        (int from, int to) = MinutesOf(request.FromUnixMs, request.ToUnixMs);
        BoundModel shadow = ReadModel(request.Model.Span);

        ShadowReport report = new() { PresentVersion = _model.Model.Version, ShadowVersion = shadow.Model.Version };
        foreach ((int day, Telemetry.Scenarios.Segments.SegmentDiff diff) in new ShadowRun(_store, _model).Compare(record, shadow, from, to))
        {
            ShadowDay said = new() { StartUnixMs = day * 86_400_000L, Minutes = (uint)diff.Minutes };
            said.Changes.AddRange(diff.Changes.Select(change => new ShadowChange { Before = change.Before, After = change.After, Minutes = (uint)change.Minutes }));
            report.Days.Add(said);
        }

        return report;
    }

    // The whole minutes that touch [from, to) in ms; to = 0 is the end.
    private static (int From, int To) MinutesOf(long fromUnixMs, long toUnixMs)
    {
        if (fromUnixMs < 0 || toUnixMs < 0) throw new RegistryException(RegistryError.Invalid, $"from {fromUnixMs}, to {toUnixMs}: 0 or more is expected.");
        int from = (int)Math.Min(fromUnixMs / 60_000, int.MaxValue), to = toUnixMs == 0 ? int.MaxValue : (int)Math.Min((Math.Min(toUnixMs, long.MaxValue - 59_999) + 59_999) / 60_000, int.MaxValue);
        return (from, to);
    }

    private static BoundModel ReadModel(ReadOnlySpan<byte> json)
    {
        try
        {
            return new BoundModel(ModelFile.Read(json), FeatureCatalog.Names);
        }
        catch (InvalidDataException fault)
        {
            throw new RegistryException(RegistryError.Invalid, fault.Message);
        }
    }

    // The store cuts at midnight UTC; a night is one stay to whoever asks. A joined segment is as new as its newest part.
    private static IEnumerable<StoredSegment> JoinDays(IReadOnlyList<StoredSegment> stored)
    {
        int next = 0;
        foreach (Telemetry.Scenarios.Segments.Segment segment in Telemetry.Scenarios.Segments.SegmentList.Join(stored.Select(part => part.Segment)))
        {
            UserKey user = stored[next].User;
            long revision = 0;
            for (; next < stored.Count && stored[next].Segment.StartMinute < segment.EndMinute; next++) revision = Math.Max(revision, stored[next].Revision);
            yield return new StoredSegment(user, segment, revision);
        }
    }

    /// <summary>The name a brand knows a user by: always the same for one brand, and nothing that two brands could compare.</summary>
    /// <returns>16 characters of base 32: 80 bits of a keyed function of brand and user.</returns>
    public string PseudonymFor(string brand, UserKey user) => PartnerPseudonym.Of(_key, brand, user);

    /// <summary>Closes the ledger and the cache.</summary>
    public void Dispose()
    {
        _cache.Dispose();
        _ledger.Dispose();
    }

    private Segment ToMessage(StoredSegment stored)
    {
        Telemetry.Scenarios.Segments.Segment segment = stored.Segment;
        Segment message = new()
        {
            User = stored.User.Text, Scenario = segment.Scenario, StartUnixMs = segment.StartMinute * 60_000L, EndUnixMs = segment.EndMinute * 60_000L,
            Confidence = segment.Confidence, ModelVersion = segment.ModelVersion, Provisional = segment.IsProvisional, Revision = stored.Revision,
        };
        message.Evidence.AddRange(segment.Evidence.Select(evidence => new Evidence { Feature = evidence.Feature, Share = evidence.Share }));
        message.Devices.AddRange(segment.Devices.Select(NameOf));
        return message;
    }

    private Segment ToMessage(UserKey user, CompositeStay stay)
    {
        int minutes = stay.Segments.Sum(segment => segment.Minutes);
        Segment message = new()
        {
            User = user.Text, Scenario = stay.Composite.Name, StartUnixMs = stay.StartMinute * 60_000L, EndUnixMs = stay.EndMinute * 60_000L,
            Confidence = stay.Confidence, ModelVersion = stay.Segments[0].ModelVersion, Provisional = stay.Segments.Any(segment => segment.IsProvisional),
        };
        message.Evidence.AddRange(stay.Segments.Select(segment => new Evidence { Feature = segment.Scenario, Share = Math.Round((double)segment.Minutes / minutes, 3) }));
        message.Devices.AddRange(stay.Segments.SelectMany(segment => segment.Devices).Distinct().Order().Select(NameOf));
        return message;
    }

    private string NameOf(uint device) => _registry.FindDevice(device) is { } found ? $"{found.Brand}/{found.Device}" : $"{device}";
}
