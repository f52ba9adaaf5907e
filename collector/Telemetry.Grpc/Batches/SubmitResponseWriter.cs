using System.Numerics;
using Telemetry.Wire.Ingest;

namespace Telemetry.Grpc.Batches;

/// <summary>Writes a telemetry.v1.SubmitResponse into a span, as protobuf would: fields at their default are left out.</summary>
internal static class SubmitResponseWriter
{
    // SubmitResponse { 1: tag varint, 2: results length-delimited }, BatchResult { 1: outcome varint, 2: reason string, 3: retry_after_ms varint }.
    private const byte TagField = (1 << 3) | 0;
    private const byte ResultField = (2 << 3) | 2;
    private const byte OutcomeField = (1 << 3) | 0;
    private const byte ReasonField = (2 << 3) | 2;
    private const byte RetryField = (3 << 3) | 0;

    /// <summary>Bytes that <see cref="Write"/> will fill.</summary>
    public static int Size(ulong tag, ReadOnlySpan<IngestTicket> results)
    {
        int size = tag == 0 ? 0 : 1 + VarintBytes(tag);
        foreach (ref readonly IngestTicket result in results)
        {
            int body = ResultBytes(result);
            size += 1 + VarintBytes((uint)body) + body;
        }

        return size;
    }

    /// <summary>Writes the message.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    /// <param name="tag">The request's tag.</param>
    /// <param name="results">One a batch, in the order sent.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> destination, ulong tag, ReadOnlySpan<IngestTicket> results)
    {
        int at = 0;
        if (tag != 0)
        {
            destination[at++] = TagField;
            at += WriteVarint(destination[at..], tag);
        }

        foreach (ref readonly IngestTicket result in results)
        {
            destination[at++] = ResultField;
            at += WriteVarint(destination[at..], (uint)ResultBytes(result));
            destination[at++] = OutcomeField;
            destination[at++] = (byte)result.Outcome;
            ReadOnlySpan<byte> reason = Refusals.NameUtf8(result.Reason);
            if (!reason.IsEmpty)
            {
                destination[at++] = ReasonField;
                destination[at++] = (byte)reason.Length;
                reason.CopyTo(destination[at..]);
                at += reason.Length;
            }

            if (result.RetryAfterMs > 0)
            {
                destination[at++] = RetryField;
                at += WriteVarint(destination[at..], (uint)result.RetryAfterMs);
            }
        }

        return at;
    }

    /// <summary>Outcomes are 1-4 and reasons shorter than 128 bytes: one byte each.</summary>
    private static int ResultBytes(in IngestTicket result)
    {
        int reason = Refusals.NameUtf8(result.Reason).Length;
        return 2 + (reason == 0 ? 0 : 2 + reason) + (result.RetryAfterMs > 0 ? 1 + VarintBytes((uint)result.RetryAfterMs) : 0);
    }

    private static int VarintBytes(ulong value) => Math.Max(1, (70 - BitOperations.LeadingZeroCount(value)) / 7);

    private static int WriteVarint(Span<byte> destination, ulong value)
    {
        int at = 0;
        while (value >= 0x80)
        {
            destination[at++] = (byte)(value | 0x80);
            value >>= 7;
        }

        destination[at++] = (byte)value;
        return at;
    }
}
