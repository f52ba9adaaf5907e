using System.Globalization;
using System.Text;

namespace Telemetry.FaultyProxy;

/// <summary>A request or an answer of HTTP/1.1, byte for byte (RFC 9112): only its end is looked for.</summary>
internal sealed class HttpMessage
{
    // Far beyond what a sink sends in one request and a server shows on one page.
    private const int MaxBytes = 64 * 1024 * 1024;

    private readonly MemoryStream _bytes = new();

    private HttpMessage()
    {
    }

    public ReadOnlySpan<byte> Bytes => _bytes.GetBuffer().AsSpan(0, (int)_bytes.Length);

    /// <summary>Method and path of a request, without its query, which may carry names.</summary>
    public string Target { get; private set; } = "";

    public bool IsWrite => Target.StartsWith("POST ", StringComparison.Ordinal);

    /// <summary>The answer ends where the connection does.</summary>
    public bool IsToTheEnd { get; private set; }

    /// <summary>An answer of our own.</summary>
    public static HttpMessage Of(string text, bool isToTheEnd = false)
    {
        HttpMessage message = new() { IsToTheEnd = isToTheEnd };
        message._bytes.Write(Encoding.ASCII.GetBytes(text));
        return message;
    }

    /// <summary>Reads a request.</summary>
    /// <returns>Null when none comes any more.</returns>
    /// <exception cref="IOException">The connection ends within it.</exception>
    public static HttpMessage? ReadRequest(BufferedStream from)
    {
        HttpMessage message = new();
        if (!message.TryReadLine(from, out string line)) return null;
        message.Target = line.Split(' ', '?') is [string method, string path, ..] ? $"{method} {path}" : line;
        message.ReadRest(from, length: 0); // RFC 9112 section 6.3: without a length there is no body
        return message;
    }

    /// <summary>Reads an answer.</summary>
    /// <exception cref="IOException">The connection ends within it.</exception>
    public static HttpMessage ReadAnswer(BufferedStream from)
    {
        HttpMessage message = new();
        string[] line = message.ReadLine(from).Split(' ');
        message.ReadRest(from, length: line is [_, "204" or "304", ..] ? 0 : null);
        return message;
    }

    // Null: to the end of the connection, unless a field says otherwise.
    private void ReadRest(BufferedStream from, long? length)
    {
        bool isChunked = false;
        for (string field = ReadLine(from); field.Length > 0; field = ReadLine(from))
        {
            (string name, string value) = field.Split(':', 2) is [string before, string behind] ? (before, behind.Trim()) : (field, "");
            if (name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)) length = long.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture);
            if (name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase)) isChunked = value.Equals("chunked", StringComparison.OrdinalIgnoreCase);
        }

        if (isChunked) CopyChunks(from);
        else if (length is { } bytes) Copy(from, bytes);
        else
        {
            IsToTheEnd = true;
            while (from.ReadByte() is >= 0 and var next) Add((byte)next);
        }
    }

    private void CopyChunks(BufferedStream from)
    {
        while (int.Parse(ReadLine(from).Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture) is > 0 and var size)
        {
            Copy(from, size);
            ReadLine(from);
        }

        while (ReadLine(from).Length > 0) continue; // trailers
    }

    private void Copy(BufferedStream from, long bytes)
    {
        for (long i = 0; i < bytes; i++) Add(from.ReadByte() is >= 0 and var next ? (byte)next : throw new EndOfStreamException());
    }

    private string ReadLine(BufferedStream from) => TryReadLine(from, out string line) ? line : throw new EndOfStreamException();

    private bool TryReadLine(BufferedStream from, out string line)
    {
        int start = (int)_bytes.Length;
        line = "";
        int next;
        do
        {
            next = from.ReadByte();
            if (next >= 0) Add((byte)next);
            else if (_bytes.Length == start) return false;
            else throw new EndOfStreamException();
        }
        while (next != '\n');

        line = Encoding.ASCII.GetString(Bytes[start..]).TrimEnd('\r', '\n');
        return true;
    }

    private void Add(byte next)
    {
        if (_bytes.Length == MaxBytes) throw new IOException($"A message is longer than {MaxBytes} bytes.");
        _bytes.WriteByte(next);
    }
}
