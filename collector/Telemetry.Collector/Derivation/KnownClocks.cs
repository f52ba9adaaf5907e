using System.Buffers.Binary;
using System.Globalization;
using Telemetry.Insights.Store;
using Telemetry.Wire.Batches;

namespace Telemetry.Collector.Derivation;

/// <summary>
/// The clock of each device's newest boot, kept in the insights store in the same transaction as everything derived: so that a batch that comes late,
/// sealed before its device knew the time, is placed alike before and after a restart. 36 bytes a device; one write a boot.
/// </summary>
internal sealed class KnownClocks
{
    // u32 epoch, u32 boot, u64 seq, i64 boot's Unix ms, u32 error ms, i64 uptime ms of the pair; little endian. Without the last one, as written before it was kept, the error is unknown.
    private const int Bytes = 36, BytesWithoutUptime = 28;
    private readonly BootClocks _clocks = new();

    /// <summary>Takes in a batch's pair.</summary>
    public void Learn(uint deviceKey, in BatchHeader header, InsightsTransaction store)
    {
        Load(DeviceBoot.Of(deviceKey, header), store);
        if (!_clocks.Learn(deviceKey, header)) return;
        PlacedClock clock = PlacedClock.Of(header.Clock);
        byte[] value = new byte[Bytes];
        BinaryPrimitives.WriteUInt32LittleEndian(value, header.Epoch);
        BinaryPrimitives.WriteUInt32LittleEndian(value.AsSpan(4), header.Boot);
        BinaryPrimitives.WriteUInt64LittleEndian(value.AsSpan(8), header.Seq);
        BinaryPrimitives.WriteInt64LittleEndian(value.AsSpan(16), clock.BootUnixMs);
        BinaryPrimitives.WriteUInt32LittleEndian(value.AsSpan(24), clock.ErrorMs);
        BinaryPrimitives.WriteInt64LittleEndian(value.AsSpan(BytesWithoutUptime), clock.PairUptimeMs);
        store.PutState(NameOf(deviceKey), value);
    }

    /// <summary>The clock of a batch, its own or its boot's.</summary>
    /// <returns>False when neither is known.</returns>
    public bool TryPlace(uint deviceKey, in BatchHeader header, InsightsTransaction store, out PlacedClock clock)
    {
        if (!header.Clock.IsSet) Load(DeviceBoot.Of(deviceKey, header), store);
        return _clocks.TryPlace(deviceKey, header, out clock);
    }

    private void Load(in DeviceBoot boot, InsightsTransaction store)
    {
        if (_clocks.Knows(boot) || store.GetState(NameOf(boot.DeviceKey)) is not { Length: Bytes or BytesWithoutUptime } value) return;
        DeviceBoot kept = new(boot.DeviceKey, BinaryPrimitives.ReadUInt32LittleEndian(value), BinaryPrimitives.ReadUInt32LittleEndian(value.AsSpan(4)));
        bool hasUptime = value.Length == Bytes;
        PlacedClock clock = new(
            BinaryPrimitives.ReadInt64LittleEndian(value.AsSpan(16)),
            hasUptime ? BinaryPrimitives.ReadUInt32LittleEndian(value.AsSpan(24)) : ClockReading.UnknownErrorMs,
            hasUptime ? BinaryPrimitives.ReadInt64LittleEndian(value.AsSpan(BytesWithoutUptime)) : 0);
        _clocks.Remember(kept, new BootPair(BinaryPrimitives.ReadUInt64LittleEndian(value.AsSpan(8)), clock));
    }

    private static string NameOf(uint deviceKey) => string.Create(CultureInfo.InvariantCulture, $"clock/{deviceKey:x8}");
}
