using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Telemetry.Insights.Releases;
using Telemetry.Scenarios.Composites;

namespace Telemetry.Insights.Privacy;

/// <summary>The gate's settings.</summary>
/// <param name="Threshold">Least users behind a released group (k).</param>
/// <param name="DefaultEpsilon">For a request that names none.</param>
/// <param name="Budget">What may be spent.</param>
public sealed record PrivacyOptions(int Threshold, double DefaultEpsilon, PrivacyBudget Budget)
{
    /// <summary>k = 20, epsilon 2 a release, 16 a rolling week, 64 ever.</summary>
    public static PrivacyOptions Default { get; } = new(20, 2, new PrivacyBudget());
}

/// <summary>
/// Turns bounded sums into a release: noise first, threshold on the noisy count, rounding last; paid from the ledger before anybody sees it.
/// The unit that is hidden is a user-week: with or without any one week of any one user, every answer is nearly as likely (factor e^epsilon).
/// </summary>
internal sealed class PrivacyGate(NoiseKey key, EpsilonLedger ledger, PrivacyOptions options)
{
    // Of epsilon, what the count of users behind each group gets; the value gets the rest.
    private const int CountShare = 3;

    // How likely any group of a release passes by luck of the noise with nobody in it.
    private const double LuckyPass = 0.02;

    /// <summary>Releases what may be released.</summary>
    /// <exception cref="Telemetry.Registry.RegistryException">Forbidden: the budget does not allow it.</exception>
    public ReleasedAggregate Release(ReleaseQuery query, CellSpace space, ContributionBound bound, BoundedSums sums, string modelVersion)
    {
        byte[] digest = Digest(query, space, sums);
        string population = query.Recipient.Length == 0 ? "insights" : $"partner/{query.Recipient}";
        bool hasData = sums.FirstWeek <= sums.LastWeek;
        double left = ledger.Spend(new Spending(
            digest, population, query.Recipient, hasData ? sums.FirstWeek : 0, hasData ? sums.LastWeek : 0, query.EpsilonMilli));

        (List<ReleasedRow> rows, int suppressed, int noisyThreshold) = Draw(query, space, bound, sums, options.Threshold, digest);
        return new ReleasedAggregate(
            [.. query.GroupBy.Select(group => group.ToString().ToLowerInvariant())], rows, query.EpsilonMilli / 1000.0, left, options.Threshold, noisyThreshold, modelVersion, suppressed);
    }

    /// <summary>Adds the noise that a seed determines, and holds back what does not reach the threshold.</summary>
    internal static (List<ReleasedRow> Rows, int Suppressed, int NoisyThreshold) Draw(
        ReleaseQuery query, CellSpace space, ContributionBound bound, BoundedSums sums, int threshold, byte[] seed)
    {
        bool isCount = query.Measure == Measure.Users;
        int countMilli = isCount ? query.EpsilonMilli : Math.Max(1, query.EpsilonMilli / CountShare), valueMilli = Math.Max(1, query.EpsilonMilli - countMilli);
        DiscreteLaplace countNoise = new((ulong)bound.Cells * 1000, (ulong)countMilli);
        int[] asked = [.. Enumerable.Range(0, space.Count).Where(space.IsAsked)];
        // Each group gets its share of the luck; the quantile is of both sides, luck has one.
        int noisyThreshold = checked(threshold + (int)countNoise.Quantile(2 * LuckyPass / Math.Max(1, asked.Length)));

        // One stream for all groups in order: what a group draws depends on the release alone.
        NoiseStream random = new(seed);
        List<ReleasedRow> rows = [];
        foreach (int cell in asked)
        {
            long users = sums.Users[cell] + countNoise.Sample(random);
            DiscreteLaplace valueNoise = isCount ? countNoise : new((ulong)bound.Weighted * (ulong)bound.Weights[cell], (ulong)valueMilli);
            long value = isCount ? users : sums.Values[cell] + valueNoise.Sample(random);
            if (users >= noisyThreshold) rows.Add(Round(space.Names(cell), value, valueNoise.Error95));
        }

        return (rows, asked.Length - rows.Count, noisyThreshold);
    }

    // Digits that the noise has made meaningless are not shown.
    private static ReleasedRow Round(string[] group, long value, long error95)
    {
        long step = 1;
        while (step * 10 <= error95 / 2) step *= 10;
        return new ReleasedRow(group, Math.Max(0, (long)Math.Round(value / (double)step) * step), error95 + step / 2);
    }

    // Another pattern under the same name is another question.
    private static string Definitions(CellSpace space) => space.Composites() is { Count: > 0 } composites ? $"|{CompositeFile.Fingerprint(composites.Values)}" : "";

    // Keyed, so that nobody without the key learns from it; over query and sums, so that the same question over the same data is the same release.
    private byte[] Digest(ReleaseQuery query, CellSpace space, BoundedSums sums)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"release 1|{query.Canonical()}|{options.Threshold}|{sums.FirstWeek}|{sums.LastWeek}|{space.Count}{Definitions(space)}\n"));
        Span<byte> number = stackalloc byte[sizeof(long)];
        foreach (long[] column in (long[][])[sums.Values, sums.Users])
        {
            foreach (long value in column)
            {
                BinaryPrimitives.WriteInt64LittleEndian(number, value);
                hash.AppendData(number);
            }
        }

        return key.Derive(hash.GetHashAndReset());
    }
}
