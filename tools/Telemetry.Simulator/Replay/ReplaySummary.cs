namespace Telemetry.Simulator.Replay;

/// <summary>The account of a run: what devices recorded against what the collector stored and made of it. Serialized as it is by <c>--json</c>.</summary>
public sealed record ReplaySummary
{
    /// <summary>Samples given to the SDK.</summary>
    public required long SamplesRecorded { get; init; }

    /// <summary>Samples the collector has of them, counted from its log.</summary>
    public required long SamplesStored { get; init; }

    /// <summary>Recorded and not stored, summed over devices and signals.</summary>
    public required long SamplesLost { get; init; }

    /// <summary>Stored more than once.</summary>
    public required long SamplesDuplicated { get; init; }

    /// <summary>Batches sealed.</summary>
    public required long Batches { get; init; }

    /// <summary>Bytes of all MQTT connections, both ways, everything above TCP.</summary>
    public required long WireBytes { get; init; }

    /// <summary>Of them, device to collector.</summary>
    public required long WireBytesUp { get; init; }

    /// <summary>Bytes the collector's log grew by: batches verbatim, with record headers.</summary>
    public required long DiskBytes { get; init; }

    /// <summary>Wall time from the first device's start until every consumer of the log had caught up.</summary>
    public required double Seconds { get; init; }

    /// <summary>CPU time of this process in that time; with a collector in process, of both.</summary>
    public required double CpuSeconds { get; init; }

    /// <summary>Batches sent again after a broken connection.</summary>
    public required long BatchesSentAgain { get; init; }

    /// <summary>Sessions the collector accepted.</summary>
    public required long Connects { get; init; }

    /// <summary>Devices that ran.</summary>
    public required int Devices { get; init; }

    /// <summary>Faults of the input: bad rows, damaged files.</summary>
    public required long InputFaults { get; init; }

    /// <summary>The users, in the order of the fleet.</summary>
    public required IReadOnlyList<UserSummary> Users { get; init; }

    /// <summary>Nothing lost, nothing twice.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsWhole => SamplesLost == 0 && SamplesDuplicated == 0;
}

/// <summary>What the collector made of one user's data.</summary>
/// <param name="User">User key.</param>
/// <param name="ScenarioMinutes">Minutes by scenario, "unknown" and "off" included.</param>
public sealed record UserSummary(string User, IReadOnlyDictionary<string, long> ScenarioMinutes);
