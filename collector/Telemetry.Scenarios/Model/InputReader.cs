using Telemetry.Scenarios.Features;

namespace Telemetry.Scenarios.Model;

/// <summary>
/// Reads a model's inputs from base vectors, minute by minute, with what it remembers of each: decaying means, and how far values usually lie from them. It
/// looks back only, so that training, judging and streaming read the same numbers.
/// </summary>
/// <remarks>Not thread-safe. Allocates only when made.</remarks>
internal sealed class InputReader
{
    private const float MostDeviations = 20;
    private const float LeastSpread = 1e-3f;

    private readonly BoundModel _model;
    private readonly DecayingMean[] _levels, _spreads;

    public InputReader(BoundModel model)
    {
        _model = model;
        _levels = [.. model.Inputs.Select(input => new DecayingMean(Math.Max(1, input.Minutes)))];
        _spreads = [.. _levels];
    }

    /// <summary>Bytes of what it remembers.</summary>
    public int StateBytes => _model.Inputs.Sum(input => input.Kind switch { InputKind.Value => 0, InputKind.Mean => 16, _ => 32 });

    /// <summary>Reads the next minute.</summary>
    /// <param name="minute">Greater than the one before.</param>
    /// <param name="vector">Base features, NaN = missing; empty = nothing was measured.</param>
    /// <param name="inputs">One an input, filled.</param>
    public void Read(int minute, ReadOnlySpan<float> vector, Span<float> inputs)
    {
        for (int i = 0; i < inputs.Length; i++)
        {
            InputSource source = _model.Inputs[i];
            float value = source.Base < 0 || vector.IsEmpty ? float.NaN : vector[source.Base];
            if (source.Kind != InputKind.Value)
            {
                _levels[i].Add(minute, value);
                value = source.Kind == InputKind.Mean ? _levels[i].Value : Relative(i, minute, value - _levels[i].Value);
            }

            inputs[i] = value;
        }
    }

    /// <summary>Makes another reader of the same model remember the same.</summary>
    public void CopyTo(InputReader other)
    {
        _levels.CopyTo(other._levels, 0);
        _spreads.CopyTo(other._spreads, 0);
    }

    private float Relative(int input, int minute, float distance)
    {
        _spreads[input].Add(minute, Math.Abs(distance));
        float spread = _spreads[input].Value;
        return Math.Clamp(distance / (spread + LeastSpread), -MostDeviations, MostDeviations);
    }
}
