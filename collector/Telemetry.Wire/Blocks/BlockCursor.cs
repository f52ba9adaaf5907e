namespace Telemetry.Wire.Blocks;

/// <summary>Walks over the parts of a block.</summary>
/// <param name="bytes">The block, and what stands behind it: at least <see cref="Padding"/> bytes where streams are to be decoded.</param>
/// <param name="length">Bytes of the block.</param>
internal ref struct BlockCursor(ReadOnlySpan<byte> bytes, int length)
{
    /// <summary>Bytes a decoder of streams may load behind the last one.</summary>
    public const int Padding = sizeof(ulong);

    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private readonly int _length = length;

    /// <summary>Bytes passed.</summary>
    public int Position { get; private set; }

    /// <summary>Takes one byte.</summary>
    public bool TryReadByte(out int value)
    {
        value = 0;
        if (Position == _length) return false;
        value = _bytes[Position++];
        return true;
    }

    /// <summary>Takes a varint.</summary>
    public bool TryReadNumber(out ulong value)
    {
        int taken = VarintReader.Read(_bytes[Position.._length], out value);
        Position += taken;
        return taken > 0;
    }

    /// <summary>Takes a varint length and the stream behind it.</summary>
    /// <param name="window">From the stream's first byte to the end of everything, so that a decoder may load whole words.</param>
    /// <param name="length">Bytes of the stream.</param>
    public bool TryTakeStream(out ReadOnlySpan<byte> window, out int length)
    {
        window = default;
        length = 0;
        if (!TryReadNumber(out ulong bytes) || bytes > (ulong)(_length - Position)) return false;
        length = (int)bytes;
        window = _bytes[Position..];
        Position += length;
        return true;
    }

    /// <summary>Takes all that is left.</summary>
    /// <param name="window">From the stream's first byte to the end of everything.</param>
    /// <param name="length">Bytes of the stream.</param>
    public void TakeRest(out ReadOnlySpan<byte> window, out int length)
    {
        window = _bytes[Position..];
        length = _length - Position;
        Position = _length;
    }
}
