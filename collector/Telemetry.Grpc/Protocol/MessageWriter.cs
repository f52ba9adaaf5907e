using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using Google.Protobuf;

namespace Telemetry.Grpc.Protocol;

/// <summary>Frames messages into one response body. One writer at a time.</summary>
internal sealed class MessageWriter(PipeWriter body)
{
    /// <summary>Below this many bytes gzip does not pay for its 18 bytes of header and trailer and its time.</summary>
    public const int MinCompressedBytes = 1024;

    /// <summary>True when the call's response headers say <c>grpc-encoding: gzip</c>; each message then chooses by its size.</summary>
    public bool MayCompress { get; set; }

    /// <summary>Messages written so far.</summary>
    public long Count { get; private set; }

    /// <summary>Writes one message; it travels with the next <see cref="FlushAsync"/>.</summary>
    public void Write(IMessage message)
    {
        int size = message.CalculateSize();
        if (MayCompress && size >= MinCompressedBytes)
        {
            WriteCompressed(message.ToByteArray());
            return;
        }

        message.WriteTo(Begin(size));
        End(size);
    }

    /// <summary>Begins a message of exactly <paramref name="size"/> bytes that the caller writes itself; <see cref="End"/> closes it.</summary>
    public Span<byte> Begin(int size)
    {
        Span<byte> span = body.GetSpan(MessageFraming.HeaderBytes + size);
        MessageFraming.WriteHeader(span, isCompressed: false, size);
        return span.Slice(MessageFraming.HeaderBytes, size);
    }

    /// <summary>Ends the message that <see cref="Begin"/> began.</summary>
    public void End(int size)
    {
        body.Advance(MessageFraming.HeaderBytes + size);
        Count++;
    }

    /// <summary>Sends what was written and waits while the peer's flow-control window is closed.</summary>
    /// <exception cref="OperationCanceledException">The peer reads no more.</exception>
    public async ValueTask FlushAsync(CancellationToken cancellation)
    {
        FlushResult flushed = await body.FlushAsync(cancellation);
        if (flushed.IsCompleted || flushed.IsCanceled) throw new OperationCanceledException("The caller reads no more answers.");
    }

    private void WriteCompressed(byte[] message)
    {
        using MemoryStream compressed = new(message.Length / 2);
        using (GZipStream gzip = new(compressed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(message);
        ReadOnlySpan<byte> bytes = compressed.GetBuffer().AsSpan(0, (int)compressed.Length);
        Span<byte> header = body.GetSpan(MessageFraming.HeaderBytes);
        MessageFraming.WriteHeader(header, isCompressed: true, bytes.Length);
        body.Advance(MessageFraming.HeaderBytes);
        body.Write(bytes);
        Count++;
    }
}
