using Telemetry.Insights.Store;
using Telemetry.Registry;

namespace Telemetry.Collector.Derivation;

/// <summary>
/// The users whose minutes changed since their segments were said, and when it is worth saying them: once the log has gone on for a while without
/// them, once the oldest change has waited long enough, or when the log has nothing more to read. Measured by the log alone, never by a clock.
/// </summary>
internal sealed class UnnamedUsers(DerivationOptions options)
{
    private readonly Dictionary<UserKey, Change> _changes = [];

    /// <summary>Users that wait.</summary>
    public int Count => _changes.Count;

    /// <summary>Reads who waited when the process ended.</summary>
    public void Load(InsightsTransaction store)
    {
        _changes.Clear();
        foreach ((UserKey user, UserProgress progress) in UserProgress.Unnamed(store)) _changes[user] = new Change(progress.UnnamedSince, 0, progress.UnnamedSince);
    }

    /// <summary>Notes that records up to a position changed a user's minutes.</summary>
    /// <param name="user">Whose.</param>
    /// <param name="from">Position of the step's first record.</param>
    /// <param name="to">Position behind its last one.</param>
    /// <param name="receivedUnixMs">When that one was received.</param>
    public void Note(UserKey user, long from, long to, long receivedUnixMs) =>
        _changes[user] = _changes.TryGetValue(user, out Change before) ? before with { To = to } : new Change(from, receivedUnixMs, to);

    /// <summary>The segments of a user are said.</summary>
    public void Remove(UserKey user) => _changes.Remove(user);

    /// <summary>Position before which everything is in the segments, when the log is read up to <paramref name="read"/>.</summary>
    public long NamedUpTo(long read)
    {
        foreach (Change change in _changes.Values) read = Math.Min(read, change.From);
        return read;
    }

    /// <summary>The users worth naming now, at most <paramref name="most"/>.</summary>
    /// <param name="read">Position up to which the log is read.</param>
    /// <param name="receivedUnixMs">When the last record was received.</param>
    /// <param name="isIdle">The log has nothing more: everyone is due.</param>
    /// <param name="most">Bound of one step.</param>
    public List<UserKey> Due(long read, long receivedUnixMs, bool isIdle, int most)
    {
        long quietBefore = read - options.QuietBytes, changedBefore = receivedUnixMs - (long)options.NamingDelay.TotalMilliseconds;
        return [.. _changes.Where(one => isIdle || one.Value.To <= quietBefore || one.Value.ReceivedUnixMs <= changedBefore).Select(one => one.Key).Take(most)];
    }

    private readonly record struct Change(long From, long ReceivedUnixMs, long To);
}
