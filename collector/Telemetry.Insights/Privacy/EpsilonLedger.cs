using System.Globalization;
using Microsoft.Data.Sqlite;
using Telemetry.Registry;
using Telemetry.Registry.Storage;

namespace Telemetry.Insights.Privacy;

/// <summary>How much may be spent on the data of one week of a population, for one recipient.</summary>
/// <param name="RollingWeek">Epsilon within any 7 days of asking.</param>
/// <param name="Lifetime">Epsilon ever: what a user-week's protection adds up to.</param>
public sealed record PrivacyBudget(double RollingWeek = 16, double Lifetime = 64);

/// <summary>What one release spends.</summary>
/// <param name="Digest">Names the release: the same query over the same data has the same digest and costs once.</param>
/// <param name="Population">Whose data: "insights", or "partner/BRAND".</param>
/// <param name="Recipient">Who gets it; empty = the operator's analysts.</param>
/// <param name="FirstWeek">First week of data touched (local weeks from Monday, 0 = that of 1969-12-29).</param>
/// <param name="LastWeek">Last week of data touched.</param>
/// <param name="EpsilonMilli">Thousandths of epsilon.</param>
internal sealed record Spending(byte[] Digest, string Population, string Recipient, int FirstWeek, int LastWeek, int EpsilonMilli);

/// <summary>The record of what was spent. A release is written here, and flushed, before anybody sees it.</summary>
/// <remarks>Thread-safe. Holds nothing about any user.</remarks>
public sealed class EpsilonLedger : IDisposable
{
    private static readonly string[] s_migrations =
    [
        """
        CREATE TABLE spent(
          digest BLOB PRIMARY KEY, unix_ms INTEGER NOT NULL, population TEXT NOT NULL, recipient TEXT NOT NULL,
          first_week INTEGER NOT NULL, last_week INTEGER NOT NULL, epsilon_milli INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX spent_by_recipient ON spent(population, recipient, last_week);
        """,
    ];

    private readonly Lock _lock = new();
    private readonly SqliteConnection _connection;
    private readonly PrivacyBudget _budget;
    private readonly TimeProvider _clock;

    private EpsilonLedger(string path, PrivacyBudget budget, TimeProvider clock)
    {
        // FULL: what was released is out for good, so its price must survive a power cut.
        (_connection, _budget, _clock) = (SqliteFile.Open(path, "FULL", s_migrations), budget, clock);
    }

    /// <summary>Opens or creates the file; its folder must exist.</summary>
    public static EpsilonLedger Open(string path, PrivacyBudget budget, TimeProvider clock) => new(path, budget, clock);

    /// <summary>Pays for a release, or refuses it. A release that was paid for is free again.</summary>
    /// <returns>Epsilon left for this recipient on the most spent of these weeks of data, now.</returns>
    /// <exception cref="RegistryException">Forbidden: the budget does not allow it.</exception>
    internal double Spend(Spending spending)
    {
        lock (_lock)
        {
            if (Number("SELECT count(*) FROM spent WHERE digest = ?1", spending.Digest) > 0) return Left(spending).Least;
            (double rolling, double lifetime, double least) = Left(spending);
            double epsilon = spending.EpsilonMilli / 1000.0;
            if (epsilon > least + 1e-9)
            {
                string which = rolling <= lifetime ? $"within 7 days ({rolling:0.###} of {_budget.RollingWeek:0.###} left)" : $"ever ({lifetime:0.###} of {_budget.Lifetime:0.###} left)";
                throw new RegistryException(
                    RegistryError.Forbidden,
                    string.Create(CultureInfo.InvariantCulture, $"The release costs epsilon {epsilon:0.###}; the privacy budget of these weeks of data does not allow that {which}. Ask again later, for other weeks, or with a smaller epsilon."));
            }

            using Statement insert = new(_connection, "INSERT INTO spent VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)", 7);
            insert.Run(spending.Digest, Now(), spending.Population, spending.Recipient, (long)spending.FirstWeek, (long)spending.LastWeek, (long)spending.EpsilonMilli);
            return least - epsilon;
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _connection.Dispose();

    private (double Rolling, double Lifetime, double Least) Left(Spending spending)
    {
        double rolling = _budget.RollingWeek - MostSpent(spending, Now() - (long)TimeSpan.FromDays(7).TotalMilliseconds);
        double lifetime = _budget.Lifetime - MostSpent(spending, 0);
        return (rolling, lifetime, Math.Max(0, Math.Min(rolling, lifetime)));
    }

    // The sum over releases that touch a week changes only where a release's weeks begin, so only those weeks need a look.
    private double MostSpent(Spending spending, long sinceUnixMs) => Number(
        """
        WITH touching AS (
          SELECT first_week, last_week, epsilon_milli FROM spent
          WHERE population = ?1 AND recipient = ?2 AND last_week >= ?3 AND first_week <= ?4 AND unix_ms >= ?5)
        SELECT coalesce(max(total), 0) FROM (
          SELECT (SELECT sum(t.epsilon_milli) FROM touching t WHERE t.first_week <= w.week AND t.last_week >= w.week) AS total
          FROM (SELECT max(first_week, ?3) AS week FROM touching) w)
        """,
        spending.Population, spending.Recipient, (long)spending.FirstWeek, (long)spending.LastWeek, sinceUnixMs) / 1000.0;

    private long Now() => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    private long Number(string sql, params ReadOnlySpan<object?> values)
    {
        using Statement statement = new(_connection, sql, values.Length);
        return Convert.ToInt64(statement.Scalar(values), CultureInfo.InvariantCulture);
    }
}
