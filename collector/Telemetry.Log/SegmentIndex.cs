using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Telemetry.Log.Disk;
using Telemetry.Log.Format;
using Telemetry.Wire;

namespace Telemetry.Log;

// Index file, little endian (FORMAT.md):
//    0  u8[8] "TLMIDX1\n"
//    8  i64   basePosition     of its segment
//   16  u32   devices
//   20  u32   crc32c           seeded with the segment's seed; of everything else
//   24  u32[64] firstOffset    file offset of the first record that begins in each 64th of the segment; 0 = none
//  280  u32[devices] deviceKey, ascending
//       u64[devices] parts     bit i = the device has a record that begins in the i-th 64th

/// <summary>Which 64ths of a segment hold records of a device: 12 bytes a device and segment, whatever it sends.</summary>
/// <remarks>Filled by the writer, read by any thread.</remarks>
internal sealed class SegmentIndex(SegmentHeader segment)
{
    private const int Parts = 64;
    private const int HeaderBytes = 24 + (Parts * sizeof(uint));
    private readonly Lock _lock = new();
    private readonly Dictionary<uint, ulong> _partsByDevice = [];
    private readonly uint[] _firstOffset = new uint[Parts];

    private static ReadOnlySpan<byte> Magic => "TLMIDX1\n"u8;

    private long PartBytes => segment.MaxFileBytes / Parts;

    /// <summary>Devices with records here.</summary>
    public int DeviceCount
    {
        get
        {
            lock (_lock) return _partsByDevice.Count;
        }
    }

    /// <summary>Keys of those devices.</summary>
    public uint[] Devices()
    {
        lock (_lock) return [.. _partsByDevice.Keys];
    }

    public void Add(uint deviceKey, long offset)
    {
        lock (_lock) AddLocked(deviceKey, offset);
    }

    /// <summary>Adds whole records as they were flushed.</summary>
    public void AddRecords(ReadOnlySpan<byte> records, long position)
    {
        long offset = position - segment.BasePosition;
        lock (_lock)
        {
            while (!records.IsEmpty)
            {
                AddLocked(BinaryPrimitives.ReadUInt32LittleEndian(records[16..]), offset);
                int size = RecordFormat.SizeOf(BinaryPrimitives.ReadInt32LittleEndian(records));
                offset += size;
                records = records[size..];
            }
        }
    }

    /// <summary>Where to go on reading for a device from <paramref name="offset"/> on.</summary>
    /// <returns>The offset itself when its part holds a record of the device; else the first record of the next part that does; -1 = none.</returns>
    public long NextOffset(uint deviceKey, long offset)
    {
        lock (_lock)
        {
            int part = (int)(offset / PartBytes);
            if (part >= Parts || !_partsByDevice.TryGetValue(deviceKey, out ulong parts)) return -1;
            ulong ahead = parts >> part;
            if (ahead == 0) return -1;
            int steps = System.Numerics.BitOperations.TrailingZeroCount(ahead);
            return steps == 0 ? offset : _firstOffset[part + steps];
        }
    }

    /// <summary>Behind the name of an index file, in place of the segment's own.</summary>
    public const string Suffix = ".idx";

    public static string FileNameOf(in SegmentHeader segment) => Path.ChangeExtension(segment.FileName, Suffix);

    public void Save(ILogDisk disk)
    {
        byte[] bytes;
        lock (_lock)
        {
            uint[] keys = [.. _partsByDevice.Keys.Order()];
            bytes = new byte[HeaderBytes + (keys.Length * (sizeof(uint) + sizeof(ulong)))];
            Magic.CopyTo(bytes);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), segment.BasePosition);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), keys.Length);
            Span<byte> rest = bytes.AsSpan(24);
            foreach (uint first in _firstOffset) rest = Put(rest, first);
            foreach (uint key in keys) rest = Put(rest, key);
            foreach (uint key in keys)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(rest, _partsByDevice[key]);
                rest = rest[sizeof(ulong)..];
            }
        }

        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(20), ChecksumOf(bytes, segment.Seed));
        using ILogFile file = disk.Create(FileNameOf(segment));
        file.Write(bytes, 0);
    }

    /// <summary>Reads the index of a sealed segment, or makes it from the records where it is missing or damaged.</summary>
    public static SegmentIndex LoadOrBuild(ILogDisk disk, ILogFile segmentFile, in SegmentHeader segment)
    {
        try
        {
            using ILogFile file = disk.Open(FileNameOf(segment), forWriting: false);
            byte[] bytes = new byte[file.Length];
            if (file.Read(bytes, 0) == bytes.Length && TryParse(bytes, segment, out SegmentIndex? index)) return index;
        }
        catch (FileNotFoundException)
        {
            // Sealed by a process that ended before it kept the index.
        }

        return Build(segmentFile, segment);
    }

    private static SegmentIndex Build(ILogFile file, in SegmentHeader segment)
    {
        SegmentIndex index = new(segment);
        long limit = Math.Min(file.Length, segment.MaxFileBytes);
        SegmentScanner scanner = new(file, segment, new byte[1 << 20]);
        while (scanner.TryNext(limit, out RecordHeader record, out _)) index.AddLocked(record.DeviceKey, scanner.Offset - RecordFormat.SizeOf(record.Length));
        return index;
    }

    private static bool TryParse(ReadOnlySpan<byte> bytes, in SegmentHeader segment, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out SegmentIndex? index)
    {
        index = null;
        if (bytes.Length < HeaderBytes || !bytes.StartsWith(Magic) || BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]) != segment.BasePosition) return false;
        int devices = BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]);
        if (devices < 0 || bytes.Length != HeaderBytes + ((long)devices * (sizeof(uint) + sizeof(ulong)))) return false;
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[20..]) != ChecksumOf(bytes, segment.Seed)) return false;

        index = new SegmentIndex(segment);
        for (int i = 0; i < Parts; i++) index._firstOffset[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(24 + (i * sizeof(uint)))..]);
        ReadOnlySpan<byte> keys = bytes.Slice(HeaderBytes, devices * sizeof(uint));
        ReadOnlySpan<byte> parts = bytes[(HeaderBytes + keys.Length)..];
        index._partsByDevice.EnsureCapacity(devices);
        for (int i = 0; i < devices; i++)
        {
            index._partsByDevice[BinaryPrimitives.ReadUInt32LittleEndian(keys[(i * sizeof(uint))..])] = BinaryPrimitives.ReadUInt64LittleEndian(parts[(i * sizeof(ulong))..]);
        }

        return true;
    }

    private void AddLocked(uint deviceKey, long offset)
    {
        int part = (int)(offset / PartBytes);
        if (_firstOffset[part] == 0) _firstOffset[part] = (uint)offset;
        CollectionsMarshal.GetValueRefOrAddDefault(_partsByDevice, deviceKey, out _) |= 1UL << part;
    }

    // The seed is new with every rewriting: the index of a file that was replaced is not taken for the new file's.
    private static uint ChecksumOf(ReadOnlySpan<byte> bytes, uint seed) => Crc32C.Append(Crc32C.Append(seed, bytes[..20]), bytes[24..]);

    private static Span<byte> Put(Span<byte> destination, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, value);
        return destination[sizeof(uint)..];
    }
}
