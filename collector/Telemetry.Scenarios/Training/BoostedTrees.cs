using Telemetry.Scenarios.Model;

namespace Telemetry.Scenarios.Training;

/// <summary>Settings of <see cref="BoostedTrees"/>.</summary>
/// <param name="Rounds">Trees a scenario.</param>
/// <param name="Depth">1..5; 2 = pairs of inputs.</param>
/// <param name="LearningRate">Share of each tree's answer that is kept.</param>
/// <param name="InputShare">Share of inputs each tree may look at.</param>
/// <param name="RowShare">Share of rows each tree is grown on.</param>
/// <param name="Ridge">Added to the curvature of a leaf: larger = smaller leaves' answers shrink.</param>
/// <param name="LeastWeight">Curvature a leaf must hold.</param>
/// <param name="Seed">Of the draws.</param>
public sealed record BoostingOptions(
    int Rounds = 40, int Depth = 3, double LearningRate = 0.1, double InputShare = 0.2, double RowShare = 0.5, double Ridge = 5, double LeastWeight = 3, int Seed = 1);

/// <summary>
/// Gradient boosting of small trees on binned inputs (Friedman 2001; histograms as in LightGBM 2017), for softmax scores. A missing input is a bin of its own
/// that each split sends where it fits, so a device that is not there is learned as such and never filled in.
/// </summary>
internal sealed class BoostedTrees
{
    private const int MostBins = 32; // of present values; the next number is the missing bin
    private readonly BoostingOptions _options;
    private readonly int _classes;
    private readonly float[][] _edges;
    private readonly byte[][] _bins; // by input, by row
    private readonly float[] _scores; // [row * classes + class]
    private readonly int[] _labels;
    private readonly float[] _weights;
    private readonly List<SmallTree> _trees = [];

    private BoostedTrees(float[][] rows, int[] labels, float[] weights, int classes, BoostingOptions options)
    {
        (_options, _classes, _labels, _weights) = (options, classes, labels, weights);
        int inputs = rows[0].Length;
        _edges = new float[inputs][];
        _bins = new byte[inputs][];
        for (int input = 0; input < inputs; input++)
        {
            _edges[input] = Edges(rows, input);
            _bins[input] = new byte[rows.Length];
            for (int row = 0; row < rows.Length; row++) _bins[input][row] = Bin(rows[row][input], _edges[input]);
        }

        _scores = new float[rows.Length * classes];
    }

    /// <summary>Grows the trees of all scenarios.</summary>
    /// <param name="rows">Inputs of each row.</param>
    /// <param name="labels">Scenario of each row.</param>
    /// <param name="weights">Weight of each row.</param>
    /// <param name="classes">Number of scenarios.</param>
    /// <param name="options">How.</param>
    public static IReadOnlyList<SmallTree> Grow(float[][] rows, int[] labels, float[] weights, int classes, BoostingOptions options)
    {
        BoostedTrees boosting = new(rows, labels, weights, classes, options);
        Random random = new(options.Seed);
        for (int round = 0; round < options.Rounds; round++) boosting.Round(random);
        return boosting._trees;
    }

    private void Round(Random random)
    {
        int[] sample = Draw(_labels.Length, _options.RowShare, random);
        float[] probability = Probabilities(sample);
        float[] slopes = new float[2 * sample.Length]; // gradient and curvature of each drawn row, side by side: they are read together
        for (int k = 0; k < _classes; k++)
        {
            for (int i = 0; i < sample.Length; i++)
            {
                float p = probability[(i * _classes) + k], weight = _weights[sample[i]];
                slopes[2 * i] = weight * ((_labels[sample[i]] == k ? 1 : 0) - p);
                slopes[(2 * i) + 1] = weight * p * (1 - p);
            }

            int[] inputs = Draw(_bins.Length, _options.InputShare, random);
            GrowTree(k, sample, inputs, slopes);
        }
    }

    private void GrowTree(int scenario, int[] sample, int[] inputs, float[] slopes)
    {
        int inner = (1 << _options.Depth) - 1;
        Split[] splits = new Split[inner];
        int[] nodeOf = new int[sample.Length];
        for (int level = 0; level < _options.Depth; level++)
        {
            int first = (1 << level) - 1, nodes = 1 << level;
            BestSplits(sample, nodeOf, inputs, slopes, first, nodes, splits);
            for (int i = 0; i < sample.Length; i++)
            {
                Split split = splits[nodeOf[i]];
                nodeOf[i] = (2 * nodeOf[i]) + (split.Input >= 0 && split.GoesRight(_bins[split.Input][sample[i]]) ? 2 : 1);
            }
        }

        double[] up = new double[inner + 1], down = new double[inner + 1];
        for (int i = 0; i < sample.Length; i++)
        {
            up[nodeOf[i] - inner] += slopes[2 * i];
            down[nodeOf[i] - inner] += slopes[(2 * i) + 1];
        }

        double[] leaves = new double[inner + 1];
        for (int leaf = 0; leaf <= inner; leaf++)
            leaves[leaf] = Math.Round(_options.LearningRate * Math.Clamp(up[leaf] / (down[leaf] + _options.Ridge), -3, 3), 4);
        Keep(scenario, splits, leaves);
    }

    private void Keep(int scenario, Split[] splits, double[] leaves)
    {
        _trees.Add(new SmallTree(
            scenario,
            [.. splits.Select(split => split.Input)],
            [.. splits.Select(split => split.Input < 0 ? 0d : Short(_edges[split.Input][split.Bin]))],
            [.. splits.Select(split => split.MissingRight ? 1 : 0)],
            leaves));
        for (int row = 0; row < _labels.Length; row++)
        {
            int node = 0;
            while (node < splits.Length) node = (2 * node) + (splits[node].Input >= 0 && splits[node].GoesRight(_bins[splits[node].Input][row]) ? 2 : 1);
            _scores[(row * _classes) + scenario] += (float)leaves[node - splits.Length];
        }
    }

    private void BestSplits(int[] sample, int[] nodeOf, int[] inputs, float[] slopes, int first, int nodes, Split[] splits)
    {
        const int Width = 2 * (MostBins + 1);
        float[] sums = new float[nodes * Width]; // by node, then by bin: gradient, curvature
        double[] best = new double[nodes];
        for (int node = 0; node < nodes; node++) splits[first + node] = new Split(-1, 0, false);
        foreach (int input in inputs)
        {
            if (_edges[input].Length == 0) continue;
            Array.Clear(sums);
            byte[] bins = _bins[input];
            for (int i = 0; i < sample.Length; i++)
            {
                int at = ((nodeOf[i] - first) * Width) + (2 * bins[sample[i]]);
                sums[at] += slopes[2 * i];
                sums[at + 1] += slopes[(2 * i) + 1];
            }

            for (int node = 0; node < nodes; node++) TrySplits(input, sums.AsSpan(node * Width, Width), ref best[node], ref splits[first + node]);
        }
    }

    private void TrySplits(int input, ReadOnlySpan<float> sums, ref double best, ref Split split)
    {
        double sumG = 0, sumH = 0;
        for (int bin = 0; bin <= MostBins; bin++)
        {
            sumG += sums[2 * bin];
            sumH += sums[(2 * bin) + 1];
        }

        double missingG = sums[2 * MostBins], missingH = sums[(2 * MostBins) + 1], whole = Gain(sumG, sumH), leftG = 0, leftH = 0;
        for (int bin = 0; bin < _edges[input].Length; bin++)
        {
            leftG += sums[2 * bin];
            leftH += sums[(2 * bin) + 1];
            Consider(leftG, leftH, bin, missingRight: true, ref best, ref split);
            if (missingH > 0) Consider(leftG + missingG, leftH + missingH, bin, missingRight: false, ref best, ref split);
        }

        void Consider(double belowG, double belowH, int bin, bool missingRight, ref double best, ref Split split)
        {
            if (belowH < _options.LeastWeight || sumH - belowH < _options.LeastWeight) return;
            double gain = Gain(belowG, belowH) + Gain(sumG - belowG, sumH - belowH) - whole;
            if (gain <= best + 1e-6) return;
            best = gain;
            split = new Split(input, bin, missingRight);
        }
    }

    private double Gain(double g, double h) => g * g / (h + _options.Ridge);

    private float[] Probabilities(int[] sample)
    {
        float[] probability = new float[sample.Length * _classes];
        for (int i = 0; i < sample.Length; i++)
        {
            ReadOnlySpan<float> scores = _scores.AsSpan(sample[i] * _classes, _classes);
            float best = float.NegativeInfinity, sum = 0;
            foreach (float score in scores) best = Math.Max(best, score);
            for (int k = 0; k < _classes; k++) sum += probability[(i * _classes) + k] = MathF.Exp(scores[k] - best);
            for (int k = 0; k < _classes; k++) probability[(i * _classes) + k] /= sum;
        }

        return probability;
    }

    private static int[] Draw(int count, double share, Random random)
    {
        int[] drawn = [.. Enumerable.Range(0, count).Where(_ => random.NextDouble() < share)];
        return drawn.Length > 0 ? drawn : [random.Next(count)];
    }

    // Edges are what a model file can say, so that a row falls on the same side in training and afterwards.
    private static float[] Edges(float[][] rows, int input)
    {
        float[] present = [.. rows.Select(row => row[input]).Where(value => !float.IsNaN(value))];
        if (present.Length == 0) return [];
        Array.Sort(present);
        SortedSet<float> edges = [];
        for (int i = 1; i < MostBins; i++) edges.Add((float)Short(present[(int)((long)i * present.Length / MostBins)]));
        edges.RemoveWhere(edge => edge <= present[0]);
        return [.. edges];
    }

    private static byte Bin(float value, float[] edges)
    {
        if (float.IsNaN(value)) return MostBins;
        int low = 0, high = edges.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (value >= edges[middle]) low = middle + 1;
            else high = middle;
        }

        return (byte)low;
    }

    // Four digits: enough for a threshold, and the file stays small.
    private static double Short(double value) => value == 0 ? 0 : double.Parse(value.ToString("G4", System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture);

    private readonly record struct Split(int Input, int Bin, bool MissingRight)
    {
        public bool GoesRight(byte bin) => bin == MostBins ? MissingRight : bin > Bin;
    }
}
