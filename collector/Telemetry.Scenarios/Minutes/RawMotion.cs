using Telemetry.Wire.Blocks;
using Telemetry.Wire.Profiles;

namespace Telemetry.Scenarios.Minutes;

/// <summary>
/// Derives motion, steps, cadence and tilt where a device sends raw acceleration (accel_x, accel_y, accel_z in m/s2): the law of FEATURES.md, "Raw motion", in integers, which the device's own
/// MotionMeter follows too. What the profile names itself is not derived. Windows lie within a block, so what a batch adds to a minute depends on its own bytes alone, whatever came before it.
/// </summary>
internal sealed class RawMotion
{
    private const int WindowMs = 5000, LeastWindowMs = 2000, LongestGapMs = 500, MsOfLeastRate = 100;
    private const int MostPerAxis = 4000, LeastSwing = 60, LeastSteps = 3;

    private readonly SignalDefinition[] _axes;
    private readonly SlotLaw?[] _derived; // motion, steps, cadence, tilt; null = the device says it itself

    private RawMotion(SignalDefinition[] axes, SlotLaw?[] derived) => (_axes, _derived) = (axes, derived);

    /// <summary>Of a profile with all three axes; null when it lacks one, or names everything itself.</summary>
    public static RawMotion? Find(ModelProfile profile)
    {
        SignalDefinition?[] axes = [.. new[] { "accel_x", "accel_y", "accel_z" }.Select(key => profile.Signals.FirstOrDefault(signal => signal.Key == key && signal.Unit == "m/s2" && signal.Kind is SignalKind.Gauge or SignalKind.Real))];
        SlotLaw?[] derived = [.. new[] { SignalSlot.Motion, SignalSlot.Steps, SignalSlot.Cadence, SignalSlot.Tilt }.Select(SlotCatalog.Of).Select(law => profile.Signals.Any(signal => signal.Key == law.Key) ? null : law)];
        return axes.Contains(null) || derived.All(law => law is null) ? null : new RawMotion(axes!, derived);
    }

    /// <summary>Folds a block's windows into the minutes they begin in.</summary>
    /// <returns>Samples of acceleration that went into a window.</returns>
    public long Fold(BlockDecoder block, long unixMinusUptimeMs, IMinuteSink sink)
    {
        int[] columns = [.. _axes.Select(axis => block.FindColumn(axis.Id))];
        if (columns.Contains(-1)) return 0;
        ReadOnlySpan<long> times = block.TimesMs;
        long folded = 0;
        for (int start = 0; start < times.Length;)
        {
            int end = start + 1;
            while (end < times.Length && times[end] - times[start] < WindowMs && times[end] - times[end - 1] <= LongestGapMs) end++;
            long unixMs = times[start] + unixMinusUptimeMs;
            if (BlockFold.IsPossible(unixMs) && IsLongEnough(times[start..end], out int lengthMs) && sink.Minute((int)(unixMs / 60_000)) is { } device)
            {
                FoldWindow(block, columns, start..end, lengthMs, device);
                folded += columns.Length * (end - start);
            }

            start = end;
        }

        return folded;
    }

    private static bool IsLongEnough(ReadOnlySpan<long> times, out int lengthMs)
    {
        lengthMs = times.Length < 2 ? 0 : (int)((times[^1] - times[0]) * times.Length / (times.Length - 1));
        return lengthMs >= LeastWindowMs && times.Length * MsOfLeastRate >= lengthMs;
    }

    private void FoldWindow(BlockDecoder block, int[] columns, Range window, int lengthMs, DeviceMinute device)
    {
        int[][] axes = [.. columns.Select((column, i) => Hundredths(block, column, _axes[i], window))];
        int count = axes[0].Length;
        int[] magnitudes = new int[count];
        for (int i = 0; i < count; i++) magnitudes[i] = Length(axes[0][i], axes[1][i], axes[2][i]);
        int mean = magnitudes.Sum() / count, deviation = magnitudes.Sum(magnitude => Math.Abs(magnitude - mean)) / count;
        int steps = Steps(magnitudes, mean, Math.Max(deviation, LeastSwing));
        if (steps < LeastSteps) steps = 0;
        int[] values = [2 * deviation, steps, steps * 60_000 / lengthMs, Tilt(axes[0].Sum() / count, axes[1].Sum() / count, axes[2].Sum() / count)];
        for (int i = 0; i < values.Length; i++)
        {
            if (_derived[i] is { } law) device.Cell(law.Slot).Add(values[i] * law.Scale);
        }
    }

    private static int[] Hundredths(BlockDecoder block, int column, SignalDefinition axis, Range window)
    {
        if (block.IsReal(column)) return [.. block.Reals(column)[window].ToArray().Select(value => Cut(value * 100))];
        return [.. block.Integers(column)[window].ToArray().Select(value => Cut(value * axis.Resolution * 100))];
    }

    // Not a number counts as no acceleration.
    private static int Cut(double hundredths) => double.IsNaN(hundredths) ? 0 : (int)Math.Round(Math.Clamp(hundredths, -MostPerAxis, MostPerAxis), MidpointRounding.AwayFromZero);

    private static int Length(int x, int y, int z) => (int)Math.Sqrt((x * x) + (y * y) + (z * z)); // exact: the square is below 2^26

    private static int Steps(int[] magnitudes, int mean, int swing)
    {
        int steps = 0;
        bool isAbove = magnitudes[0] >= mean;
        foreach (int magnitude in magnitudes)
        {
            bool rises = !isAbove && magnitude > mean + swing;
            if (rises) steps++;
            isAbove = rises || (isAbove && magnitude >= mean - swing);
        }

        return steps;
    }

    // Degrees between z and up, by the cosine's value every ten degrees and straight lines between.
    private static int Tilt(int x, int y, int z)
    {
        int length = Length(x, y, z);
        if (length == 0) return 0;
        int cosine = z * 1000 / length, tens = 0;
        while (tens < 17 && cosine < Cosine(tens + 1)) tens++;
        return (tens * 10) + (Math.Max(0, Cosine(tens) - cosine) * 10 / (Cosine(tens) - Cosine(tens + 1)));
    }

    private static int Cosine(int tens) => (int)Math.Round(1000 * Math.Cos(tens * Math.PI / 18), MidpointRounding.AwayFromZero);
}
