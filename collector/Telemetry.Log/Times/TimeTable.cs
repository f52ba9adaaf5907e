using System.Buffers;
using System.Buffers.Binary;
using Telemetry.Log.Disk;
using Telemetry.Log.Format;
using Telemetry.Log.Rewriting;
using Telemetry.Wire;

namespace Telemetry.Log.Times;

// Time table, little endian (FORMAT.md):
//    0  u8[8] "TLMTIM1\n"
//    8  i64   basePosition   of its segment
//   16  u32   crc32c         seeded with the segment's seed; of everything else
//   20  devices, ascending, each:
//         varint  key - key of the device before; of the first the key
//         varint  bytes of its strides
//         strides, by their place in the file, each:
//           varint  (offset - end of the stride before) / 8; of the first offset / 8
//           varint  (end - offset) / 8
//           varint  first second - last second of the stride before, zigzag; of the first, less the second in which the segment was created
//           varint  last second - first second
//           varint  2 * samples + 1 if it holds a batch without a clock: then both seconds mean nothing

/// <summary>When the rows of each device's strides were measured: what a question about an hour need not read of a sealed segment.</summary>
/// <remarks>Does not change; thread-safe. About 10 bytes a stride.</remarks>
internal sealed class TimeTable
{
    private const int HeaderBytes = 20;
    private const int ChecksumAt = 16;
    private const long MsPerSecond = 1000;
    private readonly SegmentHeader _segment;
    private readonly byte[] _bytes;

    private TimeTable(in SegmentHeader segment, byte[] bytes) => (_segment, _bytes) = (segment, bytes);

    /// <summary>Behind the name of a table's file, in place of the segment's own.</summary>
    public const string Suffix = ".times";

    private static ReadOnlySpan<byte> Magic => "TLMTIM1\n"u8;

    public static string FileNameOf(in SegmentHeader segment) => Path.ChangeExtension(segment.FileName, Suffix);

    /// <summary>The table of a segment whose devices are written out.</summary>
    public static TimeTable Of(in SegmentHeader segment, ReadOnlySpan<byte> devices)
    {
        byte[] bytes = new byte[HeaderBytes + devices.Length];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), segment.BasePosition);
        devices.CopyTo(bytes.AsSpan(HeaderBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(ChecksumAt), ChecksumOf(bytes, segment.Seed));
        return new TimeTable(segment, bytes);
    }

    /// <summary>Makes the table from the records.</summary>
    /// <param name="file">The segment's file.</param>
    /// <param name="segment">Its header, read from that file; sealed, or being written: then only what stands before <paramref name="limit"/> counts.</param>
    /// <param name="limit">Nothing from this offset on is read.</param>
    /// <param name="deviceKey">0 = every device.</param>
    /// <param name="nextOffset">As with <see cref="BatchWalk"/>.</param>
    public static TimeTable Build(ILogFile file, in SegmentHeader segment, long limit, uint deviceKey = 0, Func<long, long>? nextOffset = null)
    {
        TimeTableBuilder table = new(segment);
        BatchWalk walk = new(file, segment, Math.Min(limit, Math.Min(file.Length, segment.MaxFileBytes)), deviceKey, nextOffset);
        while (walk.TryNext()) table.Add(walk.DeviceKey, walk.Offset, walk.EndOffset, TimeBounds.Of(walk.Rows));
        return table.ToTable();
    }

    /// <summary>Reads the table of a sealed segment.</summary>
    /// <returns>Null where there is none, a damaged one, or that of a file which was replaced.</returns>
    public static TimeTable? TryLoad(ILogDisk disk, in SegmentHeader segment)
    {
        try
        {
            using ILogFile file = disk.Open(FileNameOf(segment), forWriting: false);
            byte[] bytes = new byte[file.Length];
            bool isIntact = file.Read(bytes, 0) == bytes.Length && bytes.Length >= HeaderBytes && bytes.AsSpan().StartsWith(Magic)
                && BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(8)) == segment.BasePosition
                && BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(ChecksumAt)) == ChecksumOf(bytes, segment.Seed);
            return isIntact ? new TimeTable(segment, bytes) : null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Keeps it beside the segment. Not flushed: it can be made again.</summary>
    public void Save(ILogDisk disk)
    {
        using ILogFile file = disk.Create(FileNameOf(_segment));
        file.Write(_bytes, 0);
    }

    /// <summary>The strides of a device, by their place in the file.</summary>
    /// <returns>False when the table does not follow the format.</returns>
    public bool TryFind(uint deviceKey, List<TimeStride> strides)
    {
        strides.Clear();
        ReadOnlySpan<byte> rest = _bytes.AsSpan(HeaderBytes);
        ulong key = 0;
        while (!rest.IsEmpty)
        {
            if (!Run.TryTakeVarint(ref rest, out ulong step) || !Run.TryTakeFrame(ref rest, out ReadOnlySpan<byte> ofDevice)) return false;
            key += step;
            if (key < deviceKey) continue;
            if (key > deviceKey) return true;
            StrideState state = StrideState.Of(_segment);
            while (!ofDevice.IsEmpty)
            {
                if (!state.TryRead(ref ofDevice, out TimeStride stride) || stride.EndOffset > _segment.MaxFileBytes) return false;
                strides.Add(stride);
            }
        }

        return true;
    }

    // The seed is new with every rewriting: the table of a file that was replaced is not taken for the new file's.
    private static uint ChecksumOf(ReadOnlySpan<byte> bytes, uint seed) => Crc32C.Append(Crc32C.Append(seed, bytes[..ChecksumAt]), bytes[HeaderBytes..]);

    /// <summary>What a stride is written against: the end of the one before.</summary>
    internal struct StrideState
    {
        private long _endOffset;
        private long _lastSecond;

        public static StrideState Of(in SegmentHeader segment) => new() { _lastSecond = segment.CreatedUnixMs / MsPerSecond };

        public void Write(ArrayBufferWriter<byte> output, in TimeStride stride)
        {
            // Outward, so that whole seconds hold every row.
            bool isPlaced = !stride.HasUnplaced;
            long first = isPlaced ? FloorSeconds(stride.FromUnixMs) : _lastSecond;
            long last = isPlaced ? FloorSeconds(stride.ToUnixMs + MsPerSecond - 1) : _lastSecond;
            Run.PutVarint(output, (ulong)(stride.Offset - _endOffset) / RecordFormat.Alignment);
            Run.PutVarint(output, (ulong)(stride.EndOffset - stride.Offset) / RecordFormat.Alignment);
            Run.PutVarint(output, Run.ZigZag(first - _lastSecond));
            Run.PutVarint(output, (ulong)(last - first));
            Run.PutVarint(output, ((ulong)stride.Samples << 1) | (isPlaced ? 0ul : 1));
            (_endOffset, _lastSecond) = (stride.EndOffset, last);
        }

        public bool TryRead(ref ReadOnlySpan<byte> rest, out TimeStride stride)
        {
            stride = default;
            if (!Run.TryTakeVarint(ref rest, out ulong gap) || !Run.TryTakeVarint(ref rest, out ulong length) || !Run.TryTakeVarint(ref rest, out ulong later)
                || !Run.TryTakeVarint(ref rest, out ulong seconds) || !Run.TryTakeVarint(ref rest, out ulong samples)) return false;
            long offset = _endOffset + ((long)gap * RecordFormat.Alignment), first = _lastSecond + Run.UnZigZag(later);
            (_endOffset, _lastSecond) = (offset + ((long)length * RecordFormat.Alignment), first + (long)seconds);
            stride = new TimeStride(first * MsPerSecond, _lastSecond * MsPerSecond, (long)(samples >> 1)) { Offset = offset, EndOffset = _endOffset, HasUnplaced = (samples & 1) != 0 };
            return offset >= SegmentHeader.Bytes && _endOffset > offset;
        }

        private static long FloorSeconds(long unixMs) => (unixMs - (((unixMs % MsPerSecond) + MsPerSecond) % MsPerSecond)) / MsPerSecond;
    }
}
