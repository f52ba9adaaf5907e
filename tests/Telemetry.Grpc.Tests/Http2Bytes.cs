using System.Buffers.Binary;
using System.Text;

namespace Telemetry.Grpc.Tests;

/// <summary>One HTTP/2 frame as a client writes it; <see cref="DeclaredLength"/> may lie about the payload.</summary>
internal sealed record Http2Frame(byte Type, byte Flags, int Stream, byte[] Payload, int? DeclaredLength = null)
{
    // Frame (RFC 9113, section 4.1): u24 length, u8 type, u8 flags, u31 stream, payload.
    public byte[] ToBytes()
    {
        byte[] bytes = new byte[9 + Payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, (DeclaredLength ?? Payload.Length) << 8);
        (bytes[3], bytes[4]) = (Type, Flags);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(5), Stream);
        Payload.CopyTo(bytes, 9);
        return bytes;
    }
}

/// <summary>HTTP/2 by hand: what a client writes from its first byte on, so that a test can break any of it.</summary>
internal static class Http2Bytes
{
    public const byte Data = 0, HeadersType = 1, Settings = 4;
    public const byte EndStream = 1, EndHeaders = 4;

    public static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>The headers of a good call of <paramref name="method"/>.</summary>
    public static List<(string Name, string Value)> CallHeaders(string method) =>
    [
        (":method", "POST"), (":scheme", "http"), (":path", "/" + method), (":authority", "127.0.0.1"),
        ("content-type", "application/grpc"), ("te", "trailers"), ("grpc-timeout", "20S"), ("authorization", FakeIngest.Basic()),
    ];

    /// <summary>Literal header fields without indexing, no Huffman code (RFC 7541, section 6.2.2).</summary>
    public static byte[] HeaderBlock(IEnumerable<(string Name, string Value)> headers) =>
        [.. headers.SelectMany(header => (byte[])[0, (byte)header.Name.Length, .. Encoding.ASCII.GetBytes(header.Name), (byte)header.Value.Length, .. Encoding.ASCII.GetBytes(header.Value)])];

    public static byte[] Join(IEnumerable<Http2Frame> frames) => [.. Preface.ToArray(), .. frames.SelectMany(frame => frame.ToBytes())];
}
