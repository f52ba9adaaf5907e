using Telemetry.Insights.Store;
using Telemetry.Registry;
using Telemetry.Scenarios.Model;
using Telemetry.Scenarios.Segments;

namespace Telemetry.Collector.Derivation;

/// <summary>
/// Keeps which model named the segments at rest. When another one takes over, every day of every user is noted to be named again, so that segments
/// never depend on when the model was switched. Noted in one transaction and worked off step by step; a crash in between forgets none.
/// </summary>
internal static class ModelSwitch
{
    private const string State = "model"; // of nobody: the model's fingerprint, 32 bytes, then the derivation's number

    // Grows when the same minutes and model make other segments. 2: segments know their place, and what the model does not listen to is no evidence; before, the number was not written.
    private const byte Derivation = 2;

    /// <summary>Notes all days when the store's segments are of another model, of one that nobody wrote down, or of an older derivation.</summary>
    /// <returns>Users whose days are noted; null when it is the same model and nothing was written.</returns>
    public static int? NoteIfOther(ScenarioModel model, IConsentingUsers users, InsightsTransaction store)
    {
        byte[] fingerprint = [.. ModelFile.Fingerprint(model), Derivation];
        if (store.GetState(State) is { } before && before.AsSpan().SequenceEqual(fingerprint)) return null;
        int noted = 0;
        foreach ((UserKey user, UserProgress progress) in UserProgress.All(store))
        {
            if (users.UtcOffsetOf(user) is not { } utcOffsetMinutes) continue; // being erased
            int first = progress.FirstMinute / DaySegmenter.MinutesPerDay, last = progress.LastMinute / DaySegmenter.MinutesPerDay;
            UserProgress again = progress with { UnnamedSince = 0, UtcOffsetMinutes = utcOffsetMinutes, UnnamedDays = [.. Enumerable.Range(first, last - first + 1)] };
            again.Write(store, user);
            noted++;
        }

        store.PutState(State, fingerprint);
        return noted;
    }
}
