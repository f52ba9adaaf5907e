using System.Buffers;
using Telemetry.Wire;

namespace Telemetry.Grpc.Batches;

/// <summary>Reads a telemetry.v1.SubmitRequest in place: batches stay slices of the received bytes, so that what is stored is what was sealed.</summary>
/// <remarks>The message stands there in full, so a cut-off field is Malformed here, never NeedMoreData. Unknown fields are skipped, as protobuf asks.</remarks>
internal static class SubmitRequestReader
{
    // Tag byte = field number << 3 | wire type (protobuf, "Encoding"): 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes.
    private const uint TagField = (1 << 3) | 0;
    private const uint BatchField = (2 << 3) | 2;
    private const uint DeviceField = (3 << 3) | 2;

    /// <summary>"brand/device" is at most 32 + 1 + 64 bytes (<see cref="Topics"/>).</summary>
    public const int MaxDeviceBytes = 97;

    /// <summary>Checks the whole message and reads everything but the batches.</summary>
    /// <param name="message">One whole SubmitRequest.</param>
    /// <param name="header">The caller's tag, the number of batches, and the device a hub relays for (empty = the caller), borrowed from the message.</param>
    /// <returns>Done or Malformed.</returns>
    public static DecodeStatus ReadHeader(in ReadOnlySequence<byte> message, out SubmitRequestHeader header)
    {
        SequenceReader<byte> reader = new(message);
        ulong tag = 0;
        int batchCount = 0;
        ReadOnlySequence<byte> device = default;
        header = default;
        while (!reader.End)
        {
            if (!TryReadVarint(ref reader, out ulong field)) return DecodeStatus.Malformed;
            switch (field)
            {
                case TagField:
                    if (!TryReadVarint(ref reader, out tag)) return DecodeStatus.Malformed;
                    break;
                case BatchField:
                    if (!TryReadBytes(ref reader, out _)) return DecodeStatus.Malformed;
                    batchCount++;
                    break;
                case DeviceField:
                    if (!TryReadBytes(ref reader, out device) || device.Length > MaxDeviceBytes) return DecodeStatus.Malformed;
                    break;
                default:
                    if (!TrySkip(ref reader, field)) return DecodeStatus.Malformed;
                    break;
            }
        }

        header = new SubmitRequestHeader(tag, batchCount, device);
        return DecodeStatus.Done;
    }

    /// <summary>The next batch of a message that <see cref="ReadHeader"/> found good, at most <see cref="SubmitRequestHeader.BatchCount"/> times.</summary>
    /// <param name="rest">Begins as the whole message; advanced past the batch.</param>
    public static ReadOnlySequence<byte> NextBatch(ref ReadOnlySequence<byte> rest)
    {
        SequenceReader<byte> reader = new(rest);
        while (TryReadVarint(ref reader, out ulong field))
        {
            if (field != BatchField)
            {
                TrySkip(ref reader, field);
                continue;
            }

            TryReadBytes(ref reader, out ReadOnlySequence<byte> batch);
            rest = reader.UnreadSequence;
            return batch;
        }

        throw new InvalidOperationException("The message has fewer batches than its header was read with.");
    }

    private static bool TrySkip(ref SequenceReader<byte> reader, ulong field)
    {
        if (field >> 3 is 0 or > 0x1FFF_FFFF) return false;
        switch (field & 7)
        {
            case 0: return TryReadVarint(ref reader, out _);
            case 1: return TryAdvance(ref reader, 8);
            case 2: return TryReadBytes(ref reader, out _);
            case 5: return TryAdvance(ref reader, 4);
            default: return false;
        }
    }

    private static bool TryAdvance(ref SequenceReader<byte> reader, long bytes)
    {
        if (reader.Remaining < bytes) return false;
        reader.Advance(bytes);
        return true;
    }

    private static bool TryReadBytes(ref SequenceReader<byte> reader, out ReadOnlySequence<byte> bytes)
    {
        bytes = default;
        return TryReadVarint(ref reader, out ulong length) && length <= int.MaxValue && reader.TryReadExact((int)length, out bytes);
    }

    /// <summary>A base-128 varint of at most ten bytes.</summary>
    private static bool TryReadVarint(ref SequenceReader<byte> reader, out ulong value)
    {
        value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            if (!reader.TryRead(out byte part)) return false;
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80) return shift < 63 || part <= 1;
        }

        return false;
    }
}

/// <summary>What a SubmitRequest says besides its batches.</summary>
/// <param name="Tag">The caller's to choose; returned with the answer.</param>
/// <param name="BatchCount">Batches in the message.</param>
/// <param name="Device">UTF-8 "brand/device"; empty = the caller itself. Borrowed from the message.</param>
internal readonly record struct SubmitRequestHeader(ulong Tag, int BatchCount, ReadOnlySequence<byte> Device);
