using System.Buffers.Binary;
using Google.Protobuf;
using Telemetry.Log;
using Telemetry.Testing;
using Telemetry.Wire;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;

namespace Telemetry.Influx.Tests;

/// <summary>A real log in a folder of the test, with batches any protobuf library could have written, and the names of its devices.</summary>
internal sealed class TestLog : IDeviceCatalog, IDisposable
{
    public const uint ProfileHash = 7;

    /// <summary>Unix time of uptime 0 in <see cref="Clock"/>: 2023-11-14T22:13:20Z.</summary>
    public const long BootUnixMs = 1_700_000_000_000;

    private readonly TempFolder _folder = new();

    public TestLog() => Log = Open();

    public BlockLog Log { get; private set; }

    public string RefusedFolder => _folder["refused"];

    public ModelProfile Profile { get; set; } = new("band-2", 1, ProfileHash,
    [
        new SignalDefinition(1, "heart_rate", "/min", SignalKind.Gauge, 1, 20, 250, PrivacyClass.Health, 1000),
        new SignalDefinition(2, "temperature", "Cel", SignalKind.Gauge, 0.01, -40, 85, PrivacyClass.Ambient, 1000),
        new SignalDefinition(3, "motion", "1", SignalKind.Real, 1, 0, 1e9, PrivacyClass.Activity, 1000),
    ]);

    public string DeviceName { get; set; } = "d{0}";

    public static Clock Clock(long uptimeMs) => new() { WallUnixMs = (ulong)(BootUnixMs + uptimeMs), UptimeMs = (ulong)uptimeMs, ErrorMs = 5, Source = ClockSource.Server };

    /// <summary>A block of heart rates, one a second.</summary>
    public static PlainBlock HeartRates(long startMs, params long[] values) => Block(startMs, 1000, (1, values));

    public static PlainBlock Block(long startMs, uint periodMs, params (uint Signal, long[] Values)[] columns)
    {
        PlainBlock block = new() { StartUptimeMs = (ulong)startMs, PeriodMs = periodMs, Rows = (uint)columns[0].Values.Length };
        if (periodMs == 0) block.TimeDeltasMs.Add(Enumerable.Repeat(0u, columns[0].Values.Length - 1));
        foreach ((uint signal, long[] values) in columns)
        {
            PlainColumn column = new() { Signal = signal };
            long last = 0;
            foreach (long value in values)
            {
                column.Deltas.Add(value - last);
                last = value;
            }

            block.Columns.Add(column);
        }

        return block;
    }

    /// <summary>Appends a batch and waits for its flush.</summary>
    /// <returns>Its position.</returns>
    public async Task<long> AppendAsync(uint device, ulong seq, Clock clock, IEnumerable<PlainBlock> blocks, uint boot = 1, long? receivedUnixMs = null, uint profile = ProfileHash)
    {
        Batch batch = new() { Epoch = 9, Seq = seq, Boot = boot, Profile = profile, Clock = clock, PlainBlocks = { blocks } };
        return await AppendBytesAsync(device, Seal(batch), receivedUnixMs ?? BootUnixMs);
    }

    public Task<long> AppendAsync(uint device, ulong seq, params PlainBlock[] blocks) => AppendAsync(device, seq, Clock(1_000_000), blocks);

    public async Task<long> AppendBytesAsync(uint device, byte[] bytes, long receivedUnixMs, LogRecordKind kind = LogRecordKind.Batch)
    {
        Assert.True(Log.TryAppend(kind, 0, device, receivedUnixMs, bytes, out long position));
        Assert.True(await Log.WaitDurableAsync(position));
        return position;
    }

    /// <summary>Closes the log as a crash leaves it for the next start, and opens it again.</summary>
    public void Reopen()
    {
        Log.Dispose();
        Log = Open();
    }

    public DeviceDescription? FindDevice(uint deviceKey) => new(deviceKey, 1, "acme", string.Format(null, DeviceName, deviceKey), Profile.Model);

    public ModelProfile? FindProfile(uint deviceKey, uint profileHash) => profileHash == ProfileHash ? Profile : null;

    public void Dispose()
    {
        Log.Dispose();
        _folder.Dispose();
    }

    private BlockLog Open() => BlockLog.Open(new BlockLogOptions { Folder = _folder["log"], SegmentBytes = 1 << 20, BufferBytes = 1 << 20 });

    private static byte[] Seal(Batch batch)
    {
        byte[] body = batch.ToByteArray();
        byte[] bytes = [.. body, (15 << 3) | 5, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(body.Length + 1), Crc32C.Compute(body));
        return bytes;
    }
}
