using System.Buffers.Binary;

namespace Telemetry.Log.Rewriting;

/// <summary>Payload of a <see cref="LogRecordKind.SeqsDropped"/> record: an epoch and ranges of seqs, both ends included.</summary>
/// <remarks>It stands where the first of the dropped batches stood, so that who rebuilds sequences from the log neither misses them nor takes them again.</remarks>
public static class DroppedSeqs
{
    /// <summary>Ranges in one record, so that it stays far below the longest payload.</summary>
    public const int MaxRanges = 4096;

    private const int RangeBytes = 2 * sizeof(ulong);

    /// <summary>Reads a payload.</summary>
    /// <returns>The epoch and its ranges; epoch 0 and none when the payload does not follow the format.</returns>
    public static (uint Epoch, IReadOnlyList<(ulong First, ulong Last)> Ranges) Read(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < sizeof(uint) + RangeBytes || (payload.Length - sizeof(uint)) % RangeBytes != 0) return (0, []);
        List<(ulong, ulong)> ranges = [];
        for (ReadOnlySpan<byte> rest = payload[sizeof(uint)..]; !rest.IsEmpty; rest = rest[RangeBytes..])
            ranges.Add((BinaryPrimitives.ReadUInt64LittleEndian(rest), BinaryPrimitives.ReadUInt64LittleEndian(rest[sizeof(ulong)..])));
        return (BinaryPrimitives.ReadUInt32LittleEndian(payload), ranges);
    }

    internal static byte[] Write(uint epoch, IReadOnlyList<(ulong First, ulong Last)> ranges)
    {
        byte[] payload = new byte[sizeof(uint) + (ranges.Count * RangeBytes)];
        BinaryPrimitives.WriteUInt32LittleEndian(payload, epoch);
        Span<byte> rest = payload.AsSpan(sizeof(uint));
        foreach ((ulong first, ulong last) in ranges)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(rest, first);
            BinaryPrimitives.WriteUInt64LittleEndian(rest[sizeof(ulong)..], last);
            rest = rest[RangeBytes..];
        }

        return payload;
    }
}
