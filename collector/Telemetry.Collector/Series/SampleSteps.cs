using Telemetry.Wire.Profiles;

namespace Telemetry.Collector.Series;

/// <summary>Down-sampling: samples in, one row a signal and step out. Holds one step at a time.</summary>
internal static class SampleSteps
{
    /// <param name="rows">Of one device, in time order.</param>
    /// <param name="stepMs">Length of a step, at least 1.</param>
    /// <returns>By time, then signal. A step without a sample has no row.</returns>
    public static IEnumerable<SampleStep> Of(IEnumerable<SampleRow> rows, long stepMs)
    {
        SortedDictionary<int, Fold> folds = [];
        long start = 0;
        foreach (SampleRow row in rows)
        {
            long begins = row.UnixMs - Modulo(row.UnixMs, stepMs);
            if (begins != start)
            {
                foreach (Fold fold in folds.Values) yield return fold.ToStep(start);
                folds.Clear();
                start = begins;
            }

            if (!folds.TryGetValue(row.Signal.Id, out Fold? known)) folds[row.Signal.Id] = known = new Fold(row);
            known.Add(row);
        }

        foreach (Fold fold in folds.Values) yield return fold.ToStep(start);
    }

    // Before 1970, too, a step begins at its earlier end.
    private static long Modulo(long unixMs, long stepMs) => ((unixMs % stepMs) + stepMs) % stepMs;

    private sealed class Fold(in SampleRow first)
    {
        private readonly DeviceDescription _device = first.Device;
        private readonly SignalDefinition _signal = first.Signal;
        private uint _errorMs;
        private byte _quality = byte.MaxValue;
        private long _count;
        private double _min = double.PositiveInfinity, _max = double.NegativeInfinity, _last = double.NaN, _sum;

        public void Add(in SampleRow row)
        {
            _errorMs = Math.Max(_errorMs, row.ErrorMs);
            _quality &= row.Quality;
            if (double.IsNaN(row.Value)) return;
            _count++;
            _min = Math.Min(_min, row.Value);
            _max = Math.Max(_max, row.Value);
            _last = row.Value;
            _sum += row.Value;
        }

        public SampleStep ToStep(long unixMs) => _count == 0
            ? new SampleStep(_device, _signal, unixMs, _errorMs, _quality, 0, double.NaN, double.NaN, double.NaN, double.NaN)
            : new SampleStep(_device, _signal, unixMs, _errorMs, _quality, _count, _min, _max, _last, _sum);
    }
}
