using Telemetry.Device;
using Telemetry.Wire.Profiles;

namespace Telemetry.Simulator.Devices;

/// <summary>A model's profile as parallel tables, one entry a signal: what firmware carries. A table that says nothing is null and costs the device nothing.</summary>
public sealed class FirmwareTables
{
    /// <summary>What a key of the SDK's own signals begins with (proto/WIRE.md, "Signals of the SDK").</summary>
    public const string SdkPrefix = "sdk_";

    /// <summary>Makes the tables.</summary>
    /// <exception cref="InputException">A key begins <c>sdk_</c> and the SDK has no such signal.</exception>
    public FirmwareTables(ModelProfile model)
    {
        IReadOnlyList<SignalDefinition> signals = model.Signals;
        Model = model;
        Ids = [.. signals.Select(signal => signal.Id)];
        Kinds = [.. signals.Select(signal => (byte)signal.Kind)];
        PeriodsMs = [.. signals.Select(signal => signal.PeriodMs)];
        Minimums = [.. signals.Select(signal => signal.Kind == Wire.Profiles.SignalKind.Real ? int.MinValue : Scale(signal.Min, signal.Resolution))];
        Maximums = [.. signals.Select(signal => signal.Kind == Wire.Profiles.SignalKind.Real ? int.MaxValue : Scale(signal.Max, signal.Resolution))];
        Resolutions = signals.All(signal => signal.Resolution == 1) ? null : [.. signals.Select(signal => signal.Resolution)];
        MinIntervalsMs = Unless(signals.Select(signal => signal.Policy.MinIntervalMs), 0);
        MaxIntervalsMs = Unless(signals.Select(signal => signal.Policy.MaxIntervalMs), 0);
        Deadbands = Unless(signals.Select(signal => signal.Policy.Deadband is { } band ? Scale(band, signal.Resolution) : -1), -1);
        byte[] metrics = [.. signals.Select(signal => (byte)MetricOf(signal.Key))];
        SdkMetrics = metrics.Any(metric => metric != 0) ? metrics : null;
    }

    public ModelProfile Model { get; }

    public int[] Ids { get; }

    public byte[] Kinds { get; }

    public int[] PeriodsMs { get; }

    public int[] Minimums { get; }

    public int[] Maximums { get; }

    public double[]? Resolutions { get; }

    public int[]? MinIntervalsMs { get; }

    public int[]? MaxIntervalsMs { get; }

    public int[]? Deadbands { get; }

    public byte[]? SdkMetrics { get; }

    /// <summary>The firmware's object.</summary>
    /// <param name="steady">Signals measured every period; the others are treated as irregular. Null = all by their period.</param>
    public Profile ToProfile(IReadOnlySet<int>? steady = null) =>
        new(Model.Hash, Ids, Kinds, steady is null ? PeriodsMs : [.. PeriodsMs.Select((period, i) => steady.Contains(Ids[i]) ? period : 0)])
        {
            Minimums = Minimums,
            Maximums = Maximums,
            Resolutions = Resolutions,
            MinIntervalsMs = MinIntervalsMs,
            MaxIntervalsMs = MaxIntervalsMs,
            Deadbands = Deadbands,
            SdkMetrics = SdkMetrics,
        };

    // Beyond 32 bits a bound is none: the device's tables are of int.
    private static int Scale(double value, double resolution) => (int)Math.Clamp(Math.Round(value / resolution), int.MinValue, int.MaxValue);

    private static int[]? Unless(IEnumerable<int> values, int nothing)
    {
        int[] table = [.. values];
        return table.Any(value => value != nothing) ? table : null;
    }

    private static SdkMetric MetricOf(string key)
    {
        if (!key.StartsWith(SdkPrefix, StringComparison.Ordinal)) return SdkMetric.None;
        string name = key[SdkPrefix.Length..].Replace("_", "", StringComparison.Ordinal);
        if (Enum.TryParse(name, ignoreCase: true, out SdkMetric metric) && metric != SdkMetric.None && !char.IsAsciiDigit(name[0])) return metric;
        throw new InputException($"The key '{key}' begins {SdkPrefix}, which is the SDK's, and the SDK has no such signal (proto/WIRE.md, \"Signals of the SDK\"). Choose another key.");
    }
}
