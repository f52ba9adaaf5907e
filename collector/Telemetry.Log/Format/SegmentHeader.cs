using System.Buffers.Binary;
using System.Globalization;
using Telemetry.Log.Disk;
using Telemetry.Wire;

namespace Telemetry.Log.Format;

// Segment file, little endian (FORMAT.md):
//    0  u8[8] "TLMSEG1\n"
//    8  u32   version        1 records as they came; packed, runs of records (Rewriting/): 2 without and 3 with recordBytes and spanBytes
//   12  u32   seed           of every record's CRC; random
//   16  i64   basePosition   position of byte 0
//   24  i64   segmentBytes   what its records may take; unless spanBytes says more, the next segment's base is basePosition + segmentBytes
//   32  i64   createdUnixMs
//   40  u32   compacted      1 = the batches of a packed segment stand in long runs where they can
//   44  u32   recordBytes    what the records of a packed segment took as they were appended
//   48  i64   spanBytes      the next segment's base is basePosition + spanBytes: what was merged stood in several segments
//   56  zero
//   60  u32   crc32c         of bytes 0..59
//   64  the same 64 bytes again, so that one rotted byte does not cost a segment
//  128  records
internal readonly record struct SegmentHeader(long BasePosition, long SegmentBytes, uint Seed, long CreatedUnixMs, bool IsPacked = false, bool IsCompacted = false)
{
    public const int Bytes = 128;
    private const int CopyBytes = 64;
    private const uint PlainVersion = 1;
    private const uint PackedVersion = 2;
    private const uint SizedVersion = 3;
    private const string Suffix = ".seg";

    private static ReadOnlySpan<byte> Magic => "TLMSEG1\n"u8;

    public long FirstRecordPosition => BasePosition + Bytes;

    /// <summary>Positions it stands for: those of one segment, or of all that were merged into it.</summary>
    public long SpanBytes { get; init; } = SegmentBytes;

    /// <summary>What its records took as they were appended; where the file does not say it, the most that it can be.</summary>
    public long RecordBytes { get; init; } = SegmentBytes;

    public long EndPosition => BasePosition + SpanBytes;

    /// <summary>The file is never longer. A packed one may outgrow the records it stands for: a device's only record costs a run of its own.</summary>
    public long MaxFileBytes => IsPacked ? 2 * SegmentBytes : SegmentBytes;

    public string FileName => FileNameOf(BasePosition);

    public static string FileNameOf(long basePosition) => basePosition.ToString("x16", CultureInfo.InvariantCulture) + Suffix;

    public static bool TryParseFileName(string name, out long basePosition, string suffix = Suffix)
    {
        basePosition = 0;
        return name.Length == 16 + suffix.Length && name.EndsWith(suffix, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out basePosition) && basePosition >= 0;
    }

    public void Write(ILogFile file)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        bytes.Clear();
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], IsPacked ? SizedVersion : PlainVersion);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], Seed);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[16..], BasePosition);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[24..], SegmentBytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[32..], CreatedUnixMs);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[40..], IsCompacted ? 1u : 0);
        if (IsPacked)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[44..], (uint)RecordBytes);
            BinaryPrimitives.WriteInt64LittleEndian(bytes[48..], SpanBytes);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(bytes[60..], Crc32C.Compute(bytes[..60]));
        bytes[..CopyBytes].CopyTo(bytes[CopyBytes..]);
        file.Write(bytes, 0);
    }

    /// <summary>Reads whichever copy is intact and names the same base position as the file.</summary>
    public static bool TryRead(ILogFile file, long basePosition, out SegmentHeader header)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        int count = file.Read(bytes, 0);
        for (int copy = 0; copy + CopyBytes <= count; copy += CopyBytes)
        {
            if (TryParse(bytes.Slice(copy, CopyBytes), out header) && header.BasePosition == basePosition) return true;
        }

        header = default;
        return false;
    }

    private static bool TryParse(ReadOnlySpan<byte> bytes, out SegmentHeader header)
    {
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        header = new SegmentHeader(
            BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]),
            IsPacked: version is PackedVersion or SizedVersion,
            IsCompacted: BinaryPrimitives.ReadUInt32LittleEndian(bytes[40..]) == 1);
        if (version == SizedVersion)
        {
            header = header with { RecordBytes = BinaryPrimitives.ReadUInt32LittleEndian(bytes[44..]), SpanBytes = BinaryPrimitives.ReadInt64LittleEndian(bytes[48..]) };
        }

        return bytes.StartsWith(Magic)
            && (version is PlainVersion or PackedVersion or SizedVersion)
            && BinaryPrimitives.ReadUInt32LittleEndian(bytes[60..]) == Crc32C.Compute(bytes[..60]);
    }
}
