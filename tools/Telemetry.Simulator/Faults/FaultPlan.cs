using System.Text.Json;
using System.Text.Json.Serialization;
using Telemetry.Simulator.People;

namespace Telemetry.Simulator.Faults;

/// <summary>What goes wrong in a fleet: a JSON file (README.md, "Fault plans").</summary>
public sealed class FaultPlan
{
    /// <summary>Faults of one plan.</summary>
    public const int MaxFaults = 1000;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    private FaultPlan(IReadOnlyList<Fault> faults) => Faults = faults;

    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<Fault> Faults { get; }

    /// <summary>Reads a plan from a file.</summary>
    /// <exception cref="InputException">The file is missing, is not JSON, or a fault breaks its rules; the text names it.</exception>
    public static FaultPlan Read(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"--faults '{path}' cannot be read: {fault.Message}", fault);
        }
        catch (InputException fault)
        {
            throw new InputException($"--faults '{path}': {fault.Message}", fault);
        }
    }

    /// <summary>Reads a plan from its text.</summary>
    /// <exception cref="InputException">As <see cref="Read"/>.</exception>
    public static FaultPlan Parse(string json)
    {
        try
        {
            PlanFile plan = JsonSerializer.Deserialize<PlanFile>(json, Json) ?? throw new InputException("found null, expected an object with \"faults\".");
            if (plan.Faults.Count > MaxFaults) throw new InputException($"{plan.Faults.Count} faults, at most {MaxFaults} are expected.");
            for (int index = 0; index < plan.Faults.Count; index++) plan.Faults[index].Check(index);
            return new FaultPlan(plan.Faults);
        }
        catch (JsonException fault)
        {
            throw new InputException($"line {fault.LineNumber + 1}: {fault.Message}", fault);
        }
    }

    /// <summary>What happens to one device, in order of time; jitter is drawn from the seed and the device's name.</summary>
    /// <param name="device">"brand/device".</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="minutes">Length of the run in simulated minutes; repetitions end there.</param>
    public IReadOnlyList<FaultEvent> EventsOf(string device, ulong seed, long minutes)
    {
        List<FaultEvent> events = [];
        for (int index = 0; index < Faults.Count; index++)
        {
            Fault fault = Faults[index];
            if (!fault.Concerns(device)) continue;
            SeededRandom random = SeededRandom.For(seed, (ulong)index, HashOf(device));
            for (double minute = fault.AtMinute; minute <= minutes; minute += fault.EveryMinutes)
            {
                double jitter = fault.JitterMinutes > 0 ? random.Between(0, fault.JitterMinutes) : 0;
                events.Add(new FaultEvent((long)((minute + jitter) * 60_000), fault));
                if (fault.EveryMinutes == 0) break;
            }
        }

        events.Sort((left, right) => left.AfterMs.CompareTo(right.AfterMs));
        return events;
    }

    /// <summary>FNV-1a: the same on every run, unlike string hash codes.</summary>
    internal static ulong HashOf(string text)
    {
        ulong hash = 14695981039346656037;
        foreach (char letter in text) hash = (hash ^ letter) * 1099511628211;
        return hash;
    }

    private sealed record PlanFile
    {
        public required List<Fault> Faults { get; init; }
    }
}

/// <summary>One line of a plan.</summary>
public sealed record Fault
{
    /// <summary>What happens.</summary>
    public required FaultKind Kind { get; init; }

    /// <summary>"brand/device", "brand/*" or "*". Default all.</summary>
    public string Devices { get; init; } = "*";

    /// <summary>When, in simulated minutes since the device was switched on; 0 or more.</summary>
    public double AtMinute { get; init; }

    /// <summary>Again after so many minutes; 0 = once. At least 1 otherwise.</summary>
    public double EveryMinutes { get; init; }

    /// <summary>Up to so many minutes later, drawn for each device and time.</summary>
    public double JitterMinutes { get; init; }

    /// <summary>Length of <see cref="FaultKind.Offline"/>.</summary>
    public double Minutes { get; init; }

    /// <summary>Size of <see cref="FaultKind.ClockStep"/>; negative = back.</summary>
    public double Seconds { get; init; }

    /// <summary>Size of <see cref="FaultKind.Drift"/>, in parts per million, -500..500.</summary>
    public double Ppm { get; init; }

    /// <summary>Whether a device is meant.</summary>
    public bool Concerns(string device) => Devices == "*" || Devices == device
        || (Devices.EndsWith("/*", StringComparison.Ordinal) && device.StartsWith(Devices[..^1], StringComparison.Ordinal));

    internal void Check(int index)
    {
        string? fault =
            AtMinute < 0 ? $"atMinute is {AtMinute}, 0 or more is expected"
            : EveryMinutes is not 0 and < 1 ? $"everyMinutes is {EveryMinutes}, 0 or at least 1 is expected"
            : JitterMinutes < 0 ? $"jitterMinutes is {JitterMinutes}, 0 or more is expected"
            : Kind == FaultKind.Offline && Minutes <= 0 ? $"minutes is {Minutes}, more than 0 is expected for offline"
            : Kind == FaultKind.ClockStep && Seconds == 0 ? "seconds is 0, the size of the step is expected"
            : Kind == FaultKind.Drift && (Ppm == 0 || Math.Abs(Ppm) > 500) ? $"ppm is {Ppm}, -500..500 and not 0 is expected"
            : Devices.Length == 0 ? "devices is empty, \"*\", \"brand/*\" or \"brand/device\" is expected"
            : null;
        if (fault is not null) throw new InputException($"faults[{index}]: {fault}.");
    }
}

/// <summary>What can happen to a simulated device.</summary>
public enum FaultKind
{
    /// <summary>The connection breaks, wherever it is.</summary>
    Cut,

    /// <summary>No connection can be made for some minutes. Ends early when the spool would overflow.</summary>
    Offline,

    /// <summary>Acks on their way are lost and the connection breaks: the device sends again what the collector has.</summary>
    LoseAcks,

    /// <summary>The device's wall clock steps.</summary>
    ClockStep,

    /// <summary>The device's crystal runs fast (or slow) from the start.</summary>
    Drift,
}

/// <summary>A fault at its time.</summary>
/// <param name="AfterMs">Simulated ms since the device was switched on.</param>
/// <param name="Fault">What happens.</param>
public readonly record struct FaultEvent(long AfterMs, Fault Fault);
