using Telemetry.Scenarios.Features;

namespace Telemetry.Scenarios.Model;

/// <summary>
/// Holds what this person's minutes say of each scenario against what everybody's say (<see cref="UsualShares"/>). Who carries, wears or charges devices in a way that looks like
/// one scenario would be taken for it all day; so a scenario that gets more than usual counts less in each minute, and one that gets less counts more.
/// </summary>
/// <remarks>Looks back only, so that training, judging and streaming level alike. Not thread-safe. Allocates only when made.</remarks>
internal sealed class OwnLevel
{
    private const double Least = 0.05; // added to both shares, so that a scenario that is always rare is not moved by nothing
    private const double MostLog = 1;

    private readonly UsualShares? _usual;
    private readonly DecayingMean[] _own;
    private readonly float[] _shares;

    public OwnLevel(BoundModel model)
    {
        _usual = model.Model.Usual;
        _own = _usual is null ? [] : [.. model.Names.Select(_ => new DecayingMean(_usual.Minutes))];
        _shares = new float[_own.Length];
    }

    /// <summary>Bytes of what it remembers.</summary>
    public int StateBytes => _own.Length * 16;

    /// <summary>Levels the scores of the next minute that holds evidence by what the minutes before it said, and remembers what it says itself.</summary>
    /// <param name="minute">Greater than the one before.</param>
    /// <param name="scores">Log-odds of every scenario; changed.</param>
    public void Apply(int minute, Span<float> scores)
    {
        if (_usual is null) return;
        Shares(scores, _shares);
        for (int k = 0; k < _own.Length; k++)
        {
            double own = float.IsNaN(_own[k].Value) ? _usual.Share[k] : _own[k].Value;
            scores[k] -= (float)(_usual.Weight * Math.Clamp(Math.Log((own + Least) / (_usual.Share[k] + Least)), -MostLog, MostLog));
            _own[k].Add(minute, _shares[k]);
        }
    }

    /// <summary>Makes another level of the same model remember the same.</summary>
    public void CopyTo(OwnLevel other) => _own.CopyTo(other._own, 0);

    /// <summary>What part of the evidence each scenario has, from log-odds.</summary>
    public static void Shares(ReadOnlySpan<float> scores, Span<float> shares)
    {
        float best = float.NegativeInfinity, sum = 0;
        foreach (float score in scores) best = Math.Max(best, score);
        for (int k = 0; k < shares.Length; k++) sum += shares[k] = MathF.Exp(scores[k] - best);
        for (int k = 0; k < shares.Length; k++) shares[k] /= sum;
    }
}
