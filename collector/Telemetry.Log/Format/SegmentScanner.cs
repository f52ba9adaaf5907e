using Telemetry.Log.Disk;

namespace Telemetry.Log.Format;

/// <summary>
/// Walks the records of one segment in order and steps over damage: behind a record that fails its CRC it looks at every
/// aligned offset for the next intact one. Reader, recovery and doctor all walk through here, so they agree on what the log holds.
/// </summary>
/// <remarks>One thread. Reads ahead into one buffer that holds the largest record.</remarks>
internal sealed class SegmentScanner(ILogFile file, SegmentHeader segment, byte[] buffer)
{
    /// <summary>The least buffer a scanner works with.</summary>
    public const int MinBufferBytes = (RecordFormat.MaxRecordBytes + RecordFormat.Alignment) & -RecordFormat.Alignment;

    private long _bufferOffset;
    private int _bufferCount;

    /// <summary>File offset of the next record or of the end.</summary>
    public long Offset { get; private set; } = SegmentHeader.Bytes;

    /// <summary>Position of the next record or of the end.</summary>
    public long Position => segment.BasePosition + Offset;

    /// <summary>Bytes stepped over because no intact record holds them.</summary>
    public long DamagedBytes { get; private set; }

    /// <summary>Stretches of damage stepped over.</summary>
    public int DamagedSpans { get; private set; }

    /// <summary>Goes to a record's position; one inside a record or damage leads to the next intact record.</summary>
    public void Seek(long position) =>
        Offset = Math.Max(SegmentHeader.Bytes, (position - segment.BasePosition + RecordFormat.Alignment - 1) & -RecordFormat.Alignment);

    /// <summary>Reads the next intact record that ends at or before <paramref name="limit"/> (file offset).</summary>
    /// <returns>False at the end: only zeros follow, or damage that is counted and stepped over.</returns>
    public bool TryNext(long limit, out RecordHeader header, out ReadOnlyMemory<byte> payload)
    {
        if (TryReadAt(Offset, limit, out header, out payload)) return true;
        if (Offset + RecordFormat.HeaderBytes > limit) return false;

        long damagedFrom = Offset;
        long lastWritten = -1;
        long offset = damagedFrom;
        while (offset + RecordFormat.HeaderBytes <= limit)
        {
            // Unused space reads as zero: jump over it.
            ReadOnlySpan<byte> ahead = Peek(offset, RecordFormat.HeaderBytes, limit).Span;
            if (ahead.Length < RecordFormat.HeaderBytes) break;
            int written = ahead.IndexOfAnyExcept((byte)0);
            if (written < 0)
            {
                offset += ahead.Length & -RecordFormat.Alignment;
                continue;
            }

            offset += written & -RecordFormat.Alignment;
            lastWritten = offset;
            if (offset > damagedFrom && TryReadAt(offset, limit, out header, out payload))
            {
                CountDamage(damagedFrom, offset);
                return true;
            }

            offset += RecordFormat.Alignment;
        }

        if (lastWritten >= 0)
        {
            long end = Math.Min(limit, lastWritten + RecordFormat.Alignment);
            CountDamage(damagedFrom, end);
            Offset = end;
        }

        header = default;
        payload = default;
        return false;
    }

    private bool TryReadAt(long offset, long limit, out RecordHeader header, out ReadOnlyMemory<byte> payload)
    {
        payload = default;
        header = default;
        if (offset + RecordFormat.HeaderBytes > limit) return false;
        ReadOnlyMemory<byte> bytes = Peek(offset, RecordFormat.HeaderBytes, limit);
        if (bytes.Length < RecordFormat.HeaderBytes || !RecordFormat.TryReadHeader(bytes.Span, out header)) return false;
        if (offset + RecordFormat.SizeOf(header.Length) > limit) return false;

        int bytesNeeded = RecordFormat.HeaderBytes + header.Length;
        if (bytes.Length < bytesNeeded) bytes = Peek(offset, bytesNeeded, limit);
        if (bytes.Length < bytesNeeded || !RecordFormat.IsIntact(bytes.Span, segment.Seed, segment.BasePosition + offset, header)) return false;

        payload = bytes.Slice(RecordFormat.HeaderBytes, header.Length);
        Offset = offset + RecordFormat.SizeOf(header.Length);
        return true;
    }

    // The bytes from offset on: all that is read ahead, at least `needed` of them unless the file or the limit ends before.
    private ReadOnlyMemory<byte> Peek(long offset, int needed, long limit)
    {
        long available = _bufferOffset + _bufferCount - offset;
        if (offset < _bufferOffset || available < needed)
        {
            int wanted = (int)Math.Min(buffer.Length, limit - offset);
            _bufferOffset = offset;
            _bufferCount = file.Read(buffer.AsSpan(0, wanted), offset);
        }

        int start = (int)(offset - _bufferOffset);
        return buffer.AsMemory(start, (int)Math.Min(_bufferCount - start, limit - offset));
    }

    private void CountDamage(long from, long to)
    {
        DamagedBytes += to - from;
        DamagedSpans++;
    }
}
