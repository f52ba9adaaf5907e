using System.Buffers;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Telemetry.Collector.Options;
using Telemetry.Collector.Upkeep;
using Telemetry.Log;
using Telemetry.Registry;
using Telemetry.Testing;
using Telemetry.Wire.Batches;
using Telemetry.Wire.Blocks;
using Telemetry.Wire.V1;

namespace Telemetry.Collector.Tests.Upkeep;

/// <summary>What becomes of a small fleet's log by itself: no segment of it is ever full, and yet it is packed, and what is due goes.</summary>
public sealed class LogUpkeepTests : IDisposable
{
    private const long BeginUnixMs = 1_795_000_000_000;

    private readonly TempFolder _folder = new();
    private readonly ManualTime _time = new(BeginUnixMs);
    private readonly DeviceRegistry _registry;
    private readonly BlockLog _log;
    private readonly uint[] _devices;
    private ulong _seq;
    private long _sentBytes;

    public LogUpkeepTests()
    {
        _registry = DeviceRegistry.Open(_folder["registry.db"], _time);
        _devices = [.. new[] { "acme", "lux" }.Select(AddDevice)];
        _log = BlockLog.Open(new BlockLogOptions { Folder = _folder["log"], SegmentBytes = 1 << 20, BufferBytes = 1 << 20 }, NullLogger<BlockLog>.Instance, _time);
    }

    public void Dispose()
    {
        _log.Dispose();
        _registry.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Pass_HourByHourOverWeeks_PacksWhatIsOldAndTakesWhatIsDue()
    {
        LogUpkeep upkeep = Upkeep(new RetentionRule { Brand = "acme", Days = 10 });
        Dictionary<uint, List<string>> sent = _devices.ToDictionary(device => device, _ => new List<string>());
        for (int hour = 0; hour < 72; hour++)
        {
            foreach (uint device in _devices) sent[device].Add(await AppendAsync(device));
            _time.Advance(TimeSpan.FromHours(1));
            await upkeep.PassAsync(CancellationToken.None);
        }

        Assert.All(_devices, device => Assert.Equal(sent[device], Hashes(device)));
        for (int day = 3; day < 12; day++)
        {
            _time.Advance(TimeSpan.FromDays(1));
            await upkeep.PassAsync(CancellationToken.None);
        }

        // Day 12: of acme's three days the last at most.
        Assert.InRange(Hashes(_devices[0]).Count, 1, 48);
        Assert.EndsWith(string.Join(' ', Hashes(_devices[0])), string.Join(' ', sent[_devices[0]]), StringComparison.Ordinal);
        _time.Advance(TimeSpan.FromDays(2));
        await upkeep.PassAsync(CancellationToken.None);
        Assert.Empty(Hashes(_devices[0]));
        Assert.Equal(sent[_devices[1]], Hashes(_devices[1]));
        Assert.InRange(SealedBytes(), 1, _sentBytes / 2 / 2); // lux's half, in half of its bytes
    }

    [Fact]
    public async Task Run_PassesAtOnceAndThenAgainAfterEachPause()
    {
        LogUpkeep upkeep = Upkeep(new RetentionRule { Days = 1 });
        await AppendAsync(_devices[0]);
        using CancellationTokenSource stop = new();
        Task run = upkeep.RunAsync(stop.Token);
        await _time.TimerAsync(LogUpkeep.Pause);
        Assert.Single(Hashes(_devices[0]));

        _time.Advance(TimeSpan.FromDays(3));
        await _time.TimerAsync(LogUpkeep.Pause);
        Assert.Empty(Hashes(_devices[0]));
        await stop.CancelAsync();
        await run.WaitAsync(TimeSpan.FromSeconds(100));
    }

    private LogUpkeep Upkeep(params RetentionRule[] rules) => new(
        _log, _registry, CollectorOptions.OnFreePorts(_folder["data"]) with { Retention = rules, KeepVerbatim = TimeSpan.FromHours(12) }, _time, NullLogger<LogUpkeep>.Instance);

    private uint AddDevice(string brand)
    {
        _registry.PutBrand(brand, "");
        _registry.PutModel(brand, """{"model":"band","version":1,"signals":[{"id":1,"key":"heart_rate","unit":"/min","kind":"gauge","resolution":1,"min":0,"max":300,"privacy":"health","periodMs":1000}]}""");
        return _registry.AddDevice(new NewDevice(brand, "b1", "band")).Device.DeviceKey;
    }

    // One batch received now, packed as the SDK packs it; the hash of its bytes.
    private async Task<string> AppendAsync(uint device)
    {
        RowBuffer rows = new([1], [BlockPacker.NarrowKind]);
        long uptimeMs = 3_600_000 * (long)++_seq;
        for (int row = 0; row < 60; row++) rows.Add(uptimeMs - 3_600_000 + (row * 60_000), 1, 60 + (row % 3));
        ArrayBufferWriter<byte> block = new();
        new BlockPacker().Pack(block, rows, 0, 60, stepsInSeconds: true);
        BatchPacker packer = new();
        packer.Begin(new BatchHeader(9, _seq, 1, _registry.Models("acme")[0].Profile.Hash, new ClockReading(_time.GetUtcNow().ToUnixTimeMilliseconds(), uptimeMs, 5, (int)ClockSource.Server), 1, 0));
        packer.AddBlock(block.WrittenSpan);
        byte[] sealedBatch = packer.Seal().ToArray();
        _sentBytes += sealedBatch.Length;
        Assert.True(_log.TryAppend(LogRecordKind.Batch, 0, device, _time.GetUtcNow().ToUnixTimeMilliseconds(), sealedBatch, out long position));
        Assert.True(await _log.WaitDurableAsync(position));
        return Convert.ToHexString(SHA256.HashData(sealedBatch));
    }

    private List<string> Hashes(uint device)
    {
        List<string> hashes = [];
        using LogReader reader = _log.OpenDeviceReader(0, device);
        while (reader.TryRead(out LogRecord record))
        {
            if (record.Kind == LogRecordKind.Batch) hashes.Add(Convert.ToHexString(SHA256.HashData(record.Payload.Span)));
        }

        return hashes;
    }

    private long SealedBytes() => Directory.EnumerateFiles(_folder["log"], "*.seg").Order(StringComparer.Ordinal).SkipLast(1).Sum(file => new FileInfo(file).Length);
}
