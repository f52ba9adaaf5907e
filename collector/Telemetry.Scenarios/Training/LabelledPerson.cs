namespace Telemetry.Scenarios.Training;

/// <summary>What is known of one person in a labelled set: feature vectors by minute, and the truth where somebody wrote it down.</summary>
/// <param name="Name">As in the set; only for reports.</param>
/// <param name="Minutes">Whole minutes since 1970 UTC, ascending.</param>
/// <param name="Vectors">One a minute, in the order of <see cref="LabelledSet.BaseNames"/>; NaN = missing.</param>
/// <param name="Labels">One a minute: number of the scenario in <see cref="LabelledSet.Scenarios"/>, -1 = not known.</param>
/// <param name="Doubted">One a minute: true where what was measured contradicts the label. Such minutes are judged like all others, but nothing is learned from them; null = none.</param>
public sealed record LabelledPerson(string Name, int[] Minutes, float[][] Vectors, int[] Labels, bool[]? Doubted = null);

/// <summary>A labelled data set, read into minutes.</summary>
/// <param name="Name">Source, as on the command line.</param>
/// <param name="BaseNames">Names of the base features.</param>
/// <param name="Derived">By base feature: what a model may ask for as well, as suffixes of input names (<c>m20</c>, <c>z1440</c>; FEATURES.md); empty = nothing.</param>
/// <param name="Scenarios">Names of the labels.</param>
/// <param name="People">At least one.</param>
public sealed record LabelledSet(
    string Name, IReadOnlyList<string> BaseNames, IReadOnlyList<IReadOnlyList<string>> Derived, IReadOnlyList<string> Scenarios, IReadOnlyList<LabelledPerson> People)
{
    /// <summary>The set without a person, or with only some of them.</summary>
    public LabelledSet Only(Func<LabelledPerson, bool> keep) => this with { People = [.. People.Where(keep)] };
}
