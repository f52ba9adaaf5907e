namespace Telemetry.Insights.Releases;

/// <summary>
/// An aggregate that passed the privacy gate; nothing else leaves for an analyst or a brand. Only the gate can make one: its constructor is
/// internal to this assembly, so the compiler keeps that promise.
/// </summary>
public sealed class ReleasedAggregate
{
    internal ReleasedAggregate(
        IReadOnlyList<string> columns, IReadOnlyList<ReleasedRow> rows, double epsilon, double epsilonLeft, int threshold, int noisyThreshold, string modelVersion, int suppressed)
    {
        (Columns, Rows, Epsilon, EpsilonLeft, Threshold, NoisyThreshold, ModelVersion, Suppressed) =
            (columns, rows, epsilon, epsilonLeft, threshold, noisyThreshold, modelVersion, suppressed);
    }

    /// <summary>Names of the group's columns.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>The groups that passed the threshold, in the order of their keys.</summary>
    public IReadOnlyList<ReleasedRow> Rows { get; }

    /// <summary>What this release cost.</summary>
    public double Epsilon { get; }

    /// <summary>What the recipient may still spend on these weeks of data now.</summary>
    public double EpsilonLeft { get; }

    /// <summary>Least users behind a released group.</summary>
    public int Threshold { get; }

    /// <summary>What a group's noisy count of users had to reach: the threshold and the margin of the count's own noise.</summary>
    public int NoisyThreshold { get; }

    /// <summary>Versions of the scenario models behind it, comma-separated.</summary>
    public string ModelVersion { get; }

    /// <summary>Groups held back by the threshold, among all that the question could have (also those nobody is in).</summary>
    public int Suppressed { get; }
}

/// <summary>One released group.</summary>
/// <param name="Group">Values of the columns.</param>
/// <param name="Value">The noisy value, rounded, never below 0.</param>
/// <param name="Error95">Half the width of the 95 % interval of noise and rounding around <paramref name="Value"/>.</param>
public sealed record ReleasedRow(IReadOnlyList<string> Group, double Value, double Error95);
