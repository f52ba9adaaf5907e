namespace Telemetry.Influx.LineProtocol;

/// <summary>The lines of one request: bytes, and where each line ends, so that a request can be split between lines.</summary>
/// <remarks>One buffer, grown to its bound once and then reused: no allocation a line. One owner.</remarks>
internal sealed class LineBatch(int maxLines, int maxBytes)
{
    // Lines are begun while they are sure to fit; a single one may still grow the buffer past the bound, by its own length.
    private byte[] _bytes = new byte[Math.Min(maxBytes, 64 * 1024)];
    private readonly List<int> _ends = new(Math.Min(maxLines, 1024));
    private int _length;

    public int LineCount => _ends.Count;

    public int ByteCount => _length;

    public bool IsEmpty => _ends.Count == 0;

    /// <summary>Lines that may still be added; 0 = send first.</summary>
    public int Room => _length >= maxBytes ? 0 : maxLines - _ends.Count;

    public ReadOnlyMemory<byte> Bytes => _bytes.AsMemory(0, _length);

    /// <summary>Begins a line of at most <paramref name="mostBytes"/> bytes; the caller fills the front of the span and calls <see cref="EndLine"/>.</summary>
    public Span<byte> BeginLine(int mostBytes)
    {
        if (_bytes.Length - _length < mostBytes) Grow(mostBytes);
        return _bytes.AsSpan(_length);
    }

    /// <summary>Ends a line of <paramref name="bytes"/> bytes, its '\n' included.</summary>
    public void EndLine(int bytes)
    {
        _length += bytes;
        _ends.Add(_length);
    }

    /// <summary>Adds a whole line; the '\n' is added here.</summary>
    public void AddLine(ReadOnlySpan<byte> line)
    {
        Span<byte> span = BeginLine(line.Length + 1);
        line.CopyTo(span);
        span[line.Length] = (byte)'\n';
        EndLine(line.Length + 1);
    }

    /// <summary>Bytes of some of the lines.</summary>
    public ReadOnlyMemory<byte> Lines(int first, int count)
    {
        int start = first == 0 ? 0 : _ends[first - 1];
        return _bytes.AsMemory(start, count == 0 ? 0 : _ends[first + count - 1] - start);
    }

    public void Clear()
    {
        _length = 0;
        _ends.Clear();
    }

    private void Grow(int mostBytes)
    {
        int size = (int)Math.Min(Array.MaxLength, Math.Max((long)_length + mostBytes, 2L * _bytes.Length));
        Array.Resize(ref _bytes, size);
    }
}
