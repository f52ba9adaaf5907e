namespace Telemetry.Scenarios.Features;

/// <summary>A mean that forgets: weight of a value falls by e every <c>timeConstantMinutes</c>. Two numbers of state; missing minutes only age it.</summary>
public struct DecayingMean(double timeConstantMinutes)
{
    // Below this the last value is about three time constants old: it says nothing any more.
    private const float LeastWeight = 0.05f;

    private readonly float _perMinute = (float)Math.Exp(-1 / timeConstantMinutes);
    private float _sum, _weight;
    private int _minute;

    /// <summary>The mean, or NaN before the first value and long after the last.</summary>
    public readonly float Value => _weight < LeastWeight ? float.NaN : _sum / _weight;

    /// <summary>Ages to <paramref name="minute"/> and takes in a value; NaN only ages.</summary>
    public void Add(int minute, float value)
    {
        int passed = minute - _minute;
        float decay = passed == 1 ? _perMinute : MathF.Pow(_perMinute, passed);
        _minute = minute;
        _sum *= decay;
        _weight *= decay;
        if (float.IsNaN(value)) return;
        _sum += value;
        _weight += 1;
    }
}
