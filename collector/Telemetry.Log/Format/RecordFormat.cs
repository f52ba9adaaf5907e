using System.Buffers.Binary;
using System.Numerics;
using Telemetry.Wire;

namespace Telemetry.Log.Format;

// Record, little endian, 8-byte aligned (FORMAT.md):
//    0  u32 length          bytes of payload, 0..MaxPayloadBytes; of a run in a packed segment, 0..MaxRunBytes
//    4  u32 crc32c          seeded with the segment's seed; of position, length, bytes 8..24+length
//    8  i64 receivedUnixMs
//   16  u32 deviceKey
//   20  u8  kind            never 0
//   21  u8  reason
//   22  u16 zero
//   24  payload, then 0-7 zero bytes
internal static class RecordFormat
{
    public const int HeaderBytes = 24;
    public const int Alignment = 8;
    public const int MaxPayloadBytes = WireLimits.MaxBatchBytes;

    /// <summary>The longest payload of a run in a packed segment: any one record fits with what the run says of it.</summary>
    public const int MaxRunBytes = 2 * MaxPayloadBytes;

    /// <summary>The largest record; a read buffer of this size holds any one.</summary>
    public const int MaxRecordBytes = HeaderBytes + MaxRunBytes;

    public static int SizeOf(int payloadBytes) => (HeaderBytes + payloadBytes + Alignment - 1) & -Alignment;

    /// <summary>Fills the header of a record whose payload already stands behind it.</summary>
    public static void WriteHeader(Span<byte> record, uint seed, long position, in RecordHeader header)
    {
        BinaryPrimitives.WriteInt32LittleEndian(record, header.Length);
        BinaryPrimitives.WriteInt64LittleEndian(record[8..], header.ReceivedUnixMs);
        BinaryPrimitives.WriteUInt32LittleEndian(record[16..], header.DeviceKey);
        record[20] = (byte)header.Kind;
        record[21] = header.Reason;
        record[22] = 0;
        record[23] = 0;
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], Checksum(seed, position, record, header));
    }

    /// <summary>Reads a header without checking its CRC.</summary>
    /// <returns>False when these 24 bytes cannot begin a record.</returns>
    public static bool TryReadHeader(ReadOnlySpan<byte> bytes, out RecordHeader header)
    {
        header = new RecordHeader(
            BinaryPrimitives.ReadInt32LittleEndian(bytes),
            (LogRecordKind)bytes[20],
            bytes[21],
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]));
        int longest = header.Kind.IsRun() ? MaxRunBytes : MaxPayloadBytes;
        return (uint)header.Length <= (uint)longest && header.Kind != 0 && bytes[22] == 0 && bytes[23] == 0;
    }

    public static bool IsIntact(ReadOnlySpan<byte> record, uint seed, long position, in RecordHeader header) =>
        BinaryPrimitives.ReadUInt32LittleEndian(record[4..]) == Checksum(seed, position, record, header);

    // The seed is a secret of the segment: a peer cannot put bytes into a payload that would pass for a record when a
    // reader looks for the next one behind damage. The position makes a record valid in one place only.
    private static uint Checksum(uint seed, long position, ReadOnlySpan<byte> record, in RecordHeader header)
    {
        uint crc = ~BitOperations.Crc32C(BitOperations.Crc32C(~seed, (ulong)position), (uint)header.Length);
        // An erased record's payload is being overwritten: only its header is vouched for.
        int end = header.Kind == LogRecordKind.Erased ? HeaderBytes : HeaderBytes + header.Length;
        return Crc32C.Append(crc, record[8..end]);
    }
}

/// <summary>The fields of a record's header.</summary>
internal readonly record struct RecordHeader(int Length, LogRecordKind Kind, byte Reason, uint DeviceKey, long ReceivedUnixMs);
