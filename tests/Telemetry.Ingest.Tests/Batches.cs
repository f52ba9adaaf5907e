using System.Buffers.Binary;
using Google.Protobuf;
using Telemetry.Wire;
using Telemetry.Wire.V1;

namespace Telemetry.Ingest.Tests;

/// <summary>Sealed batches as any protobuf library would build them.</summary>
internal static class Batches
{
    public const uint KnownProfile = 0x1001;

    public static byte[] Seal(uint epoch, ulong seq, uint profile = KnownProfile, int fill = 0)
    {
        Batch batch = new()
        {
            Epoch = epoch,
            Seq = seq,
            Boot = 1,
            Profile = profile,
            Clock = new Clock { WallUnixMs = 1_700_000_000_000, UptimeMs = 5_000, ErrorMs = 100, Source = ClockSource.Ntp },
        };
        if (fill > 0)
        {
            byte[] block = new byte[fill];
            new Random((int)seq).NextBytes(block);
            batch.Blocks.Add(ByteString.CopyFrom(block));
        }

        byte[] body = batch.ToByteArray();
        byte[] whole = new byte[body.Length + 5];
        body.CopyTo(whole, 0);
        whole[body.Length] = (15 << 3) | 5;
        BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(body.Length + 1), Crc32C.Compute(body));
        return whole;
    }
}
