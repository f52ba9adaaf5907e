using System.Collections.Concurrent;
using Telemetry.Insights;
using Telemetry.Registry;
using Telemetry.Scenarios.Answers;
using Telemetry.Scenarios.Model;

namespace Telemetry.Collector.Derivation;

/// <summary>Bindings and consent as the registry holds them, cut to the times in which both hold. Cached by device until something of them changes.</summary>
public sealed class RegistryUsers : IConsentingUsers, IDisposable
{
    private readonly DeviceRegistry _registry;
    private readonly ConcurrentDictionary<uint, ConsentedRange[]> _ranges = new();

    /// <summary>Follows a registry; dispose to stop.</summary>
    public RegistryUsers(DeviceRegistry registry)
    {
        _registry = registry;
        _registry.Changed += Forget;
    }

    /// <inheritdoc/>
    public IReadOnlyList<ConsentedRange> RangesOf(uint deviceKey) => _ranges.GetOrAdd(deviceKey, Read);

    /// <inheritdoc/>
    public int? UtcOffsetOf(UserKey user) => _registry.FindUser(user)?.UtcOffsetMinutes;

    /// <inheritdoc/>
    public long AnswersVersion => _registry.AnswersVersion;

    /// <inheritdoc/>
    public event Action? Answered;

    /// <inheritdoc/>
    public IReadOnlyList<(UserKey User, int FromMinute)> AnsweredSince(long version) => _registry.AnsweredSince(version);

    /// <inheritdoc/>
    public PersonalAnswers AnswersOf(UserKey user, BoundModel model) => _registry.FindUser(user) is { } record ? AnswerBook.Read(record, model) : new PersonalAnswers(model, []);

    /// <inheritdoc/>
    public void TakeAnswer(uint deviceKey, int choice, long unixMs) => _registry.AnswerQuestion(deviceKey, choice, unixMs);

    public void Dispose() => _registry.Changed -= Forget;

    private ConsentedRange[] Read(uint deviceKey)
    {
        if (_registry.FindRecord(deviceKey) is not { } device) return [];
        List<ConsentedRange> ranges = [];
        foreach (DeviceBinding binding in device.Bindings)
        {
            if (_registry.FindUser(binding.User) is not { } user) continue;
            foreach ((long from, long to) in user.Consents.IntervalsOfDerivation(device.Description.Brand))
            {
                long first = Math.Max(from, binding.FromUnixMs), end = Math.Min(to, binding.ToUnixMs);
                if (first < end) ranges.Add(new ConsentedRange(user.User, first, end, user.UtcOffsetMinutes));
            }
        }

        return [.. ranges];
    }

    private void Forget(RegistryChange change)
    {
        if (change.Kind == RegistryChangeKind.Answer) Answered?.Invoke();
        if (change.Kind is RegistryChangeKind.Binding or RegistryChangeKind.Consent or RegistryChangeKind.UserErased or RegistryChangeKind.Device) _ranges.Clear();
    }
}
