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
    private readonly DecayingMean[] _memory; // by BoundModel.MemoryOf: of a mean its level, of a distance its level and then its spread

    public InputReader(BoundModel model)
    {
        _model = model;
        _memory = [.. model.Inputs.SelectMany(input => Enumerable.Repeat(new DecayingMean(Math.Max(1, input.Minutes)), input.Remembered))];
    }

    /// <summary>Bytes of what it remembers.</summary>
    public int StateBytes => _memory.Length * 16;

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
                int memory = _model.MemoryOf(i);
                _memory[memory].Add(minute, value);
                value = source.Kind == InputKind.Mean ? _memory[memory].Value : Relative(ref _memory[memory + 1], minute, value - _memory[memory].Value);
            }

            inputs[i] = value;
        }
    }

    /// <summary>Makes another reader of the same model remember the same.</summary>
    public void CopyTo(InputReader other) => _memory.CopyTo(other._memory, 0);

    private static float Relative(ref DecayingMean spread, int minute, float distance)
    {
        spread.Add(minute, Math.Abs(distance));
        return Math.Clamp(distance / (spread.Value + LeastSpread), -MostDeviations, MostDeviations);
    }
}
