using System.Buffers.Binary;

namespace Telemetry.Simulator.Fit;

/// <summary>
/// Reads FIT files (Flexible and Interoperable Data Transfer protocol, versions 1 and 2): 12 and 14 byte headers, both byte
/// orders, compressed timestamps, developer fields (skipped by their size), chained files.
/// </summary>
/// <remarks>
/// Never throws on a file's content: reading ends at the first fault and <see cref="FitActivity.Damage"/> says where it is. What was
/// read before it is kept, because a watch that lost power writes exactly such files. A header that is not one yields nothing.
/// </remarks>
public sealed class FitReader
{
    /// <summary>A larger file is refused before it is read; a day of 1 Hz records with every known field takes about 10 MiB.</summary>
    public const int MaxFileBytes = 64 * 1024 * 1024;

    private const int LeastHeaderBytes = 12;
    private const int HeaderWithCrcBytes = 14;
    private const int CrcBytes = 2;
    private const int TimestampField = 253;
    private const uint SignatureLittleEndian = 0x5449462E; // ".FIT"

    private readonly byte[] _file;
    private readonly FitDefinition?[] _definitions = new FitDefinition?[16]; // 4 bits of local message type
    private readonly FitFields _fields = new();
    private readonly FitActivity _activity = new();
    private uint _lastTimestamp;

    private FitReader(byte[] file) => _file = file;

    /// <summary>Reads a file from disk.</summary>
    /// <exception cref="IOException">The file cannot be opened or read.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not read it.</exception>
    public static FitActivity Read(string path)
    {
        FileInfo info = new(path);
        if (info.Length > MaxFileBytes)
        {
            FitActivity tooLarge = new() { Damage = new FitDamage(0, $"a file of {info.Length} bytes", $"at most {MaxFileBytes}") };
            return tooLarge;
        }

        return Read(File.ReadAllBytes(path));
    }

    /// <summary>Reads a file that is in memory. The array is not kept.</summary>
    public static FitActivity Read(byte[] file)
    {
        FitReader reader = new(file);
        int offset = 0;
        do
        {
            reader.ReadChained(ref offset);
        }
        while (reader._activity.Damage is null && offset < file.Length);
        return reader._activity;
    }

    /// <summary>Reads one header, its messages and its CRC; files may follow each other in one.</summary>
    private void ReadChained(ref int offset)
    {
        int start = offset;
        if (!TryReadHeader(start, out int headerBytes, out uint dataBytes)) return;
        Array.Clear(_definitions);
        _lastTimestamp = 0;

        long declaredEnd = start + (long)headerBytes + dataBytes;
        int end = (int)Math.Min(declaredEnd, _file.Length);
        offset = start + headerBytes;
        while (offset < end)
        {
            if (!TryReadMessage(ref offset, end))
            {
                // A message that runs past the bytes of a shortened file is the same fault, told by its cause.
                if (declaredEnd > _file.Length) Shortened(declaredEnd);
                return;
            }
        }

        if (declaredEnd + CrcBytes > _file.Length)
        {
            Shortened(declaredEnd);
            return;
        }

        ushort stored = BinaryPrimitives.ReadUInt16LittleEndian(_file.AsSpan(end));
        ushort computed = FitCrc.Compute(_file.AsSpan(start, end - start));
        if (stored != computed) Damaged(end, $"file CRC 0x{stored:X4}", $"0x{computed:X4} over the {end - start} bytes before it");
        offset = end + CrcBytes;
    }

    private bool TryReadHeader(int start, out int headerBytes, out uint dataBytes)
    {
        headerBytes = 0;
        dataBytes = 0;
        ReadOnlySpan<byte> rest = _file.AsSpan(start);
        if (rest.Length < LeastHeaderBytes) return Damaged(start, $"{rest.Length} bytes", $"a FIT header of at least {LeastHeaderBytes}");
        headerBytes = rest[0];
        if (headerBytes is not (LeastHeaderBytes or HeaderWithCrcBytes))
        {
            return Damaged(start, $"header size {headerBytes}", $"{LeastHeaderBytes} or {HeaderWithCrcBytes}");
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(rest[8..]) != SignatureLittleEndian)
        {
            return Damaged(start + 8, $"signature {Convert.ToHexString(rest.Slice(8, 4))}", "2E464954 (\".FIT\")");
        }

        int major = rest[1] >> 4;
        if (major > 2) return Damaged(start + 1, $"protocol version {major}", "1 or 2");
        dataBytes = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
        if (headerBytes == LeastHeaderBytes) return true;
        if (rest.Length < HeaderWithCrcBytes) return Damaged(start, $"{rest.Length} bytes", $"a header of {HeaderWithCrcBytes}");

        // 0 = the writer did not compute it.
        ushort stored = BinaryPrimitives.ReadUInt16LittleEndian(rest[LeastHeaderBytes..]);
        ushort computed = FitCrc.Compute(rest[..LeastHeaderBytes]);
        return stored == 0 || stored == computed || Damaged(start + LeastHeaderBytes, $"header CRC 0x{stored:X4}", $"0x{computed:X4}");
    }

    private bool TryReadMessage(ref int offset, int end)
    {
        int messageOffset = offset;
        byte header = _file[offset++];
        if ((header & 0x80) != 0)
        {
            // Compressed timestamp: bits 5-6 local type, bits 0-4 the low bits of the time, rolling over every 32 s.
            uint timestamp = _lastTimestamp + (((header & 0x1Fu) - _lastTimestamp) & 0x1F);
            return TryReadData(messageOffset, ref offset, end, (header >> 5) & 0x3, timestamp);
        }

        int localType = header & 0x0F;
        return (header & 0x40) != 0
            ? TryReadDefinition(messageOffset, ref offset, end, localType, hasDeveloperFields: (header & 0x20) != 0)
            : TryReadData(messageOffset, ref offset, end, localType, compressedTimestamp: null);
    }

    private bool TryReadDefinition(int messageOffset, ref int offset, int end, int localType, bool hasDeveloperFields)
    {
        // reserved, architecture, u16 message number, field count; then 3 bytes a field
        if (end - offset < 5) return Damaged(messageOffset, $"a definition cut after {end - offset} bytes", "at least 5");
        byte architecture = _file[offset + 1];
        if (architecture > 1) return Damaged(offset + 1, $"architecture {architecture}", "0 (little endian) or 1 (big endian)");
        bool isBigEndian = architecture == 1;
        ReadOnlySpan<byte> number = _file.AsSpan(offset + 2, 2);
        int messageNumber = isBigEndian ? BinaryPrimitives.ReadUInt16BigEndian(number) : BinaryPrimitives.ReadUInt16LittleEndian(number);
        int fieldCount = _file[offset + 4];
        offset += 5;
        if (end - offset < fieldCount * 3) return Damaged(messageOffset, $"a definition cut after {end - offset} bytes", $"{fieldCount * 3} for {fieldCount} fields");

        FitFieldDefinition[] fields = new FitFieldDefinition[fieldCount];
        for (int index = 0; index < fieldCount; index++, offset += 3)
        {
            fields[index] = new FitFieldDefinition(_file[offset], _file[offset + 1], _file[offset + 2]);
        }

        int developerBytes = 0;
        if (hasDeveloperFields)
        {
            if (offset >= end) return Damaged(messageOffset, "a definition cut before its developer fields", "their count");
            int developerCount = _file[offset++];
            if (end - offset < developerCount * 3) return Damaged(messageOffset, "a definition cut in its developer fields", $"{developerCount * 3} bytes");
            for (int index = 0; index < developerCount; index++, offset += 3) developerBytes += _file[offset + 1];
        }

        _definitions[localType] = new FitDefinition(messageNumber, isBigEndian, fields, developerBytes);
        return true;
    }

    private bool TryReadData(int messageOffset, ref int offset, int end, int localType, uint? compressedTimestamp)
    {
        FitDefinition? definition = _definitions[localType];
        if (definition is null) return Damaged(messageOffset, $"a data message of local type {localType}", "its definition before it");
        if (end - offset < definition.DataBytes)
        {
            return Damaged(messageOffset, $"a data message of {end - offset} bytes", $"{definition.DataBytes} by its definition");
        }

        _fields.Clear();
        foreach (FitFieldDefinition field in definition.Fields)
        {
            _fields.Add(field, _file.AsSpan(offset, field.Size), definition.IsBigEndian);
            offset += field.Size;
        }

        offset += definition.DeveloperBytes;
        if (_fields.Integer(TimestampField) is long timestamp) _lastTimestamp = (uint)timestamp;
        else if (compressedTimestamp is uint rolled) _fields.Set(TimestampField, _lastTimestamp = rolled);

        _activity.MessageCount++;
        FitMessages.AddTo(_activity, definition.MessageNumber, _fields);
        return true;
    }

    private void Shortened(long declaredEnd) => _activity.Damage = new FitDamage(
        _file.Length, $"the end of the file after {_file.Length} bytes", $"{declaredEnd + CrcBytes} by its header");

    private bool Damaged(long offset, string found, string expected)
    {
        _activity.Damage = new FitDamage(offset, found, expected);
        return false;
    }
}
