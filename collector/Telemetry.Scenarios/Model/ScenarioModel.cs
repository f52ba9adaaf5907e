using System.Text.Json.Serialization;

namespace Telemetry.Scenarios.Model;

/// <summary>
/// A scenario model as it stands in its file: readable JSON, at most <see cref="ModelFile.MaxBytes"/>. A minute's score of a scenario is its bias
/// plus what each term and tree says: log-odds that add up, so every answer can be taken apart again (MODEL.md).
/// </summary>
public sealed record ScenarioModel
{
    /// <summary>Layout of the file; 1.</summary>
    public required int Format { get; init; }

    /// <summary>Stands in every segment the model makes.</summary>
    public required string Version { get; init; }

    /// <summary>What it was made from, for people.</summary>
    public required string About { get; init; }

    /// <summary>How far a minute's log-odds count, 0..3. Below 1 because neighbouring minutes repeat each other's evidence; above 1 where the trees were shrunk more than that.</summary>
    public required double EmissionWeight { get; init; }

    /// <summary>Least likelihood of a scenario relative to the best one in a minute, so that one odd minute cannot rule it out.</summary>
    public required double EmissionFloor { get; init; }

    /// <summary>Below this confidence a minute is <c>unknown</c>, 0..1.</summary>
    public required double AbstainBelow { get; init; }

    /// <summary>The scenarios, in the order of every list of scores.</summary>
    public required IReadOnlyList<ScenarioShape> Scenarios { get; init; }

    /// <summary>Features the terms and trees read: a base name, <c>name.m15</c> for its decaying mean over 15 minutes, or <c>name.z1440</c> for how unusual it is for this person.</summary>
    public required IReadOnlyList<string> Inputs { get; init; }

    /// <summary>Binned log-odds of one input each.</summary>
    public required IReadOnlyList<BinnedTerm> Terms { get; init; }

    /// <summary>Small trees for what single inputs cannot say.</summary>
    public required IReadOnlyList<SmallTree> Trees { get; init; }

    /// <summary>Chance to go from one scenario (row) to another (column) when it is left; rows add up to 1 with 0 on the diagonal. Null: by prior.</summary>
    public IReadOnlyList<IReadOnlyList<double>>? Next { get; init; }

    /// <summary>What everybody's minutes say, for levelling each person's; null = nobody is levelled.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public UsualShares? Usual { get; init; }

    /// <summary>From what speaks for the named scenario to the share of such minutes that are right.</summary>
    public required Calibration Calibration { get; init; }
}

/// <summary>How long and how often a scenario lasts.</summary>
/// <param name="Name">As in segments.</param>
/// <param name="Prior">Share of all minutes, greater than 0.</param>
/// <param name="MinMinutes">Shortest stay, 1..8: shorter ones are taken for noise.</param>
/// <param name="TypicalMinutes">Ordinary stay; not less than <paramref name="MinMinutes"/>. The chain takes it for the mean.</param>
/// <param name="Bias">Added to the score of every minute.</param>
/// <param name="Vote">Factor on the probability when the scenario of a minute is chosen; 1 = the most probable wins.</param>
/// <param name="SeenBy">
/// Features that can see it, without suffixes: it is named only where one of them was heard. What else is measured may colour the choice between scenarios that were seen, and carries
/// none by itself. Null = whatever the model reads, the hour and the place apart.
/// </param>
public sealed record ScenarioShape(
    string Name, double Prior, int MinMinutes, double TypicalMinutes, double Bias = 0, double Vote = 1,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? SeenBy = null);

/// <summary>Log-odds by the bin of one input. Missing gives none.</summary>
/// <param name="Input">Name, one of the model's inputs.</param>
/// <param name="Edges">Ascending; bin i holds values below edge i and not below edge i-1.</param>
/// <param name="LogOdds">By scenario name: one value a bin, edges + 1. Scenarios not named get 0 in every bin.</param>
public sealed record BinnedTerm(string Input, IReadOnlyList<double> Edges, IReadOnlyDictionary<string, IReadOnlyList<double>> LogOdds);

/// <summary>A complete binary tree for one scenario, in heap order: children of node i are 2i+1 and 2i+2.</summary>
/// <param name="Scenario">Number in the model's list.</param>
/// <param name="Inputs">By inner node: number of the input; -1 = always left.</param>
/// <param name="Below">By inner node: left when the input is below.</param>
/// <param name="MissingRight">By inner node: 1 when a missing input goes right.</param>
/// <param name="Leaves">Log-odds by leaf, inner nodes + 1.</param>
public sealed record SmallTree(
    int Scenario, IReadOnlyList<int> Inputs, IReadOnlyList<double> Below, IReadOnlyList<int> MissingRight, IReadOnlyList<double> Leaves);

/// <summary>What the minutes of people say of each scenario on the whole. A person's own minutes are held against it, and scores are levelled by what they say more or less.</summary>
/// <param name="Minutes">Time constant of the mean of the person's own minutes, 1..10,080; the day and its warm-up are all it can look back on.</param>
/// <param name="Weight">How much of the difference, in log-odds, is taken away, 0..1; at most that many log-odds.</param>
/// <param name="Share">Mean share of the evidence, one a scenario, 0..1.</param>
public sealed record UsualShares(int Minutes, double Weight, IReadOnlyList<double> Share);

/// <summary>A rising line of points (probability, confidence), joined straight.</summary>
/// <param name="Probability">Not falling, 0..1.</param>
/// <param name="Confidence">Not falling, 0..1; as many.</param>
/// <param name="Evidence">
/// Which probability, 0..1. 0: the filter's own, which neighbouring minutes drive to nearly 1 by repeating each other. 1: the scenario's share of the evidence itself, half of this
/// minute and half the mean of the six minutes at hand, each taken by itself. Between: that much of the second and the rest of the first.
/// </param>
/// <param name="People">Held-out people (in homes: days) the line was fitted on; 0 = it was set by hand and is no more than a careful guess.</param>
public sealed record Calibration(
    IReadOnlyList<double> Probability, IReadOnlyList<double> Confidence, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] double Evidence = 0,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int People = 0)
{
    /// <summary>Confidence for a probability.</summary>
    public double Map(double probability)
    {
        int above = 0;
        while (above < Probability.Count && Probability[above] < probability) above++;
        if (above == 0) return Confidence[0];
        if (above == Probability.Count) return Confidence[^1];
        double span = Probability[above] - Probability[above - 1];
        double share = span <= 0 ? 1 : (probability - Probability[above - 1]) / span;
        return Confidence[above - 1] + (share * (Confidence[above] - Confidence[above - 1]));
    }
}
