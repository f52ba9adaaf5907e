using System.Buffers;
using Telemetry.Log.Format;

namespace Telemetry.Log.Rewriting;

// A packed segment holds runs in place of records (FORMAT.md). A run is written as a record of the file:
//   kind            VerbatimRun or LongRun
//   deviceKey       whose records they are
//   receivedUnixMs  position of its first record
//   payload         by its kind
//
// Verbatim run, for each record, until the payload ends:
//   varint  (position - end of the record before) / 8; of the first 0
//   varint  receivedUnixMs - that of the record before, zigzag; of the first itself
//   u8      kind
//   u8      reason
//   varint  length
//           payload

/// <summary>Records of one device behind one another, each with its own position, in place of a stretch of the log.</summary>
internal static class Run
{
    /// <summary>The most a verbatim run says of a record beside its payload: position 9, time 10, kind and reason 2, length 3.</summary>
    public const int MaxVerbatimOverhead = 24;

    [ThreadStatic]
    private static LongRunReader? t_longRuns;

    /// <summary>Adds the records of a run to <paramref name="records"/>.</summary>
    /// <returns>False when the run, though intact, does not follow the format; what was read before that is kept.</returns>
    public static bool TryRead(in RecordHeader run, ReadOnlySpan<byte> payload, SegmentRecords records) => run.Kind switch
    {
        LogRecordKind.VerbatimRun => TryReadVerbatim(run, payload, records),
        LogRecordKind.LongRun => (t_longRuns ??= new LongRunReader()).TryRead(run, payload, records),
        _ => false,
    };

    /// <summary>Appends one record to a verbatim run under construction.</summary>
    /// <param name="output">The run's payload.</param>
    /// <param name="record">What to append.</param>
    /// <param name="payload">Its bytes.</param>
    /// <param name="last">The record before it in the run; null for the first.</param>
    public static void WriteVerbatim(ArrayBufferWriter<byte> output, in StoredRecord record, ReadOnlySpan<byte> payload, in StoredRecord? last)
    {
        Span<byte> to = output.GetSpan(MaxVerbatimOverhead + payload.Length);
        int at = PutVarint(to, last is { } before ? (ulong)(record.Position - before.NextPosition) / RecordFormat.Alignment : 0);
        at += PutVarint(to[at..], ZigZag(record.Header.ReceivedUnixMs - (last?.Header.ReceivedUnixMs ?? 0)));
        to[at++] = (byte)record.Header.Kind;
        to[at++] = record.Header.Reason;
        at += PutVarint(to[at..], (ulong)payload.Length);
        payload.CopyTo(to[at..]);
        output.Advance(at + payload.Length);
    }

    private static bool TryReadVerbatim(in RecordHeader run, ReadOnlySpan<byte> rest, SegmentRecords records)
    {
        long position = run.ReceivedUnixMs;
        long received = 0;
        while (!rest.IsEmpty)
        {
            if (!TryTakeVarint(ref rest, out ulong gap) || !TryTakeVarint(ref rest, out ulong later) || rest.Length < 2) return false;
            (LogRecordKind kind, byte reason) = ((LogRecordKind)rest[0], rest[1]);
            rest = rest[2..];
            if (!TryTakeVarint(ref rest, out ulong length) || length > (ulong)rest.Length || length > RecordFormat.MaxPayloadBytes) return false;
            position += (long)gap * RecordFormat.Alignment;
            received += UnZigZag(later);
            RecordHeader header = new((int)length, kind, reason, run.DeviceKey, received);
            records.Add(position, header, rest[..(int)length]);
            position += RecordFormat.SizeOf((int)length);
            rest = rest[(int)length..];
        }

        return true;
    }

    /// <summary>Maps a signed number to an unsigned one that is small when it is.</summary>
    public static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    /// <summary>The number that <see cref="ZigZag"/> was given.</summary>
    public static long UnZigZag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);

    private static int PutVarint(Span<byte> to, ulong value)
    {
        int at = 0;
        for (; value >= 0x80; value >>= 7) to[at++] = (byte)(value | 0x80);
        to[at++] = (byte)value;
        return at;
    }

    /// <summary>Appends a varint.</summary>
    public static void PutVarint(ArrayBufferWriter<byte> output, ulong value) => output.Advance(PutVarint(output.GetSpan(10), value));

    /// <summary>Appends "varint bytes, content".</summary>
    public static void PutFrame(ArrayBufferWriter<byte> output, ReadOnlySpan<byte> content)
    {
        PutVarint(output, (ulong)content.Length);
        output.Write(content);
    }

    /// <summary>Takes "varint bytes, content" from the front.</summary>
    public static bool TryTakeFrame(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> content)
    {
        content = default;
        if (!TryTakeVarint(ref rest, out ulong bytes) || bytes > (ulong)rest.Length) return false;
        content = rest[..(int)bytes];
        rest = rest[(int)bytes..];
        return true;
    }

    /// <summary>Takes a varint from the front.</summary>
    public static bool TryTakeVarint(ref ReadOnlySpan<byte> rest, out ulong value)
    {
        value = 0;
        for (int i = 0; i < rest.Length && i < 10; i++)
        {
            value |= (ulong)(rest[i] & 0x7F) << (7 * i);
            if (rest[i] >= 0x80) continue;
            rest = rest[(i + 1)..];
            return true;
        }

        return false;
    }
}
