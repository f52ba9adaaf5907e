using System.Numerics;

namespace Telemetry.Scenarios.Minutes;

/// <summary>Minute rows as bytes at rest. Equal rows have equal bytes.</summary>
/// <remarks>
/// <code>
///   u8      version, 1
///   varint  devices, then per device in ascending key:
///     varint  device key
///     varint  slots, bit n = slot n
///     varint  masked, worn, charging, estimated
///     per slot in ascending number: varint count, zigzag sum, zigzag min, varint max - min
/// </code>
/// A wristband with four signals takes about 45 bytes.
/// </remarks>
public static class MinuteRowCodec
{
    /// <summary>The version written today; every older one stays readable.</summary>
    public const byte Version = 1;

    private const int MaxBytesOfSlot = 5 + 10 + 5 + 5; // count, sum, min, range
    private const int MaxBytesOfDevice = 5 + 10 + (4 * 5); // key, slots, four counts

    /// <summary>Serializes a row.</summary>
    public static byte[] Write(MinuteRow row)
    {
        int bound = 2;
        foreach (DeviceMinute device in row.Devices) bound += MaxBytesOfDevice + (BitOperations.PopCount(device.Slots) * MaxBytesOfSlot);
        Span<byte> buffer = bound <= 2048 ? stackalloc byte[bound] : new byte[bound];

        int at = 0;
        buffer[at++] = Version;
        PutVarint(buffer, ref at, (ulong)row.Devices.Count);
        foreach (DeviceMinute device in row.Devices)
        {
            PutVarint(buffer, ref at, device.DeviceKey);
            PutVarint(buffer, ref at, device.Slots);
            PutVarint(buffer, ref at, (ulong)device.Masked);
            PutVarint(buffer, ref at, (ulong)device.Worn);
            PutVarint(buffer, ref at, (ulong)device.Charging);
            PutVarint(buffer, ref at, (ulong)device.Estimated);
            for (ulong rest = device.Slots; rest != 0; rest &= rest - 1)
            {
                ref readonly SlotStats cell = ref device[(SignalSlot)BitOperations.TrailingZeroCount(rest)];
                PutVarint(buffer, ref at, (ulong)cell.Count);
                PutVarint(buffer, ref at, ZigZag(cell.Sum));
                PutVarint(buffer, ref at, ZigZag(cell.Min));
                PutVarint(buffer, ref at, (ulong)((long)cell.Max - cell.Min));
            }
        }

        return buffer[..at].ToArray();
    }

    /// <summary>Reads a row.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a row of a known version.</exception>
    public static MinuteRow Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 2 || bytes[0] != Version) throw Damaged();
        int at = 1;
        MinuteRow row = new();
        ulong devices = GetVarint(bytes, ref at);
        if (devices > MinuteRow.MaxDevices) throw Damaged();
        for (ulong i = 0; i < devices; i++)
        {
            DeviceMinute device = row.Device((uint)GetVarint(bytes, ref at)) ?? throw Damaged();
            ulong slots = GetVarint(bytes, ref at);
            if (slots >> SlotCatalog.Count != 0) throw Damaged();
            device.AddQuality((int)GetVarint(bytes, ref at), (int)GetVarint(bytes, ref at), (int)GetVarint(bytes, ref at), (int)GetVarint(bytes, ref at));
            for (; slots != 0; slots &= slots - 1)
            {
                ref SlotStats cell = ref device.Cell((SignalSlot)BitOperations.TrailingZeroCount(slots));
                cell.Count = (int)GetVarint(bytes, ref at);
                cell.Sum = UnZigZag(GetVarint(bytes, ref at));
                cell.Min = (int)UnZigZag(GetVarint(bytes, ref at));
                cell.Max = (int)(cell.Min + (long)GetVarint(bytes, ref at));
            }
        }

        if (at != bytes.Length) throw Damaged();
        return row;
    }

    private static void PutVarint(Span<byte> buffer, ref int at, ulong value)
    {
        for (; value >= 0x80; value >>= 7) buffer[at++] = (byte)(value | 0x80);
        buffer[at++] = (byte)value;
    }

    private static ulong GetVarint(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64 && at < bytes.Length; shift += 7)
        {
            byte next = bytes[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }

        throw Damaged();
    }

    private static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    private static long UnZigZag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);

    private static InvalidDataException Damaged() =>
        new($"A minute row is damaged or of an unknown version; version {Version} is expected. Rebuild the user's minutes from the log.");
}
