using System.Buffers;
using Telemetry.Wire;

namespace Telemetry.Mqtt.Packets;

// Fixed header, MQTT 5.0 section 2.1:
//   byte 1   7 6 5 4   packet type
//            3 2 1 0   flags of the type
//   byte 2.. Remaining Length, a Variable Byte Integer of 1-4 bytes: what follows the fixed header

/// <summary>First bytes of every MQTT Control Packet.</summary>
internal readonly record struct FixedHeader(byte First, int RemainingLength)
{
    /// <summary>1 type and flags + 4 Remaining Length.</summary>
    public const int MaxBytes = 5;

    public PacketType Type => (PacketType)(First >> 4);

    /// <summary>The lower four bits.</summary>
    public byte Flags => (byte)(First & 0x0F);

    /// <summary>Reads the fixed header at the start of <paramref name="input"/>.</summary>
    /// <param name="input">What was received; not consumed.</param>
    /// <param name="header">The header, when Done.</param>
    /// <param name="headerBytes">Its length, 2-5, when Done.</param>
    /// <returns>Done; NeedMoreData if the input ends inside it; Malformed if the length asks for a fifth byte or is longer than needed.</returns>
    public static DecodeStatus TryRead(in ReadOnlySequence<byte> input, out FixedHeader header, out int headerBytes)
    {
        ReadOnlySpan<byte> first = input.FirstSpan;
        if (first.Length >= MaxBytes || input.IsSingleSegment) return TryRead(first, out header, out headerBytes);

        Span<byte> copy = stackalloc byte[MaxBytes];
        int length = (int)Math.Min(MaxBytes, input.Length);
        input.Slice(0, length).CopyTo(copy);
        return TryRead(copy[..length], out header, out headerBytes);
    }

    private static DecodeStatus TryRead(ReadOnlySpan<byte> input, out FixedHeader header, out int headerBytes)
    {
        header = default;
        headerBytes = 0;
        if (input.Length < 2) return DecodeStatus.NeedMoreData;

        DecodeStatus status = VariableByteInteger.TryRead(input[1..], out int remaining, out int lengthBytes);
        if (status != DecodeStatus.Done) return status;

        header = new FixedHeader(input[0], remaining);
        headerBytes = 1 + lengthBytes;
        return DecodeStatus.Done;
    }
}
