namespace Telemetry.Simulator.Replay;

/// <summary>What one device did in a run. Recorded = acked + dropped once it is drained.</summary>
/// <param name="Brand">Brand id.</param>
/// <param name="Device">Device id.</param>
/// <param name="User">User it was bound to.</param>
/// <param name="RecordedBySignal">Readings given to the SDK, by signal key.</param>
/// <param name="Recorded">Their sum, as the SDK counted.</param>
/// <param name="Acked">Samples in acknowledged batches.</param>
/// <param name="Dropped">Samples the SDK gave up, for any reason.</param>
/// <param name="Batches">Batches sealed.</param>
/// <param name="SentBatches">Batches sent, repetitions included.</param>
/// <param name="Connects">Sessions the collector accepted.</param>
/// <param name="SentBytes">Bytes of the connection, upwards: everything above TCP.</param>
/// <param name="ReceivedBytes">Bytes of the connection, downwards.</param>
public sealed record DeviceTally(
    string Brand, string Device, string User, IReadOnlyDictionary<string, long> RecordedBySignal, long Recorded, long Acked, long Dropped,
    long Batches, long SentBatches, long Connects, long SentBytes, long ReceivedBytes);

/// <summary>How far a run is.</summary>
/// <param name="Recorded">Samples recorded.</param>
/// <param name="Acked">Samples acknowledged.</param>
/// <param name="Batches">Batches sealed.</param>
/// <param name="WireBytes">Bytes both ways.</param>
/// <param name="ActiveDevices">Devices alive.</param>
/// <param name="DoneDevices">Devices that finished.</param>
/// <param name="NowUnixMs">Simulated time of the slowest device alive; 0 when there is none.</param>
public readonly record struct ReplayProgress(
    long Recorded, long Acked, long Batches, long WireBytes, int ActiveDevices, int DoneDevices, long NowUnixMs);
