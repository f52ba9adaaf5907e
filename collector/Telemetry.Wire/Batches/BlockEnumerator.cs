namespace Telemetry.Wire.Batches;

/// <summary>Walks the blocks of a batch: <c>foreach (BlockSlice block in BatchReader.Blocks(batch))</c>. No allocation.</summary>
public ref struct BlockEnumerator
{
    private ProtoReader _fields;

    internal BlockEnumerator(ReadOnlySpan<byte> body) => _fields = new ProtoReader(body);

    /// <summary>Itself.</summary>
    public readonly BlockEnumerator GetEnumerator() => this;

    /// <summary>The block last moved to.</summary>
    public readonly BlockSlice Current =>
        new(_fields.ContentOffset, _fields.ContentLength, _fields.Field == BatchReader.PlainBlockField);

    /// <summary>Moves to the next block.</summary>
    public bool MoveNext()
    {
        while (_fields.TryRead())
        {
            if (_fields.Field is BatchReader.BlockField or BatchReader.PlainBlockField && _fields.WireType == ProtoReader.Bytes) return true;
        }

        return false;
    }
}

/// <summary>One block inside a batch.</summary>
/// <param name="Offset">Of its payload within the batch.</param>
/// <param name="Length">Of its payload.</param>
/// <param name="IsPlain">True for the protobuf encoding: read it with <c>PlainBlockDecoder</c>, which fills the same <c>BlockDecoder</c> columns.</param>
public readonly record struct BlockSlice(int Offset, int Length, bool IsPlain);
