using System.Globalization;
using System.Runtime.InteropServices;
using Telemetry.Device.Sampling;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Bench.Codec;

/// <summary>
/// <c>bench codec-roundtrip [--series N] [--seed S]</c>: packs and unpacks N generated series (default 10,000,000) and compares every row.
/// Stops at the first that differs and prints the command that repeats it.
/// </summary>
internal static class RoundTripBench
{
    private const int MaxRows = 48;

    public static int Run(BenchOptions options)
    {
        long series = Number(options, "--series", 10_000_000);
        long seed = Number(options, "--seed", 1);
        Generated rows = new();
        BlockEncoder[] encoders = [.. Enumerable.Range(0, 3).Select(kind => new BlockEncoder([7], [(byte)kind], MaxRows, 4096))];
        BlockDecoder decoder = new();
        byte[] block = new byte[4096];
        for (long i = 0; i < series; i++)
        {
            rows.Fill(seed + i);
            if (!ComesBack(rows, encoders[rows.Kind], decoder, block))
            {
                Console.Error.WriteLine($"Series {i} does not come back equal. Repeat: tools/bench codec-roundtrip --series 1 --seed {seed + i}");
                return 1;
            }
        }

        Console.WriteLine(options.Json ? $"{{\"series\":{series},\"seed\":{seed},\"rows\":{rows.RowsSoFar},\"failed\":0}}" : $"{series} series, {rows.RowsSoFar} rows, seed {seed}: all equal");
        return 0;
    }

    internal static long Number(BenchOptions options, string name, long otherwise)
    {
        int at = options.Rest.ToList().IndexOf(name);
        return at >= 0 && at + 1 < options.Rest.Count ? long.Parse(options.Rest[at + 1], CultureInfo.InvariantCulture) : otherwise;
    }

    private static bool ComesBack(Generated rows, BlockEncoder encoder, BlockDecoder decoder, byte[] block)
    {
        int from = 0;
        for (int row = 0; row <= rows.Count; row++)
        {
            if (row < rows.Count)
            {
                if (rows.Kind == BlockEncoder.KindInteger) encoder.Set(0, (int)rows.Values[row]);
                else encoder.SetWide(0, rows.Values[row]);
                if (encoder.TryAddRow(rows.TimesMs[row], rows.Quality[row])) continue;
            }

            int length = encoder.Finish(block, 0, block.Length);
            if (length == 0 || !IsEqual(rows, from, row, decoder, block.AsSpan(0, length))) return false;
            from = row;
            if (row < rows.Count && !encoder.TryAddRow(rows.TimesMs[row], rows.Quality[row])) return false;
        }

        return true;
    }

    private static bool IsEqual(Generated rows, int from, int to, BlockDecoder decoder, ReadOnlySpan<byte> block)
    {
        if (decoder.Decode(block, isPlain: false) != RefusalReason.None || decoder.RowCount != to - from) return false;
        ReadOnlySpan<long> values = decoder.IsReal(0) ? MemoryMarshal.Cast<double, long>(decoder.Reals(0)) : decoder.Integers(0);
        ReadOnlySpan<byte> quality = rows.Quality.AsSpan(from, to - from);
        return rows.TimesMs.AsSpan(from, to - from).SequenceEqual(decoder.TimesMs)
            && rows.Values.AsSpan(from, to - from).SequenceEqual(values)
            && (decoder.Quality.IsEmpty ? !quality.ContainsAnyExcept((byte)0) : quality.SequenceEqual(decoder.Quality));
    }

    /// <summary>One series from one seed: a shape, a kind, times with gaps, a mask.</summary>
    private sealed class Generated
    {
        private ulong _state;

        public byte Kind { get; private set; }

        public int Count { get; private set; }

        public long RowsSoFar { get; private set; }

        public long[] Values { get; } = new long[MaxRows * 2];

        public long[] TimesMs { get; } = new long[MaxRows * 2];

        public byte[] Quality { get; } = new byte[MaxRows * 2];

        public void Fill(long seed)
        {
            _state = ((ulong)seed * 0x9E3779B97F4A7C15UL) + 0xD1B54A32D192ED03UL;
            Count = 1 + (int)(Next() % (MaxRows * 2));
            Kind = (byte)(Next() % 3);
            int shape = (int)(Next() % 9);
            int bits = 1 + (int)(Next() % 63);
            long unit = Next() % 3 == 0 ? 1 : 1000;
            long level = (long)Next() >> bits, time = (long)(Next() >> 20), value = level;
            for (int row = 0; row < Count; row++)
            {
                ulong chance = Next();
                value = shape switch
                {
                    0 => level,
                    1 => value + 1,
                    2 => (row & 1) == 0 ? level : level + 1,
                    3 => chance % 16 == 0 ? (long)Next() >> bits : level,
                    4 => (long)Next() >> bits,
                    5 => value + (long)(chance % 3) - 1,
                    6 => (chance % 5) switch { 0 => long.MinValue, 1 => long.MaxValue, 2 => int.MinValue, 3 => int.MaxValue, _ => 0 },
                    7 => chance % 7 == 0 ? level - value : value,
                    _ => BitConverter.DoubleToInt64Bits((chance % 5) switch { 0 => double.NaN, 1 => double.NegativeInfinity, 2 => 0.1 * row, 3 => -0.0, _ => 36.6 }),
                };
                Values[row] = Kind == BlockEncoder.KindInteger ? (int)value : value;
                time += chance % 29 == 0 ? (long)(Next() % 100_000) * unit : chance % 31 == 0 ? 0 : 1000;
                TimesMs[row] = time;
                Quality[row] = (byte)(seed % 4 == 0 ? (chance >> 40) % 11 == 0 ? (chance >> 50) % 8 : 1 : 0);
            }

            RowsSoFar += Count;
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
}
