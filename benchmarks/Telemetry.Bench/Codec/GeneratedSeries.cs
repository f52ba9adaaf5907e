namespace Telemetry.Bench.Codec;

/// <summary>
/// Rows of one column, drawn from a seed: a shape of values, times with gaps and clock steps, sometimes a quality mask. The buffers are reused.
/// </summary>
internal sealed class GeneratedSeries
{
    /// <summary>Most rows of a series.</summary>
    public const int MaxRows = 96;

    private const long MaxTimeMs = 1L << 48; // WIRE.md, "Limits"
    private const int Kinds = 3;
    private ulong _state;

    /// <summary>Shapes of values, by <see cref="Shape"/>.</summary>
    public static readonly string[] Shapes = ["constant", "ramp", "alternating", "spikes", "noise", "walk", "extremes", "swaps", "reals and specials"];

    /// <summary>Kind of the column: 0 integer, 1 wide, 2 real (WIRE.md, "Block").</summary>
    public byte Kind { get; private set; }

    /// <summary>Index in <see cref="Shapes"/>.</summary>
    public int Shape { get; private set; }

    /// <summary>Rows, 0..<see cref="MaxRows"/>.</summary>
    public int Count { get; private set; }

    /// <summary>Integers, or the bits of doubles.</summary>
    public long[] Values { get; } = new long[MaxRows];

    /// <summary>Uptime of each row; a clock step goes back.</summary>
    public long[] TimesMs { get; } = new long[MaxRows];

    /// <summary>Mask of each row.</summary>
    public byte[] Quality { get; } = new byte[MaxRows];

    /// <summary>Draws the series of a seed.</summary>
    public void Fill(long seed)
    {
        _state = ((ulong)seed * 0x9E3779B97F4A7C15UL) + 0xD1B54A32D192ED03UL;
        ulong draw = Next();
        Count = (draw & 31) switch { 0 => 0, 1 => 1, _ => 1 + (int)(draw >> 8 & 0xFFFF) % MaxRows };
        Kind = (byte)((draw >> 24 & 0xFFFF) % Kinds);
        Shape = (int)((draw >> 40 & 0xFFFF) % (ulong)Shapes.Length);
        FillValues((int)(draw >> 58));
        FillTimes(isSeconds: (seed & 3) != 0);
        FillQuality(changes: (seed & 12) == 0);
    }

    private void FillValues(int bits)
    {
        long level = (long)Next() >> bits, value = level;
        for (int row = 0; row < Count; row++)
        {
            ulong chance = Next();
            value = Shape switch
            {
                0 => level,
                1 => value + (level & 7) - 3,
                2 => (row & 1) == 0 ? level : level + 1,
                3 => chance % 16 == 0 ? (long)chance >> bits : level,
                4 => (long)chance >> bits,
                5 => value + (long)(chance % 3) - 1,
                6 => (chance % 5) switch { 0 => long.MinValue, 1 => long.MaxValue, 2 => int.MinValue, 3 => int.MaxValue, _ => 0 },
                7 => chance % 7 == 0 ? level - value : value,
                _ => BitConverter.DoubleToInt64Bits((chance % 6) switch
                {
                    0 => double.NaN,
                    1 => double.NegativeInfinity,
                    2 => 0.1 * row,
                    3 => -0.0,
                    4 => double.Epsilon,
                    _ => 36.6,
                }),
            };
            Values[row] = Kind == 0 ? (int)value : value;
        }
    }

    private void FillTimes(bool isSeconds)
    {
        long unit = isSeconds ? 1000 : 1;
        long time = (long)(Next() >> 20) / unit * unit;
        for (int row = 0; row < Count; row++)
        {
            ulong chance = Next();
            long gap = (long)(chance >> 8 & 0xFFFF) * unit;
            time += (chance & 127) switch
            {
                0 => gap,
                1 => gap << 20,                    // more than a step may be: the block ends
                2 => -Math.Min(time, gap),         // the clock steps back: the block ends
                3 or 4 => 0,
                < 12 => 2000,
                _ => 1000,
            };
            TimesMs[row] = time = Math.Min(time, MaxTimeMs);
        }
    }

    private void FillQuality(bool changes)
    {
        byte mask = 0;
        for (int row = 0; row < Count; row++)
        {
            if (changes && Next() % 11 == 0) mask = (byte)(Next() & 7);
            Quality[row] = mask;
        }
    }

    // splitmix64 (Steele, Lea and Flood 2014)
    private ulong Next()
    {
        ulong z = _state += 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
