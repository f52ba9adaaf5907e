using System.Globalization;

namespace Telemetry.Influx.Delivery;

/// <summary>The process that answers for a server, as far as it shows itself.</summary>
/// <param name="Kind">What it calls itself.</param>
/// <param name="Start">Of VictoriaMetrics the second of its start, of InfluxDB 1 the nanosecond, as it says; else empty.</param>
/// <param name="Age">Of VictoriaMetrics: the whole seconds it has run since, by a clock that nobody sets; null when it does not say.</param>
internal sealed record ServerProcess(ServerKind Kind, string Start, TimeSpan? Age)
{
    private const string Product = "vm_app_version", StartMetric = "\nvm_app_start_timestamp ", AgeMetric = "\nvm_app_uptime_seconds ";

    // Two processes may start within one second. Behind it none can take that second for its own any more; the other second is for a clock that is being slewed.
    private static readonly TimeSpan SettledAge = TimeSpan.FromSeconds(2);

    // An age may be short by a second of rounding, by a second for which newer versions show the same page again, and by a second of two clocks that drift.
    private static readonly TimeSpan AgeTolerance = TimeSpan.FromSeconds(3);

    /// <summary>A server that answers once it has flushed, or that says nothing of itself.</summary>
    public static ServerProcess Other { get; } = new(ServerKind.Other, "", null);

    /// <summary>Of InfluxDB 1: what it holds that is in no data file yet.</summary>
    public IReadOnlyList<ShardCache> Caches { get; private init; } = [];

    /// <summary>True once no later process can look like this one. Of a younger one nothing is known: it may be killed, and the next one started, within the second that it shows.</summary>
    public bool IsToldApart => Age is not { } age || age >= SettledAge;

    /// <summary>By what VictoriaMetrics shows under <c>/metrics</c>.</summary>
    /// <returns>Null when it is another server's page.</returns>
    public static ServerProcess? OfMetrics(string metrics)
    {
        if (!metrics.Contains(Product, StringComparison.Ordinal)) return null;
        bool hasAge = long.TryParse(Value(metrics, AgeMetric), NumberStyles.None, CultureInfo.InvariantCulture, out long seconds) && seconds <= int.MaxValue;
        return new ServerProcess(ServerKind.VictoriaMetrics, Value(metrics, StartMetric), hasAge ? TimeSpan.FromSeconds(seconds) : null);
    }

    /// <summary>By what InfluxDB 1 shows under <c>/debug/vars</c>.</summary>
    /// <returns>Null when it is another server's page.</returns>
    public static ServerProcess? OfVars(ReadOnlyMemory<byte> page, string database) =>
        ShardCache.TryRead(page, database, out string started, out IReadOnlyList<ShardCache> caches) ? new ServerProcess(ServerKind.InfluxDb1, started, null) { Caches = caches } : null;

    /// <summary>True when this process may have given an earlier answer too: it started in the same second, and has grown older meanwhile by the time that passed. The second alone
    /// would not do where a clock is set back, as at each start of a machine that has none for when it is off.</summary>
    /// <param name="earlier">What was answered then.</param>
    /// <param name="passed">Time between that answer and the question for this one.</param>
    public bool Continues(ServerProcess earlier, TimeSpan passed) =>
        Kind == earlier.Kind && Start == earlier.Start && !(Age + AgeTolerance < earlier.Age + passed);

    private static string Value(string metrics, string name)
    {
        int at = metrics.IndexOf(name, StringComparison.Ordinal);
        return at < 0 ? "" : metrics[(at + name.Length)..].Split('\n', 2)[0].Trim();
    }
}

/// <summary>How a server keeps what it said yes to.</summary>
internal enum ServerKind
{
    /// <summary>It is taken at its word: InfluxDB 2 and 3, and a server that says nothing of itself.</summary>
    Other,

    /// <summary>Forgets its last seconds when it is killed.</summary>
    VictoriaMetrics,

    /// <summary>Flushes before it answers, and may lose that all the same when it is killed twice.</summary>
    InfluxDb1,
}
