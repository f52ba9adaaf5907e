using System.Buffers.Binary;
using Google.Protobuf;
using Telemetry.Ingest;
using Telemetry.Registry;
using Telemetry.Wire;
using Telemetry.Wire.Profiles;
using Telemetry.Wire.V1;

namespace Telemetry.Bench;

/// <summary>Sealed batches of an exact length, for benchmarks of what carries them.</summary>
internal static class SealedBatches
{
    public const uint Profile = 0x5EED_0001;

    // Fields up to the clock, one block's tag and length, checksum field.
    private const int FillLeast = 1;

    /// <summary>One batch of exactly <paramref name="bytes"/> bytes (60 to 10,000).</summary>
    public static byte[] Seal(uint epoch, ulong seq, int bytes, uint profile = Profile)
    {
        Batch batch = new()
        {
            Epoch = epoch,
            Seq = seq,
            Boot = 1,
            Profile = profile,
            Clock = new Clock { WallUnixMs = 1_795_000_000_000, UptimeMs = 3_600_000 + seq, ErrorMs = 50, Source = ClockSource.Ntp },
        };
        int fill = bytes - batch.CalculateSize() - 5 - 2;
        if (fill > 127) fill--; // A length over 127 takes a second byte.
        byte[] block = new byte[Math.Max(fill, FillLeast)];
        for (int i = 0; i < block.Length; i++) block[i] = (byte)((seq * 31) + (ulong)(i * 7));
        batch.Blocks.Add(UnsafeByteOperations.UnsafeWrap(block));

        byte[] body = batch.ToByteArray();
        byte[] whole = new byte[body.Length + 5];
        body.CopyTo(whole, 0);
        whole[body.Length] = (15 << 3) | 5;
        BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(body.Length + 1), Crc32C.Compute(body));
        return whole;
    }
}

/// <summary>Every device exists and every profile is known: for fleets whose secrets nobody needs.</summary>
internal sealed class OpenDirectory : IDeviceDirectory
{
    public event Action<uint>? CommandChanged
    {
        add { }
        remove { }
    }

    public DirectoryEntry? Authenticate(string username, ReadOnlySpan<byte> secret) => Find(username);

    public DirectoryEntry? Find(string username) => new DirectoryEntry(new DeviceDescription(1, 1, "bench", username, "band"), false);

    public bool KnowsProfile(uint deviceKey, uint profileHash) => true;

    public bool IsErasedEpoch(uint deviceKey, uint epoch) => false;

    public DeviceOrders? FindOrders(uint deviceKey) => null;

    public void ConfirmOrders(uint deviceKey, DeviceOrders orders) => throw new NotSupportedException("Nobody is ordered anything here.");
}
