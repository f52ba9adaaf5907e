using Telemetry.Simulator.Faults;

namespace Telemetry.Simulator.Replay;

/// <summary>How a fleet is driven.</summary>
public sealed record ReplayOptions
{
    /// <summary>Name or address of the MQTT endpoint.</summary>
    public required string Host { get; init; }

    /// <summary>Port of the MQTT endpoint.</summary>
    public required int Port { get; init; }

    /// <summary>Devices alive at a time, at least 1. Sources of files hold one person or file a device in memory; a fleet has them all at once.</summary>
    public int MaxActiveDevices { get; init; } = 32;

    /// <summary>Simulated seconds a real second; 0 = as fast as the collector acknowledges.</summary>
    public double Speed { get; init; }

    /// <summary>How far simulated time may come now, unix ms; asked every turn, so that a test can stop the world and let it go on. Null = to the end.</summary>
    public Func<long>? UntilUnixMs { get; init; }

    /// <summary>Devices of a fleet stay within this much simulated time of the slowest; 0 = each goes its own pace.</summary>
    public long AlignMs { get; init; }

    /// <summary>The instant every device is switched on; 0 = each at its own first reading.</summary>
    public long StartUnixMs { get; init; }

    /// <summary>A sample waits at most this long, in simulated time, before its batch is sealed. Default 15 minutes.</summary>
    public int SealIntervalMs { get; init; } = 900_000;

    /// <summary>Most bytes of a batch.</summary>
    public int BatchBytes { get; init; } = 4096;

    /// <summary>Seed of epochs and jitter. Two runs against one collector need different ones, or the second is taken for a repetition.</summary>
    public ulong Seed { get; init; }

    /// <summary>What goes wrong, when; null = nothing.</summary>
    public FaultPlan? Faults { get; init; }
}
