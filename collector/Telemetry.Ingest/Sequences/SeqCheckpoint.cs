using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Telemetry.Ingest.DeadLetters;
using Telemetry.Log.Disk;
using Telemetry.Wire;
using Telemetry.Wire.Ingest;

namespace Telemetry.Ingest.Sequences;

// Checkpoint file, little endian (FORMAT.md of the log):
//    0  u8[8] "TLMSEQ1\n"
//    8  u32   sections
//   12  u32   crc32c           of bytes 16..end
//   16  i64   position         the log is read from here on
//   24  sections of { u32 entries, u32 gaps, u32 letters, u32 zero } and then
//         entry   u32 deviceKey, u32 epoch, u64 mark, u64 windowLow, u64 windowHigh           32 bytes
//         gap     u32 entry (of its section), u32 unsure, u64 first, u64 last                 24 bytes
//         letter  u128 key, i64 position, i64 receivedUnixMs, u32 deviceKey, i32 bytes, u64 reason  48 bytes

/// <summary>What is known of sequences at one position of the log, so that a start need not read all of it.</summary>
internal static class SeqCheckpoint
{
    public const string FileName = "sequences.checkpoint";
    private const string WritingName = "sequences.writing";
    private const int HeaderBytes = 24;

    /// <summary>The sections of a checkpoint: one a shard, each taken under its lock, and one of dead letters.</summary>
    public static List<ReadOnlyMemory<byte>> Take(IngestShard[] shards, DeadLetterBook book)
    {
        List<ReadOnlyMemory<byte>> sections = new(shards.Length + 1);
        foreach (IngestShard shard in shards)
        {
            lock (shard.Lock) sections.Add(TakeShard(shard));
        }

        List<KeyValuePair<UInt128, DeadLetter>> letters = book.List();
        Writer writer = new(16 + (letters.Count * 48));
        writer.U32(0).U32(0).U32((uint)letters.Count).U32(0);
        foreach ((UInt128 key, DeadLetter letter) in letters)
        {
            writer.U64((ulong)key).U64((ulong)(key >> 64)).U64((ulong)letter.Position).U64((ulong)letter.ReceivedUnixMs)
                .U32(letter.DeviceKey).U32((uint)letter.Bytes).U64((ulong)letter.Reason);
        }

        sections.Add(writer.Written);
        return sections;
    }

    /// <summary>Writes and flushes a whole file beside the present one, then takes its place.</summary>
    /// <returns>Its length in bytes.</returns>
    public static long Save(ILogDisk disk, long position, IReadOnlyList<ReadOnlyMemory<byte>> sections)
    {
        long offset = HeaderBytes;
        using (ILogFile file = disk.Create(WritingName))
        {
            byte[] header = new byte[HeaderBytes];
            "TLMSEQ1\n"u8.CopyTo(header);
            BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), sections.Count);
            BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(16), position);
            uint crc = Crc32C.Compute(header.AsSpan(16));
            foreach (ReadOnlyMemory<byte> section in sections)
            {
                crc = Crc32C.Append(crc, section.Span);
                file.Write(section.Span, offset);
                offset += section.Length;
            }

            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(12), crc);
            file.Write(header, 0);
            file.Flush();
        }

        disk.Rename(WritingName, FileName);
        disk.FlushDirectory();
        return offset;
    }

    /// <summary>Reads the present checkpoint into empty shards.</summary>
    /// <param name="disk">The log's folder.</param>
    /// <param name="logEnd">A checkpoint that is ahead of this belongs to a log that is gone.</param>
    /// <param name="shardOf">Where a device's entries go.</param>
    /// <param name="book">Where dead letters go.</param>
    /// <param name="position">Where to read the log on from; 0 when there is no usable checkpoint.</param>
    /// <param name="fault">Why there is none though the file is there; null otherwise.</param>
    public static bool TryLoad(ILogDisk disk, long logEnd, Func<uint, IngestShard> shardOf, DeadLetterBook book, out long position, out string? fault)
    {
        position = 0;
        fault = null;
        if (!disk.ListFiles().Contains(FileName)) return false;
        if (!TryReadFile(disk, out byte[]? bytes, out fault)) return false;
        long savedAt = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(16));
        if (savedAt > logEnd)
        {
            fault = "it is ahead of the log";
            return false;
        }

        position = savedAt;
        Reader reader = new(bytes.AsMemory(HeaderBytes));
        for (int sections = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(8)); sections > 0; sections--) LoadSection(ref reader, shardOf, book);
        return true;
    }

    private static ReadOnlyMemory<byte> TakeShard(IngestShard shard)
    {
        int gapCount = shard.Gaps.Values.Sum(list => list.Ranges.Count);
        Writer writer = new(16 + (shard.Table.Count * 32) + (gapCount * 24));
        writer.U32((uint)shard.Table.Count).U32((uint)gapCount).U32(0).U32(0);
        for (int i = 0; i < shard.Table.Count; i++)
        {
            ref SeqEntry entry = ref shard.Table[i];
            writer.U32(entry.DeviceKey).U32(entry.Epoch).U64(entry.Mark).U64(entry.WindowLow).U64(entry.WindowHigh);
        }

        foreach ((int index, GapList gaps) in shard.Gaps)
        {
            foreach (SeqGap gap in gaps.Ranges) writer.U32((uint)index).U32(gap.IsUnsure ? 1u : 0u).U64(gap.First).U64(gap.Last);
        }

        return writer.Written;
    }

    private static void LoadSection(ref Reader reader, Func<uint, IngestShard> shardOf, DeadLetterBook book)
    {
        uint entries = reader.U32(), gaps = reader.U32(), letters = reader.U32();
        _ = reader.U32();
        (IngestShard Shard, int Index)[] places = new (IngestShard, int)[entries];
        for (uint i = 0; i < entries; i++)
        {
            uint deviceKey = reader.U32();
            IngestShard shard = shardOf(deviceKey);
            places[i] = (shard, shard.Table.Add(deviceKey, reader.U32()));
            ref SeqEntry entry = ref shard.Table[places[i].Index];
            (entry.Mark, entry.WindowLow, entry.WindowHigh) = (reader.U64(), reader.U64(), reader.U64());
        }

        for (uint i = 0; i < gaps; i++)
        {
            (IngestShard shard, int index) = places[reader.U32()];
            bool isUnsure = reader.U32() != 0;
            if (!shard.Gaps.TryGetValue(index, out GapList? list)) shard.Gaps.Add(index, list = new GapList());
            list.Add(reader.U64(), reader.U64(), isUnsure);
        }

        for (uint i = 0; i < letters; i++)
        {
            ulong low = reader.U64(), high = reader.U64();
            (long position, long receivedUnixMs) = ((long)reader.U64(), (long)reader.U64());
            (uint deviceKey, int bytes) = (reader.U32(), (int)reader.U32());
            book.Add(new UInt128(high, low), new DeadLetter(position, deviceKey, (RefusalReason)reader.U64(), receivedUnixMs, bytes));
        }
    }

    private static bool TryReadFile(ILogDisk disk, [NotNullWhen(true)] out byte[]? bytes, out string? fault)
    {
        using ILogFile file = disk.Open(FileName, forWriting: false);
        bytes = new byte[file.Length];
        bool isIntact = file.Read(bytes, 0) == bytes.Length && bytes.Length >= HeaderBytes && bytes.AsSpan().StartsWith("TLMSEQ1\n"u8)
            && BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(12)) == Crc32C.Compute(bytes.AsSpan(16));
        fault = isIntact ? null : "it is damaged";
        return isIntact;
    }

    private sealed class Writer(int capacity)
    {
        private readonly ArrayBufferWriter<byte> _bytes = new(capacity);

        public ReadOnlyMemory<byte> Written => _bytes.WrittenMemory;

        public Writer U32(uint value)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(_bytes.GetSpan(sizeof(uint)), value);
            _bytes.Advance(sizeof(uint));
            return this;
        }

        public Writer U64(ulong value)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(_bytes.GetSpan(sizeof(ulong)), value);
            _bytes.Advance(sizeof(ulong));
            return this;
        }
    }

    // Over bytes whose checksum is good: what the writer above wrote.
    private struct Reader(ReadOnlyMemory<byte> rest)
    {
        private ReadOnlyMemory<byte> _rest = rest;

        public uint U32()
        {
            uint value = BinaryPrimitives.ReadUInt32LittleEndian(_rest.Span);
            _rest = _rest[sizeof(uint)..];
            return value;
        }

        public ulong U64()
        {
            ulong value = BinaryPrimitives.ReadUInt64LittleEndian(_rest.Span);
            _rest = _rest[sizeof(ulong)..];
            return value;
        }
    }
}
