using Telemetry.Bench.Grpc;
using Telemetry.Device.Sampling;
using Telemetry.Registry;
using Telemetry.Wire.V1;

namespace Telemetry.Bench.Pipeline;

/// <summary>Users who consent, each with one wristband, and what the bands measured: the real one-second series, begun elsewhere for each, sealed by the SDK's own writers.</summary>
internal sealed class PipelineFleet
{
    private const string Brand = "bench";
    private const int MostBatchBytes = 16 * 1024;
    private const long DayMs = 86_400_000;

    private readonly WearableRows _rows;
    private readonly uint _profile;
    private readonly long _firstWallMs;
    private readonly int _days;

    private PipelineFleet(WearableRows rows, uint profile, int days, IReadOnlyList<PipelineDevice> devices)
    {
        (_rows, _profile, _days, Devices) = (rows, profile, days, devices);

        // The newest sample is a day old, so no receive time lies before it.
        long today = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() / DayMs;
        _firstWallMs = (today - days - 1) * DayMs;
    }

    public IReadOnlyList<PipelineDevice> Devices { get; }

    /// <summary>Registers the fleet in the registry of a data folder that no collector uses yet.</summary>
    public static PipelineFleet Register(string folder, WearableRows rows, int users, int days)
    {
        using DeviceRegistry registry = DeviceRegistry.Open(Path.Combine(folder, "registry.db"), TimeProvider.System);
        registry.PutBrand(Brand, "Bench");
        uint profile = registry.PutModel(Brand, WearableRows.ProfileJson).Profile.Hash;
        UserKey[] keys = [.. Enumerable.Range(0, users).Select(number => UserKey.Parse($"user{number}"))];
        registry.AddUsers([.. keys.Select(key => new NewUser(key, 60) { Consents = [new ConsentEntry(ConsentPurpose.Insights, "", true, 0)] })]);
        IReadOnlyList<NewCredentials> credentials = registry.AddDevices([.. keys.Select(key => new NewDevice(Brand, $"band-{key.Text}", "wearable"))]);
        List<PipelineDevice> devices = [];
        for (int i = 0; i < users; i++)
        {
            registry.Bind(new DeviceBinding(credentials[i].Device.DeviceKey, keys[i], 0, DeviceBinding.Open));
            devices.Add(new PipelineDevice(keys[i], credentials[i].Username, credentials[i].Secret));
        }

        return new PipelineFleet(rows, profile, days, devices);
    }

    /// <summary>What a device sends in an epoch: all its days, one block of <paramref name="rowsPerBlock"/> rows a batch.</summary>
    public PipelineRecording Record(int device, uint epoch, int rowsPerBlock)
    {
        BlockEncoder encoder = new([1, 2, 3], [BlockEncoder.KindInteger, BlockEncoder.KindInteger, BlockEncoder.KindInteger], rowsPerBlock, 64 * 1024);
        byte[] buffer = new byte[MostBatchBytes];
        List<byte[]> batches = [];
        long samples = 0, uptimeMs = 1_000 * (device % 30), lastMs = 0, endMs = _days * DayMs; // devices do not seal at the same second
        for (int at = device * 977; ; at++)
        {
            (int deltaS, int[] values) = _rows.Cycle(at);
            long nextMs = uptimeMs + (1_000L * deltaS);
            bool isOver = nextMs >= endMs;
            if (isOver || !TryAdd(encoder, values, nextMs))
            {
                int end = BatchWriter.WriteHead(
                    buffer, 0, epoch, (ulong)batches.Count + 1, 1, _profile, (ulong)(_firstWallMs + lastMs), (ulong)lastMs, 50, (int)ClockSource.Ntp);
                end = BatchWriter.WriteBlock(buffer, end, encoder);
                end = BatchWriter.WriteTrailer(buffer, end, Crc32c.Update(0, buffer, 0, end));
                batches.Add(buffer.AsSpan(0, end).ToArray());
                if (isOver) break;
                TryAdd(encoder, values, nextMs);
            }

            samples += WearableRows.Columns;
            uptimeMs = lastMs = nextMs;
        }

        return new PipelineRecording(batches, samples);
    }

    private static bool TryAdd(BlockEncoder encoder, int[] values, long uptimeMs)
    {
        for (int column = 0; column < values.Length; column++) encoder.Set(column, values[column]);
        return encoder.TryAddRow(uptimeMs, 0);
    }
}

/// <summary>A wristband and its wearer.</summary>
internal sealed record PipelineDevice(UserKey User, string Username, string Secret);

/// <summary>Sealed batches in the order of their seq, and the samples in them.</summary>
internal sealed record PipelineRecording(IReadOnlyList<byte[]> Batches, long Samples);
