using System.Buffers;
using System.Buffers.Binary;
using Telemetry.Wire;

namespace Telemetry.Grpc.Protocol;

// Length-prefixed message (gRPC over HTTP/2, "Requests"):
//   0  u8   flags     0 = as it is, 1 = compressed with the call's grpc-encoding; others are not defined
//   1  u32  length    bytes of message that follow, big endian
//   5  ...  message
internal static class MessageFraming
{
    /// <summary>1 flag + 4 length.</summary>
    public const int HeaderBytes = 5;

    /// <summary>Takes one message off the front of <paramref name="input"/>.</summary>
    /// <param name="input">Received bytes; advanced past the message only on Done.</param>
    /// <param name="maxMessageBytes">A longer message is refused by its header alone, before its bytes are waited for.</param>
    /// <param name="isCompressed">True when the message must be inflated.</param>
    /// <param name="message">A slice of <paramref name="input"/>: no copy.</param>
    /// <param name="fault">With Malformed: the status that ends the call.</param>
    /// <returns>Done; NeedMoreData if the input ends inside the message; Malformed for an undefined flag or too long a message.</returns>
    public static DecodeStatus TryRead(
        ref ReadOnlySequence<byte> input, int maxMessageBytes, out bool isCompressed, out ReadOnlySequence<byte> message, out GrpcStatus fault)
    {
        isCompressed = false;
        message = default;
        fault = default;
        if (input.Length < HeaderBytes) return DecodeStatus.NeedMoreData;

        ReadOnlySpan<byte> header = input.FirstSpan;
        if (header.Length < HeaderBytes)
        {
            Span<byte> joined = stackalloc byte[HeaderBytes];
            input.Slice(0, HeaderBytes).CopyTo(joined);
            return TryReadBody(joined, ref input, maxMessageBytes, out isCompressed, out message, out fault);
        }

        return TryReadBody(header, ref input, maxMessageBytes, out isCompressed, out message, out fault);
    }

    /// <summary>Writes the five bytes that precede a message.</summary>
    public static void WriteHeader(Span<byte> destination, bool isCompressed, int messageBytes)
    {
        destination[0] = isCompressed ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32BigEndian(destination[1..], messageBytes);
    }

    private static DecodeStatus TryReadBody(
        ReadOnlySpan<byte> header, ref ReadOnlySequence<byte> input, int maxMessageBytes,
        out bool isCompressed, out ReadOnlySequence<byte> message, out GrpcStatus fault)
    {
        isCompressed = header[0] == 1;
        message = default;
        fault = default;
        uint length = BinaryPrimitives.ReadUInt32BigEndian(header[1..]);
        if (header[0] > 1)
        {
            fault = new GrpcStatus(GrpcStatusCode.Internal, $"Message flags are {header[0]}; 0 (plain) or 1 (compressed) is required.");
            return DecodeStatus.Malformed;
        }

        if (length > maxMessageBytes)
        {
            fault = new GrpcStatus(GrpcStatusCode.ResourceExhausted, $"Message of {length} bytes; at most {maxMessageBytes} are taken.");
            return DecodeStatus.Malformed;
        }

        if (input.Length - HeaderBytes < length) return DecodeStatus.NeedMoreData;
        message = input.Slice(HeaderBytes, length);
        input = input.Slice(message.End);
        return DecodeStatus.Done;
    }
}
