using System.Buffers;

namespace Telemetry.Testing;

/// <summary>Bytes as a network hands them on: not in one piece.</summary>
public static class Pieces
{
    /// <summary>The same bytes in two pieces, which meet at <paramref name="cut"/>.</summary>
    public static ReadOnlySequence<byte> Of(byte[] bytes, int cut)
    {
        Piece first = new(bytes.AsMemory(0, cut), null);
        Piece last = new(bytes.AsMemory(cut), first);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, Piece? before)
        {
            Memory = memory;
            if (before is null) return;
            before.Next = this;
            RunningIndex = before.RunningIndex + before.Memory.Length;
        }
    }
}
