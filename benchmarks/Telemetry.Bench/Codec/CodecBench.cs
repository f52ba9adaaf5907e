using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Telemetry.Device.Sampling;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.Ingest;

namespace Telemetry.Bench.Codec;

/// <summary>
/// <c>bench codec</c>: bytes a sample and samples a core-second of packed blocks on recorded data. Counted is the whole block: times, header,
/// ids, lengths and columns. Not counted is the batch around it (about 45 bytes a batch and 2-3 a block).
/// </summary>
internal static class CodecBench
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };
    private const int Rounds = 15;
    private const double RoundSeconds = 0.05;
    private const double WarmUpSeconds = 0.4;

    public static int Run(BenchOptions options)
    {
        IReadOnlyList<CodecSet> sets = CodecSet.Load(options.DataPath);
        if (sets.Count == 0)
        {
            Console.Error.WriteLine($"No data sets in '{options.DataPath}'; --data names the folder that holds wearable_1hz and fitabase.");
            return 3;
        }

        List<CodecResult> results = [];
        foreach (CodecSet set in sets)
        {
            foreach (int rows in (int[])[60, 600]) results.Add(Measure(set, rows));
        }

        if (options.Json) Console.WriteLine(JsonSerializer.Serialize(new { sets = results }, s_json));
        else Print(results);
        return 0;
    }

    private static CodecResult Measure(CodecSet set, int rows)
    {
        List<byte[]> blocks = [];
        Packer packer = new(set, rows);
        packer.PackAll(blocks.Add);
        CheckRoundTrip(set, blocks);

        double gorilla = 0, simple8b = 0, protobuf = 0, json = 0;
        foreach (CodecSeries series in set.Series)
        {
            for (int from = 0; from < series.TimesMs.Length;)
            {
                int to = from + 1;
                while (to < series.TimesMs.Length && to - from < rows && series.TimesMs[to] >= series.TimesMs[to - 1]) to++;
                gorilla += PeerSizes.Gorilla(series, from, to);
                simple8b += PeerSizes.Simple8b(series, from, to);
                protobuf += PeerSizes.Protobuf(series, from, to);
                json += PeerSizes.Json(series, set.Signals, from, to);
                from = to;
            }
        }

        BlockDecoder decoder = new();
        Rate decode = SamplesPerCoreSecond(set.Samples, () =>
        {
            foreach (byte[] block in blocks) decoder.Decode(block, isPlain: false);
        });
        Rate encode = SamplesPerCoreSecond(set.Samples, () => packer.PackAll(null));
        long before = GC.GetAllocatedBytesForCurrentThread();
        packer.PackAll(null);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        long bytes = blocks.Sum(block => (long)block.Length);
        double samples = set.Samples;
        return new CodecResult(
            set.Name, rows, set.Samples, bytes, bytes / samples, decode.Best, encode.Best, allocated,
            [new("gorilla", gorilla / samples), new("simple8b", simple8b / samples), new("protobuf", protobuf / samples), new("json", json / samples)])
        {
            DecodeMedian = decode.Median,
            EncodeMedian = encode.Median,
        };
    }

    private static void CheckRoundTrip(CodecSet set, List<byte[]> blocks)
    {
        BlockDecoder decoder = new();
        int at = 0, seriesIndex = 0;
        foreach (byte[] block in blocks)
        {
            if (at == set.Series[seriesIndex].TimesMs.Length)
            {
                seriesIndex++;
                at = 0;
            }

            CodecSeries series = set.Series[seriesIndex];
            bool isEqual = decoder.Decode(block, isPlain: false) == RefusalReason.None && series.TimesMs.AsSpan(at, decoder.RowCount).SequenceEqual(decoder.TimesMs);
            for (int column = 0; isEqual && column < set.Signals.Length; column++)
            {
                ReadOnlySpan<long> decoded = decoder.Integers(column);
                for (int row = 0; row < decoded.Length; row++) isEqual &= decoded[row] == series.Columns[column][at + row];
            }

            if (!isEqual) throw new InvalidOperationException($"{set.Name}: a block does not decode to its rows.");
            at += decoder.RowCount;
        }
    }

    // Process CPU time, after a warm-up long enough for the optimizing compiler. Others on the machine only ever make a round slower.
    private static Rate SamplesPerCoreSecond(long samples, Action pass)
    {
        Round(samples, WarmUpSeconds, pass);
        double[] rounds = [.. Enumerable.Range(0, Rounds).Select(_ => Round(samples, RoundSeconds, pass)).Order()];
        return new Rate(rounds[^1], rounds[Rounds / 2]);
    }

    private static double Round(long samples, double leastSeconds, Action pass)
    {
        TimeSpan start = Environment.CpuUsage.TotalTime;
        long passes = 0;
        double seconds;
        do
        {
            pass();
            passes++;
            seconds = (Environment.CpuUsage.TotalTime - start).TotalSeconds;
        }
        while (seconds < leastSeconds);
        return samples * passes / seconds;
    }

    private static void Print(List<CodecResult> results)
    {
        Console.WriteLine("set                  rows    samples      bytes  B/sample  decode M/s  median  encode M/s  median  alloc B   gorilla  simple8b  protobuf    json");
        foreach (CodecResult r in results)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{r.Name,-20} {r.Rows,4} {r.Samples,10} {r.Bytes,10} {r.BytesPerSample,9:F4} {r.DecodeSamplesPerCoreSecond / 1e6,11:F0} {r.DecodeMedian / 1e6,7:F0} {r.EncodeSamplesPerCoreSecond / 1e6,11:F0} {r.EncodeMedian / 1e6,7:F0} {r.EncodeAllocatedBytes,8} {r.Peers[0].BytesPerSample,9:F3} {r.Peers[1].BytesPerSample,9:F3} {r.Peers[2].BytesPerSample,9:F3} {r.Peers[3].BytesPerSample,7:F2}"));
        }
    }

    private sealed record CodecResult(
        string Name, int Rows, long Samples, long Bytes, double BytesPerSample,
        double DecodeSamplesPerCoreSecond, double EncodeSamplesPerCoreSecond, long EncodeAllocatedBytes, IReadOnlyList<PeerSize> Peers)
    {
        [JsonIgnore]
        public double DecodeMedian { get; init; }

        [JsonIgnore]
        public double EncodeMedian { get; init; }
    }

    /// <summary>Samples a core-second: of the best round, and of the middle one.</summary>
    private readonly record struct Rate(double Best, double Median);

    private sealed record PeerSize(string Name, double BytesPerSample);

    /// <summary>Feeds the device's encoder row by row, as a device does.</summary>
    private sealed class Packer(CodecSet set, int rows)
    {
        private readonly BlockEncoder _encoder = new(
            [.. Enumerable.Range(1, set.Signals.Length)], new byte[set.Signals.Length], rows, 64 * 1024);

        private readonly byte[] _output = new byte[64 * 1024];

        public void PackAll(Action<byte[]>? onBlock)
        {
            // By index: an enumerator of the interface would be the only allocation of the pass.
            for (int i = 0; i < set.Series.Count; i++)
            {
                CodecSeries series = set.Series[i];
                for (int row = 0; row < series.TimesMs.Length; row++)
                {
                    for (int column = 0; column < series.Columns.Length; column++) _encoder.Set(column, series.Columns[column][row]);
                    if (_encoder.TryAddRow(series.TimesMs[row], 0)) continue;
                    Close(onBlock);
                    if (!_encoder.TryAddRow(series.TimesMs[row], 0)) throw new InvalidOperationException("An empty block takes any row.");
                }

                Close(onBlock);
            }
        }

        private void Close(Action<byte[]>? onBlock)
        {
            int bytes = _encoder.Finish(_output, 0, _output.Length);
            onBlock?.Invoke(_output[..bytes]);
        }
    }
}
