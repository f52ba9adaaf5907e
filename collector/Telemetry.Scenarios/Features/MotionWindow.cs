namespace Telemetry.Scenarios.Features;

/// <summary>
/// Activity features of a short window of raw accelerometer samples, in integers only: what a wristband or shoe can compute as it samples, and send instead of
/// raw motion. Plain arithmetic without allocation after construction, so the same steps fit a small chip.
/// </summary>
/// <remarks>Values are in hundredths of m/s2; a window holds at most 256 samples, so sums stay below 2^31.</remarks>
public sealed class MotionWindow
{
    /// <summary>Features of a window.</summary>
    public const int FeatureCount = (Axes * PerAxis) + 5;

    private const int Axes = 4; // x, y, z, magnitude
    private const int PerAxis = 7;
    private const int LeastLag = 5, MostLag = 30; // at 20 Hz: 0.25 to 1.5 s, 40 to 240 steps a minute

    private readonly int[][] _samples;
    private int _count;

    /// <summary>A window of so many samples, 32..256.</summary>
    public MotionWindow(int samples)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 32);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(samples, 256);
        _samples = [new int[samples], new int[samples], new int[samples], new int[samples]];
    }

    /// <summary>Names in the order of <see cref="Read"/>.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. new[] { "x", "y", "z", "m" }.SelectMany(axis => new[] { "mean", "dev", "diff", "low", "high", "cross", "energy" }.Select(part => $"acc_{axis}_{part}")),
        "acc_period", "acc_rhythm", "acc_half_rhythm", "acc_xy", "acc_yz",
    ];

    /// <summary>True when the window is full and can be read.</summary>
    public bool IsFull => _count == _samples[0].Length;

    /// <summary>Adds a sample, hundredths of m/s2, each at most 4,000 in size.</summary>
    public void Add(int x, int y, int z)
    {
        if (IsFull) throw new InvalidOperationException("The window is full; read and clear it first.");
        _samples[0][_count] = x;
        _samples[1][_count] = y;
        _samples[2][_count] = z;
        _samples[3][_count] = SquareRoot((x * x) + (y * y) + (z * z));
        _count++;
    }

    /// <summary>Begins anew.</summary>
    public void Clear() => _count = 0;

    /// <summary>Reads the features of a full window.</summary>
    /// <param name="features"><see cref="FeatureCount"/> values.</param>
    public void Read(Span<int> features)
    {
        for (int axis = 0; axis < Axes; axis++) ReadAxis(_samples[axis], features.Slice(axis * PerAxis, PerAxis));
        Span<int> rest = features[(Axes * PerAxis)..];
        (rest[0], rest[1], rest[2]) = Rhythm(_samples[3], features[3 * PerAxis]);
        rest[3] = Together(_samples[0], features[0], _samples[1], features[PerAxis]);
        rest[4] = Together(_samples[1], features[PerAxis], _samples[2], features[2 * PerAxis]);
    }

    private static void ReadAxis(int[] samples, Span<int> features)
    {
        int sum = 0, difference = 0;
        for (int i = 0; i < samples.Length; i++)
        {
            sum += samples[i];
            if (i > 0) difference += Math.Abs(samples[i] - samples[i - 1]);
        }

        int mean = sum / samples.Length, deviation = 0, crossings = 0, low = int.MaxValue, high = int.MinValue;
        long energy = 0;
        for (int i = 0; i < samples.Length; i++)
        {
            int centred = samples[i] - mean;
            deviation += Math.Abs(centred);
            energy += (long)centred * centred;
            if (i > 0 && (centred >= 0) != (samples[i - 1] - mean >= 0)) crossings++;
            low = Math.Min(low, samples[i]);
            high = Math.Max(high, samples[i]);
        }

        features[0] = mean;
        features[1] = deviation / samples.Length;
        features[2] = difference / (samples.Length - 1);
        features[3] = low;
        features[4] = high;
        features[5] = crossings;
        features[6] = SquareRoot((int)Math.Min(int.MaxValue, energy / samples.Length));
    }

    // The lag at which the magnitude repeats best, how well (thousandths), and how well at half of it (a limp tells stairs).
    private static (int Lag, int Strength, int HalfStrength) Rhythm(int[] samples, int mean)
    {
        int bestLag = 0, best = -1000;
        for (int lag = LeastLag; lag <= MostLag; lag++)
        {
            int strength = Correlation(samples, mean, lag);
            if (strength > best) (bestLag, best) = (lag, strength);
        }

        return (bestLag, best, Correlation(samples, mean, Math.Max(1, bestLag / 2)));
    }

    private static int Correlation(int[] samples, int mean, int lag)
    {
        long product = 0, power = 1;
        for (int i = lag; i < samples.Length; i++)
        {
            int now = samples[i] - mean, before = samples[i - lag] - mean;
            product += (long)now * before;
            power += ((long)now * now) + ((long)before * before);
        }

        return (int)(2000 * product / power);
    }

    private static int Together(int[] one, int oneMean, int[] other, int otherMean)
    {
        long product = 0, power = 1;
        for (int i = 0; i < one.Length; i++)
        {
            int a = one[i] - oneMean, b = other[i] - otherMean;
            product += (long)a * b;
            power += ((long)a * a) + ((long)b * b);
        }

        return (int)(2000 * product / power);
    }

    private static int SquareRoot(int value)
    {
        int root = 0;
        for (int bit = 1 << 15; bit > 0; bit >>= 1)
        {
            int tried = root + bit;
            if (tried <= 46_340 && tried * tried <= value) root = tried; // 46,340^2 is the last square below 2^31
        }

        return root;
    }
}
