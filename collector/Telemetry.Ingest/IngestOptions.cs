using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest;

/// <summary>Settings of ingest; checked when the service opens.</summary>
public sealed class IngestOptions
{
    /// <summary>When a sender refused for overload may come back; 10 to 60,000 ms, default 250 ms.</summary>
    public int OverloadRetryMs { get; set; } = 250;

    /// <summary>When a sender refused because the disk takes no writes may come back; 10 to 60,000 ms, default 1,000 ms.</summary>
    public int StorageRetryMs { get; set; } = 1_000;

    /// <summary>Least log bytes between two checkpoints of what is known of sequences; 1 MiB to 1 GiB, default 32 MiB.
    /// A start reads the log from the last checkpoint on.</summary>
    public long CheckpointBytes { get; set; } = 32 << 20;

    /// <summary>Batches of unknown profiles that may wait for their profile; 1 to 10,000,000, default 1,000,000. Further ones are refused for overload.</summary>
    public int MaxReplayable { get; set; } = 1_000_000;

    /// <summary>Devices that the collector can welcome back in a second (connect, credentials, subscription, Command); 1 to 1,000,000, default 2,000. With the size of the
    /// fleet it makes the window that devices are told.</summary>
    public int ReconnectsPerSecond { get; set; } = FleetSpread.DefaultAcceptsPerSecond;

    internal void Validate()
    {
        Check(nameof(OverloadRetryMs), OverloadRetryMs, 10, 60_000);
        Check(nameof(StorageRetryMs), StorageRetryMs, 10, 60_000);
        Check(nameof(CheckpointBytes), CheckpointBytes, 1 << 20, 1 << 30);
        Check(nameof(MaxReplayable), MaxReplayable, 1, 10_000_000);
        Check(nameof(ReconnectsPerSecond), ReconnectsPerSecond, 1, 1_000_000);
    }

    private static void Check(string name, long value, long least, long most)
    {
        if (value < least || value > most) throw new ArgumentException($"{name} is {value}; {least} to {most} is expected.", name);
    }
}
