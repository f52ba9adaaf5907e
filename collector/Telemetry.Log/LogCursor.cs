using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using Telemetry.Log.Disk;
using Telemetry.Wire;

namespace Telemetry.Log;

// Cursor file, little endian: two slots at 0 and 4096, written in turn, so that a torn write leaves the other one.
//    0  u8[8] "TLMCUR1\n"
//    8  u64   generation     the higher intact slot holds
//   16  i64   position
//   24  u32   crc32c         of bytes 0..23

/// <summary>A consumer's durable place in the log. A consumer that keeps its place in its own transaction needs none, or one for its lag only.</summary>
/// <remarks>One owner.</remarks>
public sealed class LogCursor : IDisposable
{
    private const string Suffix = ".cursor";
    private const int SlotBytes = 28;
    private const int SlotStride = 4096;
    private readonly ILogFile _file;
    private ulong _generation;
    private long _position;

    internal LogCursor(BlockLog log, string name)
    {
        Name = name;
        string fileName = FileNameOf(name);
        if (!log.Disk.ListFiles().Contains(fileName))
        {
            _file = log.Disk.Create(fileName);
            Save(0);
            log.Disk.FlushDirectory();
            return;
        }

        _file = log.Disk.Open(fileName, forWriting: true);
        if (TryReadSlot(_file, 0, ref _generation, ref _position) | TryReadSlot(_file, SlotStride, ref _generation, ref _position))
        {
            // A cursor ahead of the log speaks of records that are gone with the log it belonged to.
            _position = Math.Min(_position, log.DurablePosition);
        }
        else
        {
            LogEvents.CursorReset(log.Logger, name);
        }
    }

    /// <summary>The consumer's name.</summary>
    public string Name { get; }

    /// <summary>Where to open the reader; 0 = the beginning.</summary>
    public long Position => Volatile.Read(ref _position);

    /// <summary>Keeps the place: everything before <paramref name="position"/> is done. Returns once it survives a power cut.</summary>
    /// <exception cref="IOException">The disk refuses; the place before still holds.</exception>
    public void Save(long position)
    {
        ulong generation = _generation + 1;
        Span<byte> slot = stackalloc byte[SlotBytes];
        "TLMCUR1\n"u8.CopyTo(slot);
        BinaryPrimitives.WriteUInt64LittleEndian(slot[8..], generation);
        BinaryPrimitives.WriteInt64LittleEndian(slot[16..], position);
        BinaryPrimitives.WriteUInt32LittleEndian(slot[24..], Crc32C.Compute(slot[..24]));
        _file.Write(slot, generation % 2 == 0 ? 0 : SlotStride);
        _file.Flush();
        _generation = generation;
        Volatile.Write(ref _position, position);
    }

    /// <summary>Moves the place without writing it, for a consumer that keeps it elsewhere; it shows in the lag.</summary>
    public void Report(long position) => Volatile.Write(ref _position, position);

    public void Dispose() => _file.Dispose();

    /// <summary>Reads the cursor in a file of a stopped log.</summary>
    /// <returns>False when the name is not a cursor's. A cursor without an intact slot has position -1.</returns>
    internal static bool TryReadFile(ILogDisk disk, string fileName, [NotNullWhen(true)] out string? consumer, out long position)
    {
        consumer = fileName.EndsWith(Suffix, StringComparison.Ordinal) ? fileName[..^Suffix.Length] : null;
        position = -1;
        if (consumer is null) return false;
        using ILogFile file = disk.Open(fileName, forWriting: false);
        ulong generation = 0;
        _ = TryReadSlot(file, 0, ref generation, ref position) | TryReadSlot(file, SlotStride, ref generation, ref position);
        return true;
    }

    private static string FileNameOf(string name) => name + Suffix;

    private static bool TryReadSlot(ILogFile file, long offset, ref ulong generation, ref long position)
    {
        Span<byte> slot = stackalloc byte[SlotBytes];
        if (file.Read(slot, offset) < SlotBytes || !slot.StartsWith("TLMCUR1\n"u8)) return false;
        if (BinaryPrimitives.ReadUInt32LittleEndian(slot[24..]) != Crc32C.Compute(slot[..24])) return false;
        ulong found = BinaryPrimitives.ReadUInt64LittleEndian(slot[8..]);
        if (found < generation) return true;
        generation = found;
        position = BinaryPrimitives.ReadInt64LittleEndian(slot[16..]);
        return true;
    }
}

/// <content>The consumers' cursors.</content>
public sealed partial class BlockLog
{
    private readonly Lock _cursorLock = new();
    private readonly Dictionary<string, LogCursor> _cursors = new(StringComparer.Ordinal);

    /// <summary>The durable place of a consumer, made at the beginning of the log when it is new.</summary>
    /// <param name="name">1-40 of a-z, 0-9 and '-'. One owner a name.</param>
    /// <exception cref="ArgumentException">The name holds other characters.</exception>
    public LogCursor OpenCursor(string name)
    {
        if (name.Length is 0 or > 40 || name.AsSpan().ContainsAnyExcept("abcdefghijklmnopqrstuvwxyz0123456789-"))
        {
            throw new ArgumentException($"Cursor name '{name}' is not 1-40 of a-z, 0-9 and '-'.", nameof(name));
        }

        lock (_cursorLock)
        {
            if (!_cursors.TryGetValue(name, out LogCursor? cursor)) _cursors.Add(name, cursor = new LogCursor(this, name));
            return cursor;
        }
    }

    /// <summary>Bytes each consumer has yet to read.</summary>
    public IReadOnlyList<(string Consumer, long Bytes)> ConsumerLags()
    {
        lock (_cursorLock)
        {
            return [.. _cursors.Values.Select(cursor => (cursor.Name, BytesBehind(cursor.Position)))];
        }
    }

    internal IEnumerable<Measurement<long>> ObserveLags() =>
        ConsumerLags().Select(lag => new Measurement<long>(lag.Bytes, new KeyValuePair<string, object?>("consumer", lag.Consumer)));
}
