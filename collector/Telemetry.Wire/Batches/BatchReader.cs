using Telemetry.Wire.Ingest;

namespace Telemetry.Wire.Batches;

/// <summary>Reads sealed batches in place, without allocation (proto/WIRE.md, "Batch").</summary>
public static class BatchReader
{
    /// <summary>Checks order, limits and CRC-32C of a whole batch and reads its header.</summary>
    /// <returns>Done; or Malformed, with the reason a dead letter would carry.</returns>
    public static DecodeStatus ReadHeader(ReadOnlySpan<byte> batch, out BatchHeader header, out RefusalReason reason) => throw new NotSupportedException();

    /// <summary>The blocks of a batch that <see cref="ReadHeader"/> found good.</summary>
    public static BlockEnumerator Blocks(ReadOnlySpan<byte> batch) => throw new NotSupportedException();
}

/// <summary>Walks the blocks of a batch: <c>foreach (BlockSlice block in BatchReader.Blocks(batch))</c>.</summary>
public ref struct BlockEnumerator
{
    public readonly BlockEnumerator GetEnumerator() => this;

    public readonly BlockSlice Current => throw new NotSupportedException();

    public bool MoveNext() => throw new NotSupportedException();
}

/// <summary>One block inside a batch.</summary>
/// <param name="Offset">Of its payload within the batch.</param>
/// <param name="Length">Of its payload.</param>
/// <param name="IsPlain">True for the protobuf encoding: read it with <c>PlainBlockDecoder</c>, which fills the same <c>BlockDecoder</c> columns.</param>
public readonly record struct BlockSlice(int Offset, int Length, bool IsPlain);
