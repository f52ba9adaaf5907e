namespace Telemetry.Simulator.People;

/// <summary>A small generator whose numbers depend on its seed alone, not on the runtime's version (SplitMix64).</summary>
/// <remarks>A struct: copies go their own way. Not for secrets.</remarks>
public struct SeededRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>A generator for one purpose of one thing: the same arguments give the same numbers, whatever was drawn elsewhere.</summary>
    public static SeededRandom For(ulong seed, ulong first, ulong second = 0, ulong third = 0) =>
        new(Mix(Mix(Mix(seed + 1) ^ (first + 2)) ^ (second + 3)) ^ Mix(third + 4));

    public ulong NextUInt64() => Mix(_state += 0x9E3779B97F4A7C15);

    /// <summary>Uniform in [0, 1).</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [least, most).</summary>
    public double Between(double least, double most) => least + ((most - least) * NextDouble());

    /// <summary>Uniform in [least, most].</summary>
    public int Between(int least, int most) => least + (int)(NextDouble() * (most - least + 1));

    public bool Chance(double probability) => NextDouble() < probability;

    /// <summary>Normal with mean 0 and deviation 1 (Box and Muller).</summary>
    public double Gaussian()
    {
        double radius = Math.Sqrt(-2 * Math.Log(1 - NextDouble()));
        return radius * Math.Cos(2 * Math.PI * NextDouble());
    }

    /// <summary>A count with this mean: whole part for certain, the fraction by chance, spread by a deviation.</summary>
    public int Count(double mean, double deviation = 0)
    {
        double value = Math.Max(0, mean + (deviation * Gaussian()));
        int whole = (int)value;
        return whole + (Chance(value - whole) ? 1 : 0);
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
