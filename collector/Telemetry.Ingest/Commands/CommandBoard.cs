using System.Collections.Concurrent;

namespace Telemetry.Ingest.Commands;

/// <summary>Who wants to know when a device's Command changes, and the version it has then.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class CommandBoard(TimeProvider time)
{
    private readonly ConcurrentDictionary<uint, Watched> _watched = new();

    /// <summary>The version of orders that stood before anybody saw a Command of them here. Begins at the time, so versions grow across restarts without being kept.</summary>
    public uint FirstVersion { get; } = SecondsOf(time);

    /// <summary>The version of a device's Command now; 0 = it did not change while anybody watched. Read it before what the Command says: the same version then
    /// never comes with less than it came with.</summary>
    public uint VersionOf(uint deviceKey)
    {
        if (!_watched.TryGetValue(deviceKey, out Watched? watched)) return 0;
        lock (watched) return watched.Version;
    }

    /// <summary>Tells a device's sessions that its Command is another now.</summary>
    public void Notify(uint deviceKey)
    {
        if (!_watched.TryGetValue(deviceKey, out Watched? watched)) return; // nobody has seen a Command of it yet
        Action? listeners;
        lock (watched)
        {
            watched.Version = Math.Max(Math.Max(watched.Version, FirstVersion) + 1, SecondsOf(time));
            listeners = watched.Listeners;
        }

        listeners?.Invoke();
    }

    public IDisposable Listen(uint deviceKey, Action listener)
    {
        Watched watched = _watched.GetOrAdd(deviceKey, static _ => new Watched());
        lock (watched) watched.Listeners += listener;
        return new Subscription(watched, listener);
    }

    /// <summary>How to tell each device that somebody listens for, without a new version: what is told holds whatever the version.</summary>
    public IEnumerable<Action> Listeners()
    {
        foreach ((_, Watched watched) in _watched)
        {
            Action? listeners;
            lock (watched) listeners = watched.Listeners;
            if (listeners is not null) yield return listeners;
        }
    }

    private static uint SecondsOf(TimeProvider time) => (uint)time.GetUtcNow().ToUnixTimeSeconds();

    private sealed class Watched
    {
        public uint Version { get; set; }

        public Action? Listeners { get; set; }
    }

    private sealed class Subscription(Watched watched, Action listener) : IDisposable
    {
        public void Dispose()
        {
            lock (watched) watched.Listeners -= listener;
        }
    }
}
